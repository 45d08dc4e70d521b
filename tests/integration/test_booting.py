"""`install` and `uninstall` on a host that boots with systemd: a container is that host, a restart its reboot."""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.engine.client import Engine
from idlehands_deploy.engine.image import ensure_base
from tests.support.helpers import PACKAGE, Quiet
from tests.support.site import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

pytestmark = pytest.mark.engine

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
        return int(pid) if self.is_up(unit) and pid != "0" else None

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


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient) -> str:
    """Kept under its name as a cache; the builder makes it again when these lines change."""
    base = ensure_base(Engine.connect(os.environ), Quiet(), lambda _: False)
    engine.images.build(fileobj=io.BytesIO(DOCKERFILE.format(base=base).encode()), tag=IMAGE, rm=True)
    return IMAGE


@pytest.fixture
def machine(engine: docker.DockerClient, image: str) -> Iterator[Machine]:
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


@pytest.fixture
def persons(machine: Machine) -> Machine:
    """The same machine as a person types on it whose own service manager has a rootless engine and runs from boot."""
    machine.ok("loginctl", "enable-linger", "person")
    machine.ok("systemctl", "start", "user@1000")
    mine = machine.as_person()
    mine.write(f"{HOME}/.config/systemd/user/docker.service", ENGINE)
    mine.ok("systemctl", "--user", "daemon-reload")
    mine.fleet("main", "rescue", at=f"{HOME}/bots")
    return mine


def test_install_lets_the_next_boot_start_the_engine_and_starts_nothing_now(machine: Machine) -> None:
    machine.reboot()
    assert not machine.is_up()
    assert machine.done("install", "main") == (
        "main comes back after a reboot if it was up then: idlehands-bots.main.target starts its engine.\n"
    )
    assert not machine.is_up()
    machine.reboot()
    assert machine.is_up()
    assert machine.is_up("idlehands-bots.main.target")


def test_uninstall_takes_everything_away_stops_nothing_and_the_next_boot_starts_no_engine(machine: Machine) -> None:
    before = machine.files()
    machine.done("install")
    machine.reboot()
    assert machine.done("uninstall") == (
        "main no longer starts its engine at boot.\nrescue no longer starts its engine at boot.\n"
    )
    assert machine.files() == before
    assert machine.systemctl("list-units", "--all", "--plain", "--no-legend", "idlehands-*") == ""
    assert machine.is_up()
    machine.reboot()
    assert not machine.is_up()
    assert machine.done("uninstall", "main") == "main had no unit.\n"


def test_the_units_pass_systemd_s_own_examination_whatever_the_directory_is_called(machine: Machine) -> None:
    odd = '/srv/50% "of"\\x41 $it\n[Service]'
    machine.fleet("main", at=odd)
    # An administrator's umask must not hide the unit from the others.
    code, _, said = machine.run(
        "sh", "-c", 'umask 077; exec python3 -m idlehands_deploy -C "$1" install', "sh", odd, PYTHONPATH="/opt/tool"
    )
    assert code == 0, said
    unit = "idlehands-bots.main.target"
    assert machine.run("systemd-analyze", "verify", f"{SYSTEM}/{unit}") == (0, "", "")
    assert machine.ok("stat", "--format", "%a", f"{SYSTEM}/{unit}") == "644\n"
    where = odd.replace("\n", " ")
    assert machine.systemctl("show", "-P", "Description", unit) == f"IdleHands gateway main of bots in {where}"


def test_installing_twice_changes_nothing(machine: Machine) -> None:
    first = machine.done("install")
    before = machine.files()
    assert machine.done("install") == first
    assert machine.files() == before


def test_one_profile_s_uninstall_leaves_the_other_s_to_start_the_engine(machine: Machine) -> None:
    machine.done("install")
    machine.done("uninstall", "main")
    assert "idlehands-bots.main" not in machine.files()
    machine.reboot()
    assert machine.is_up()


def test_deployments_whose_names_run_together_have_units_of_their_own(machine: Machine) -> None:
    machine.fleet("eu-main", "rescue")
    machine.fleet("main", name="bots-eu", at="/srv/eu")
    machine.done("install", "eu-main")
    before = machine.files()
    machine.done("install", at="/srv/eu")
    machine.done("uninstall", at="/srv/eu")
    assert machine.files() == before
    machine.reboot()
    assert machine.is_up()


def test_what_a_profile_that_was_removed_has_left_is_uninstalled_by_its_name_and_with_all(machine: Machine) -> None:
    before = machine.files()
    machine.fleet("main", "rescue", "third")
    machine.done("install")
    machine.fleet("main")
    assert machine.done("uninstall", "rescue") == "rescue no longer starts its engine at boot.\n"
    assert "third" in machine.done("uninstall")
    assert machine.files() == before
    assert machine.deploy("uninstall", "rescue")[0] == 2


def test_an_engine_that_starts_at_boot_by_itself_needs_no_unit(machine: Machine) -> None:
    machine.ok("systemctl", "enable", "docker.service")
    before = machine.files()
    assert machine.done("install", "main") == (
        "main comes back after a reboot if it was up then: its engine starts by itself.\n"
    )
    assert machine.files() == before


def test_an_engine_that_is_enabled_until_the_next_boot_only_needs_one(machine: Machine) -> None:
    machine.ok("systemctl", "enable", "--runtime", "docker.service")
    machine.done("install")
    machine.reboot()
    assert machine.is_up()


def test_an_engine_that_does_not_start_leaves_the_rest_of_the_boot_alone(machine: Machine) -> None:
    machine.done("install")
    machine.write(f"{SYSTEM}/docker.service.d/broken.conf", "[Service]\nType=oneshot\nExecStart=\nExecStart=false\n")
    machine.container.restart(timeout=30)
    until("the boot is over", lambda: machine.systemctl("is-system-running", "--wait") == "degraded" or None)
    assert machine.is_up("multi-user.target")
    assert not machine.is_up("idlehands-bots.main.target")


def test_an_engine_that_systemd_may_not_start_or_does_not_know_is_told_and_nothing_is_written(machine: Machine) -> None:
    machine.ok("mv", f"{SYSTEM}/docker.service", "/usr/lib/systemd/system/docker.service")
    machine.ok("systemctl", "mask", "docker.service")
    before = machine.files()
    assert machine.deploy("install") == (
        2,
        "",
        "Error: docker.service is masked, so systemd refuses to start it.\n"
        "Permit it: sudo systemctl unmask docker.service\n",
    )
    assert machine.files() == before
    machine.ok("systemctl", "unmask", "docker.service")
    machine.ok("rm", "/usr/lib/systemd/system/docker.service")
    machine.ok("systemctl", "daemon-reload")
    code, _, said = machine.deploy("install")
    assert (code, said.splitlines()[0]) == (
        2,
        "Error: systemd knows no docker.service, so nothing can be told to start it.",
    )


def test_who_may_not_is_told_to_use_sudo_and_changes_nothing(machine: Machine) -> None:
    machine.done("install", "rescue")
    before = machine.files()
    person = machine.as_person()
    for command, profile in (("install", "main"), ("uninstall", "rescue")):
        assert person.deploy(command, profile) == (
            2,
            "",
            f"Error: Cannot write {SYSTEM}/idlehands-bots.{profile}.target: Permission denied.\n"
            f"Run this as root: sudo idlehands-deploy -C /srv/bots {command}\n",
        )
    assert machine.files() == before


def test_a_person_s_own_engine_is_started_at_boot_and_neither_touches_the_other_s(
    machine: Machine, persons: Machine
) -> None:
    before, root_s = persons.files(), machine.files()
    persons.done("install", "main", at=f"{HOME}/bots", DOCKER_HOST=ROOTLESS)
    assert machine.files() == root_s
    machine.done("install", "main")
    machine.done("uninstall", "main")
    persons.container.restart(timeout=30)
    persons.wait_until_booted()
    assert persons.is_up()
    assert not machine.is_up()
    persons.done("uninstall", "main", at=f"{HOME}/bots", DOCKER_HOST=ROOTLESS)
    assert persons.files() == before


def test_the_engine_of_the_current_docker_context_is_the_one_that_is_meant(machine: Machine, persons: Machine) -> None:
    # As the set-up script of a rootless engine leaves it.
    meta = f"{HOME}/.docker/contexts/meta/{hashlib.sha256(b'rootless').hexdigest()}/meta.json"
    persons.write(meta, json.dumps({"Name": "rootless", "Metadata": {}, "Endpoints": {"docker": {"Host": ROOTLESS}}}))
    persons.write(f"{HOME}/.docker/config.json", json.dumps({"currentContext": "rootless"}))
    before = machine.files()
    persons.done("install", "main", at=f"{HOME}/bots")
    assert machine.files() == before
    assert persons.systemctl("is-enabled", "idlehands-bots.main.target") == "enabled"


def test_whose_services_begin_with_a_login_is_told_how_they_begin_at_boot(machine: Machine, persons: Machine) -> None:
    # The service manager runs on, as that of somebody who is logged in.
    machine.ok("rm", "/var/lib/systemd/linger/person")
    assert persons.done("install", "main", at=f"{HOME}/bots", DOCKER_HOST=ROOTLESS) == (
        "main comes back after a reboot, once person has logged in (or at boot, after: sudo loginctl enable-linger "
        "person), if it was up then: idlehands-bots.main.target starts its engine.\n"
    )
    assert persons.deploy("install", at=f"{HOME}/bots", DOCKER_HOST=ROOTLESS, XDG_RUNTIME_DIR="/nowhere")[0] == 5


def test_the_watch_begins_at_once_goes_on_when_it_is_killed_and_begins_with_each_boot(machine: Machine) -> None:
    machine.write(f"{SYSTEM}/{WATCH}.d/tool.conf", TOOL)
    said = machine.done("install", "--watch")
    assert said == f"{WATCH} watches from now on, and after each boot. Read it: journalctl -u {WATCH}\n"
    assert machine.run("systemd-analyze", "verify", f"{SYSTEM}/{WATCH}") == (0, "", "")
    # There is no engine behind the service that stands in for it, which is what the watch says.
    until("what it sees", lambda: machine.journal()[1:] or None)
    assert {entry.get("state") for entry in machine.journal()[1:]} == {"unknown"}
    first = until("a watch", machine.watch_runs)
    machine.ok("sh", "-c", f"kill -9 {first}")
    until("another", lambda: machine.watches() == 2 or None)
    machine.reboot()
    until("a third", lambda: machine.watches() == 3 or None)
    assert not machine.is_up()


def test_the_watch_runs_as_whom_the_fleet_is_if_they_may_use_the_engine_else_as_root(machine: Machine) -> None:
    machine.ok("chown", "-R", "person", "/srv/bots")
    machine.write(f"{SYSTEM}/{WATCH}.d/tool.conf", TOOL)
    machine.done("install", "--watch")
    assert machine.systemctl("show", "-P", "User", WATCH) == ""
    machine.ok("python3", "-c", "import socket; socket.socket(socket.AF_UNIX).bind('/var/run/docker.sock')")
    machine.ok("chown", "root:person", "/var/run/docker.sock")
    machine.ok("chmod", "660", "/var/run/docker.sock")
    machine.done("install", "--watch")
    assert machine.systemctl("show", "-P", "User", WATCH) == "person"
    until("what root's watch wrote is theirs", machine.watch_runs)
    assert machine.ok("stat", "--format", "%U", "/srv/bots/watch/journal.jsonl") == "person\n"


def test_uninstall_ends_the_watch_alone_or_with_all_the_rest(machine: Machine) -> None:
    before = machine.files()
    machine.done("install", "--watch", "--metrics", "127.0.0.1:9464")
    assert "--metrics" in machine.ok("cat", f"{SYSTEM}/{WATCH}")
    assert machine.done("uninstall", "--watch") == "The watch has ended, and its unit is gone.\n"
    assert (machine.files(), machine.is_up(WATCH)) == (before, False)
    assert machine.done("uninstall", "--watch") == "The watch had no unit.\n"
    machine.done("install")
    machine.done("install", "--watch")
    assert machine.done("uninstall").endswith("The watch has ended, and its unit is gone.\n")
    assert machine.files() == before


def test_a_watch_s_unit_passes_systemd_s_examination_whatever_the_directory_is_called(machine: Machine) -> None:
    odd = '/srv/50% "of"\\x41 $it\n[Service]'
    machine.fleet("main", at=odd)
    machine.write(f"{SYSTEM}/{WATCH}.d/tool.conf", TOOL)
    machine.done("install", "--watch", at=odd)
    assert machine.run("systemd-analyze", "verify", f"{SYSTEM}/{WATCH}") == (0, "", "")
    until("a watch of that directory", lambda: machine.journal(odd)[1:] or None)


def test_a_person_s_own_service_manager_keeps_watch_too(machine: Machine, persons: Machine) -> None:
    root_s = machine.files()
    persons.write(f"{HOME}/.config/systemd/user/{WATCH}.d/tool.conf", TOOL)
    said = persons.done("install", "--watch", at=f"{HOME}/bots", DOCKER_HOST=ROOTLESS)
    assert f"journalctl --user -u {WATCH}" in said
    until("a watch", persons.watch_runs)
    until("what it sees", lambda: persons.journal(f"{HOME}/bots")[1:] or None)
    assert ROOTLESS.removeprefix("unix://") in persons.journal(f"{HOME}/bots")[1]["reason"]
    assert machine.files() == root_s
    persons.done("uninstall", "--watch", at=f"{HOME}/bots", DOCKER_HOST=ROOTLESS)
    assert not persons.is_up(WATCH)
