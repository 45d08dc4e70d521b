"""A deployment of its own on a real engine, for the tests that need one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import requests

from idlehands_deploy.contract import DEFAULT_IMAGE
from idlehands_deploy.engine.compose import find_binary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

T = TypeVar("T")
# Another image can be put to the same tests.
IMAGE = os.environ.get("IDLEHANDS_TEST_IMAGE", DEFAULT_IMAGE)
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away and mount")


def _may_mount() -> bool:
    """Whether this process has CAP_SYS_ADMIN; root in a container has it not."""
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return bool(found and int(found[1], 16) >> 21 & 1)


mounts_only = pytest.mark.skipif(not _may_mount(), reason="mounts a file system of its own")
measure = pytest.mark.skipif(
    "IDLEHANDS_TEST_MEASURES" not in os.environ, reason="takes minutes to see that a command takes seconds"
)
PROJECT_LABEL = "com.docker.compose.project"


@dataclass
class Result:
    """A finished command of ours."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Site:
    """One deployment of its own: a directory, a project name and ports that nobody else has."""

    root: Path
    name: str
    base: int
    engine: docker.DockerClient
    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def write(self, body: str = "profiles: {}\n", image: str = IMAGE) -> None:
        """Write the fleet file; the image, the project's name and the base port are this site's."""
        head = f"name: {self.name}\nimage: {image}\nbase_port: {self.base}\nspacing: 20\n"
        (self.root / "fleet.yaml").write_text(head + body)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "idlehands_deploy", "-C", str(self.root), *arguments]

    def run(self, *arguments: str, environ: dict[str, str] | None = None) -> Result:
        """Run the tool as a person would, in a pipe."""
        began = time.monotonic()
        done = subprocess.run(
            self.command(*arguments),
            env=self.environ | (environ or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr, time.monotonic() - began)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Run the tool in the background."""
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def compose(self, *arguments: str) -> None:
        """Run plain Compose, as on a host where the tool is not."""
        subprocess.run([find_binary(), *arguments], cwd=self.root, check=True, capture_output=True)

    def ok(self, *arguments: str) -> Result:
        """Run the tool and insist that it succeeds."""
        result = self.run(*arguments)
        assert result.code == 0, f"{arguments}: exit {result.code}\n{result.out}\n{result.err}"
        return result

    def port(self, profile: str) -> int:
        ports: int = self.run("ports", profile, "--json").json[0]["base"]
        return ports

    def token(self, profile: str) -> str:
        return (self.root / "secrets" / profile / "IDLEHANDS_GATEWAY_TOKEN").read_text().strip()

    def cdp_token(self, profile: str) -> str:
        return (self.root / "secrets" / profile / "IDLEHANDS_CDP_TOKEN").read_text().strip()

    def secret(self, profile: str, name: str, value: str) -> Path:
        """A key that a person has put there."""
        path = self.root / "secrets" / profile / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)
        return path

    def config(self, profile: str) -> Path:
        return self.root / "profiles" / profile / "state" / "idlehands.json"

    def state(self, profile: str) -> str:
        return str(self.status(profile)["state"])

    def container(self, profile: str) -> Any:
        return self.engine.containers.get(f"{self.name}-{profile}-1")

    def status(self, profile: str) -> dict[str, Any]:
        found: dict[str, Any] = self.run("status", profile, "--json").json["profiles"][0]
        return found

    def logs(self, profile: str) -> str:
        text: str = self.container(profile).logs().decode()
        return text

    def is_ready(self, offset: int = 0) -> bool | None:
        """Whether the gateway on the base port, or that far after it, answers so; None if not, for `until`."""
        try:
            return self.get(self.base + offset, "/readyz").ok or None
        except requests.RequestException:
            return None

    def get(self, port: int, path: str, token: str | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=10)

    def remove(self) -> None:
        """Take away what this site made, and nothing else."""
        mine: dict[str, str | list[str] | bool] = {"label": f"{PROJECT_LABEL}={self.name}"}
        for container in self.engine.containers.list(all=True, filters=mine):
            container.remove(force=True, v=True)
        for network in self.engine.networks.list(filters=mine):
            network.remove()
        shutil.rmtree(self.root)


@contextlib.contextmanager
def small_disks() -> Iterator[Callable[[Path], None]]:
    """Mounts a file system of 240 MB over a directory; it is gone when the block is left."""
    mounted: list[Path] = []

    def mount(directory: Path) -> None:
        options = "size=240m,uid=1000,gid=1000,mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)], check=True)
        mounted.append(directory)

    yield mount
    for directory in mounted:
        # Lazily: the container that is still on it is removed after this.
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def until(what: str, look: Callable[[], T | None], seconds: float = 60) -> T:
    """Wait for a condition; the first value that is not None."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (value := look()) is not None:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def make_pair(make: Callable[[], Site]) -> Site:
    """Main and rescue, up and ready."""
    fresh = make()
    # A restart right after a change of config can meet a gateway that would wait for its own limit of 315 s.
    fresh.write("profiles:\n  main: {stop_grace_period: 40s}\n  rescue: {rescues: [main], stop_grace_period: 40s}\n")
    fresh.ok("up")
    # Where six gateways start on two cores, a ready one can be busy for seconds once more.
    until("both respond", lambda: fresh.run("health").code == 0 or None)
    return fresh


def start_browser(site: Site, profile: str) -> None:
    _tell_browser(site, profile, "start")


def stop_browser(site: Site, profile: str = "main") -> None:
    _tell_browser(site, profile, "stop")


def _tell_browser(site: Site, profile: str, what: str) -> None:
    answer = requests.post(
        f"http://127.0.0.1:{site.port(profile) + 2}/{what}",
        headers={"Authorization": f"Bearer {site.token(profile)}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text


def fill(directory: Path, megabytes: int) -> Path:
    """A file that takes so much more of a disk, or all that is left of it."""
    filler = directory / "filler"
    with contextlib.suppress(OSError), filler.open("ab") as file:
        for _ in range(megabytes):
            file.write(b"\1" * (1 << 20))
            file.flush()
    os.chown(filler, 1000, 1000)
    return filler


def free_base() -> int:
    """A base port with a hundred free ports after it, below those that the kernel gives to whoever asks for any.

    Each process of a run has bases of its own, since a site's ports stay free until its gateways are up.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    while True:
        base = secrets.choice(range(12000, 32000, 100)[number::processes])
        if all(_is_free(base + offset) for offset in range(100)):
            return base


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
