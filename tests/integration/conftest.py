from __future__ import annotations

import secrets
import signal
import subprocess
from typing import TYPE_CHECKING

import docker
import pytest

from tests.support.machine import ENGINE, HOME, Machine, booted, build_image
from tests.support.site import Site, free_base, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Let Ctrl-C reach what tests start, also when they run in the background of a script, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def make_site(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Site]]:
    sites: list[Site] = []

    def make() -> Site:
        name = f"idlehands-test-{secrets.token_hex(4)}"
        sites.append(Site(tmp_path_factory.mktemp(name), name, free_base(), engine))
        return sites[-1]

    yield make
    for site in sites:
        site.remove()


@pytest.fixture(scope="module")
def small_disk(make_site: Callable[[], Site]) -> Iterator[Callable[[Path], None]]:  # noqa: ARG001 - outlives it
    """Mounts a file system of 240 MB over a directory, with that one's owner and mode."""
    mounted: list[Path] = []

    def mount(directory: Path) -> None:
        options = "size=240m,uid=1000,gid=1000,mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)], check=True)
        mounted.append(directory)

    yield mount
    for directory in mounted:
        # Lazily: the container that is still on it is removed after this.
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@pytest.fixture
def site(make_site: Callable[[], Site]) -> Site:
    """A site of this test alone."""
    fresh = make_site()
    fresh.write()
    return fresh


@pytest.fixture(scope="module")
def pair(make_site: Callable[[], Site]) -> Site:
    """Main and rescue, up and ready, shared by the tests of a module that leave them so."""
    fresh = make_site()
    # A restart right after a change of config can meet a gateway that would wait for its own limit of 315 s.
    fresh.write("profiles:\n  main: {stop_grace_period: 40s}\n  rescue: {rescues: [main], stop_grace_period: 40s}\n")
    fresh.ok("up")
    # Where six gateways start on two cores, a ready one can be busy for seconds once more.
    until("both respond", lambda: fresh.run("health").code == 0 or None)
    return fresh


@pytest.fixture(scope="session")
def systemd_image(engine: docker.DockerClient) -> str:
    return build_image(engine)


@pytest.fixture
def machine(engine: docker.DockerClient, systemd_image: str) -> Iterator[Machine]:
    with booted(engine, systemd_image) as fresh:
        yield fresh


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
