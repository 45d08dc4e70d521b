"""What a mount of a person's own opens to a gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from idlehands_deploy.isolation.exposure import (
    SOCKETS,
    Given,
    check_exposure,
    deployment_places,
    host_places,
)
from tests.support.helpers import fleet

ROOT = Path("/home/ann/bots")
HOMES = [Path("/root"), Path("/home/ann")]
PAIR = fleet("profiles: {main: {}, rescue: {}}")


def opened(path: str, real: str | None = None) -> list[str]:
    """What is said of a mount of main."""
    given = Given("profiles.main.volumes.0", Path(path), Path(real or path))
    sockets = [Path("/srv/engine/its.sock")]
    found = check_exposure(given, ROOT, host_places(HOMES, sockets), deployment_places(ROOT, PAIR, "main"))
    return [finding.what for finding in found]


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/", "/ is this host's whole file system"),
        ("/run/docker.sock", "/run/docker.sock is the engine's socket"),
        ("/srv/anywhere/podman.sock", "/srv/anywhere/podman.sock is the engine's socket"),
        ("/srv/engine/its.sock", "/srv/engine/its.sock is the engine's socket"),
        ("/srv/engine", "/srv/engine contains /srv/engine/its.sock, the engine's socket"),
        ("/run", "/run contains /run/docker.sock, the engine's socket"),
        ("/run/podman", "/run/podman contains /run/podman/podman.sock, the engine's socket"),
        ("/var", "/var contains /var/lib/docker, the engine's own files"),
        ("/var/lib/docker/volumes", "/var/lib/docker/volumes is in /var/lib/docker, the engine's own files"),
        ("/etc", "/etc is this host's own files"),
        ("/etc/ssh", "/etc/ssh is in /etc, this host's own files"),
        ("/proc", "/proc is this host's own files"),
        ("/sys/class", "/sys/class is in /sys, this host's own files"),
        ("/dev", "/dev is this host's own files"),
        ("/root/notes", "/root/notes is in /root, this host's own files"),
        ("/home", "/home contains /home/ann/.ssh, a person's keys"),
        ("/home/ann", "/home/ann contains /home/ann/.ssh, a person's keys"),
        ("/home/ann/.aws", "/home/ann/.aws is a person's keys"),
        ("/home/bob/.openclaw/workspace", "/home/bob/.openclaw/workspace is in the state of a native gateway"),
        (f"{ROOT}", f"{ROOT} contains {ROOT}/profiles/rescue, the files of rescue"),
        (f"{ROOT}/profiles", f"{ROOT}/profiles contains {ROOT}/profiles/rescue, the files of rescue"),
        (f"{ROOT}/profiles/rescue/workspace",
         f"{ROOT}/profiles/rescue/workspace is in {ROOT}/profiles/rescue, the files of rescue"),
        (f"{ROOT}/secrets", f"{ROOT}/secrets is this deployment's secrets"),
        (f"{ROOT}/secrets/main/KEY", f"{ROOT}/secrets/main/KEY is in {ROOT}/secrets, this deployment's secrets"),
        (f"{ROOT}/fleet.yaml", f"{ROOT}/fleet.yaml is a file of this tool"),
        (f"{ROOT}/backups", f"{ROOT}/backups is a file of this tool"),
    ],
)  # fmt: skip
def test_a_mount_that_undoes_isolation_is_named_with_what_it_opens(path: str, what: str) -> None:
    assert opened(path) == [what]


@pytest.mark.parametrize(
    "path",
    [
        "/srv/media", "/mnt/nas", "/home/ann/films", "/etc/localtime", "/etc/ssl/certs/mine.pem", "/etcetera",
        f"{ROOT}/notes", f"{ROOT}/profiles/main/workspace", "/run2", "/var/lib/dockery", "/opt/tool",
    ],
)  # fmt: skip
def test_an_ordinary_mount_opens_nothing(path: str) -> None:
    assert opened(path) == []


def test_a_link_is_judged_by_where_it_leads() -> None:
    assert opened(f"{ROOT}/engine", "/run/docker.sock") == [f"{ROOT}/engine (/run/docker.sock) is the engine's socket"]
    assert opened("/var/run", "/run") == ["/var/run (/run) contains /run/docker.sock, the engine's socket"]
    assert opened("/srv/link", "/etc/shadow") == ["/srv/link (/etc/shadow) is in /etc, this host's own files"]
    assert opened("/etc/localtime", "/usr/share/zoneinfo/Europe/Berlin") == []


@pytest.mark.parametrize("socket", SOCKETS)
def test_a_directory_that_can_hold_an_engine_s_socket_opens_it(socket: str) -> None:
    for directory in Path(socket).parents:
        assert opened(str(directory))


def test_an_own_profile_among_no_others_opens_nothing() -> None:
    alone = fleet("profiles: {main: {}}")
    given = Given("volumes.0", ROOT / "profiles", ROOT / "profiles")
    assert list(check_exposure(given, ROOT, host_places(HOMES, []), deployment_places(ROOT, alone, "main"))) == []
