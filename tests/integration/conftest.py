from __future__ import annotations

import io
import json
import secrets
import signal
import tarfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import docker
import pytest

from tests.support.machine import ENGINE, HOME, Machine, booted, build_image
from tests.support.site import IMAGE, Site, free_base, make_pair, small_disks, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests that share gateways to one process; each other one goes to whichever is free."""
    # First, since xdist reads the groups in the same hook.
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        if "pair" in names:
            faults = item.path.stem in {"test_doctor", "test_health"}  # half of the time
            item.add_marker(pytest.mark.xdist_group("a pair with faults" if faults else "pair"))
        elif {"make_site", "variant"} & {*names}:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Let Ctrl-C reach what tests start, also when they run in the background of a script, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@contextmanager
def _sites(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Site]]:
    sites: list[Site] = []

    def make() -> Site:
        name = f"idlehands-test-{secrets.token_hex(4)}"
        sites.append(Site(tmp_path_factory.mktemp(name), name, free_base(), engine))
        return sites[-1]

    try:
        yield make
    finally:
        for site in sites:
            site.remove()


@pytest.fixture(scope="module")
def make_site(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Site]]:
    with _sites(engine, tmp_path_factory) as make:
        yield make


@pytest.fixture
def site(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of this test alone."""
    with _sites(engine, tmp_path_factory) as make:
        fresh = make()
        fresh.write()
        yield fresh


@pytest.fixture
def small_disk(site: Site) -> Iterator[Callable[[Path], None]]:  # noqa: ARG001 - outlives it
    """Mounts a file system of 240 MB over a directory of the site, with that one's owner and mode."""
    with small_disks() as mount:
        yield mount


@pytest.fixture(scope="session")
def shared_pair(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with _sites(engine, tmp_path_factory) as make:
        yield make_pair(make)


@pytest.fixture
def pair(shared_pair: Site) -> Site:
    """Main and rescue, up and ready, shared by all tests that leave them up."""
    # The test before may have restarted one.
    until("both ready", lambda: (shared_pair.is_ready() and shared_pair.is_ready(20)) or None)
    return shared_pair


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


@pytest.fixture(scope="module")
def variant(engine: docker.DockerClient) -> Iterator[Callable[..., str]]:
    """Images made from the real one.

    Its arguments: the version that it calls itself, if it is another; a script that the container runs, if it is not
    the gateway; and a script in the place of Chromium.
    """
    made: list[str] = []

    def make(version: str = "", script: str = "", chromium: str = "") -> str:
        container = engine.containers.create(IMAGE)
        if chromium:
            container.put_archive("/usr/bin", _archive("chromium", chromium))
        changes = [f"LABEL idlehands.gateway.version={version}"] if version else []
        if script:
            changes += [f"ENTRYPOINT {json.dumps(['bash', '-c', script])}", "CMD []", "HEALTHCHECK NONE"]
        tag = f"variant-{secrets.token_hex(4)}"  # other processes make such images at the same time
        container.commit(repository="idlehands-test", tag=tag, changes="\n".join(changes))
        container.remove()
        made.append(f"idlehands-test:{tag}")
        return made[-1]

    yield make
    for reference in made:
        for container in engine.containers.list(all=True, filters={"ancestor": reference}):
            container.remove(force=True)
        engine.images.remove(reference, force=True)


def _archive(name: str, text: str) -> bytes:
    """A tar file with one program."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(text.encode()), 0o755
        archive.addfile(entry, io.BytesIO(text.encode()))
    return stream.getvalue()
