"""A host that boots with systemd: a container is that host, a restart its reboot."""

from __future__ import annotations

import io
import json
import os
import secrets
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

from idlehands_deploy.engine.client import Engine
from idlehands_deploy.engine.images.build import ensure_base
from tests.support.helpers import PACKAGE, Quiet
from tests.support.site import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

IMAGE = "idlehands/test-systemd:trixie"
# Debian's own libraries are older than the tool asks for, and do for the commands that run here.
DOCKERFILE = """\
FROM {base}
RUN apt-get update \\
 && apt-get install -y --no-install-recommends dbus libpam-systemd systemd systemd-sysv \\
        python3 python3-docker python3-filelock python3-json5 python3-psutil python3-pydantic python3-requests \\
        python3-ruamel.yaml python3-tenacity python3-typer python3-yaml \\
 && apt-get clean \\
 && rm -rf /var/lib/apt/lists/* \\
 && useradd --create-home --uid 1000 person
STOPSIGNAL SIGRTMIN+3
ENTRYPOINT ["/sbin/init"]
"""
SYSTEM, HOME = "/etc/systemd/system", "/home/person"
# Stands in for the engine, which cannot run in a container that may not mount; systemd sees a service like any.
ENGINE = "[Service]\nExecStart=sleep infinity\n[Install]\nWantedBy=multi-user.target default.target\n"
WATCH = "idlehands-bots.watch.service"
# The tool is no package of this machine's.
TOOL = "[Service]\nEnvironment=PYTHONPATH=/opt/tool\n"
ROOTLESS = "unix:///run/user/1000/docker.sock"


@dataclass
class Machine:
    """A host with systemd, and with an engine that does not start at boot.

    Attributes:
        person: whether an ordinary user types; else root does.
    """

    container: Any
    person: bool = False

    def run(self, *command: str, **environ: str) -> tuple[int, str, str]:
        """Exit code, output and complaints of a command; `person` types it where it is a person's machine."""
        user, own = ("person", {"HOME": HOME, "XDG_RUNTIME_DIR": "/run/user/1000"}) if self.person else ("root", {})
        done = self.container.exec_run(list(command), user=user, environment=own | environ, demux=True)
        out, err = (part.decode() if part else "" for part in done.output)
        return done.exit_code, out, err

    def ok(self, *command: str, **environ: str) -> str:
        code, out, err = self.run(*command, **environ)
        assert code == 0, f"{command}: exit {code}\n{out}\n{err}"
        return out

    def write(self, path: str, text: str) -> None:
        self.ok("sh", "-c", 'mkdir -p "${1%/*}" && printf %s "$2" >"$1"', "sh", path, text)

    def deploy(self, *arguments: str, at: str = "/srv/bots", **environ: str) -> tuple[int, str, str]:
        return self.run("python3", "-m", "idlehands_deploy", "-C", at, *arguments, PYTHONPATH="/opt/tool", **environ)

    def done(self, *arguments: str, at: str = "/srv/bots", **environ: str) -> str:
        code, out, err = self.deploy(*arguments, at=at, **environ)
        assert (code, out) == (0, ""), f"{arguments}: exit {code}\n{out}\n{err}"
        return err

    def fleet(self, *profiles: str, name: str = "bots", at: str = "/srv/bots") -> None:
        self.write(f"{at}/fleet.yaml", f"name: {name}\nprofiles: {{{', '.join(f'{one}: {{}}' for one in profiles)}}}\n")

    def watch_runs(self, unit: str = WATCH) -> int | None:
        """The process of the unit's watch, once it has begun to write; None if there is none."""
        pid = self.systemctl("show", "-P", "MainPID", unit)
        # A systemd that is busy can say nothing at all.
        return int(pid) if self.is_up(unit) and pid.isdigit() and pid != "0" else None

    def journal(self, at: str = "/srv/bots") -> list[dict[str, Any]]:
        code, out, _ = self.run("cat", f"{at}/watch/journal.jsonl")
        return [] if code else [json.loads(line) for line in out.splitlines()]

    def watches(self) -> int:
        """How many watches have begun."""
        return sum(entry["event"] == "watching" for entry in self.journal())

    def systemctl(self, *arguments: str) -> str:
        """What it says; is-active and the like answer by their exit code as well."""
        return self.run("systemctl", *(["--user"] if self.person else []), *arguments)[1].strip()

    def is_up(self, unit: str = "docker.service") -> bool:
        return self.systemctl("is-active", unit) == "active"

    def files(self) -> str:
        """Every unit and link among the administrator's, and the person's, with mode and content."""
        look = 'find "$@" -printf "%M %U %p %l\\n" | sort; find "$@" -type f -exec sha256sum {} + | sort'
        return self.ok("sh", "-c", look, "sh", f"{HOME}/.config" if self.person else SYSTEM)

    def wait_until_booted(self) -> None:
        """Wait until systemd has started whatever starts at boot, the person's services too if they do."""

        def look() -> bool | None:
            said = self.container.exec_run(["systemctl", "is-system-running", "--wait"]).output.decode().strip()
            if said == "degraded":
                pytest.fail(self.container.exec_run(["systemctl", "--failed"]).output.decode())
            return True if said == "running" else None

        until("systemd is up", look)

    def reboot(self) -> None:
        self.container.restart(timeout=30)
        self.wait_until_booted()

    def as_person(self) -> Machine:
        return Machine(self.container, person=True)


def build_image(engine: docker.DockerClient) -> str:
    """Kept under its name as a cache; the builder makes it again when its lines change."""
    base = ensure_base(Engine.connect(os.environ), Quiet(), lambda _: False)
    # Two builders at once would both download the packages.
    with FileLock(Path(tempfile.gettempdir()) / "idlehands-test-systemd.lock"):
        engine.images.build(fileobj=io.BytesIO(DOCKERFILE.format(base=base).encode()), tag=IMAGE, rm=True)
    return IMAGE


@contextmanager
def booted(engine: docker.DockerClient, image: str) -> Iterator[Machine]:
    """A machine that has booted once, with the deployment that a person would install."""
    info = engine.info()
    unified = info.get("CgroupVersion") == "2"
    # systemd 257 takes the older cgroups only if it is told so on the kernel's command line, or in its place.
    legacy = "systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"
    container = engine.containers.run(
        image,
        name=f"idlehands-test-systemd-{secrets.token_hex(4)}",
        detach=True,
        network_mode="none",
        cap_add=["SYS_ADMIN"],
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        tmpfs={"/run": "", "/run/lock": ""},
        volumes={
            "/sys/fs/cgroup": {"bind": "/sys/fs/cgroup", "mode": "rw"},
            str(PACKAGE): {"bind": "/opt/tool/idlehands_deploy", "mode": "ro"},
        },
        cgroupns="host" if unified else None,
        environment={"container": "docker"} | ({} if unified else {"SYSTEMD_PROC_CMDLINE": legacy}),
    )
    fresh = Machine(container)
    try:
        try:
            fresh.wait_until_booted()
        except AssertionError:
            if not unified:
                raise
            pytest.skip("systemd does not come up in a container of this host, which has cgroup v2")
        fresh.write(f"{SYSTEM}/docker.service", ENGINE)
        fresh.ok("systemctl", "daemon-reload")
        fresh.fleet("main", "rescue")
        yield fresh
    finally:
        container.remove(force=True, v=True)
