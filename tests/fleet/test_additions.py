"""What a person adds to the containers: mounts, devices, groups, name servers and labels."""

from __future__ import annotations

from contextlib import suppress
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idlehands_deploy import contract
from idlehands_deploy.errors import FleetError
from idlehands_deploy.fleet.additions import (
    Device,
    Mount,
    devices_of,
    groups_of,
    labels_of,
    mounts_of,
    name_servers_of,
    read_device,
    read_mount,
)
from idlehands_deploy.fleet.model import parse_fleet
from idlehands_deploy.fleet.mount_points import KERNEL_DEVICES, collision
from idlehands_deploy.targets.compose import SCRATCH
from tests.support.helpers import fleet, problems

FORM = "must be HOST:CONTAINER, with :ro or :rw after it, such as /srv/media:/media"
INSIDE = "the path in the container must begin with / and have no .. in it, not"
DEVICE = "must be a device of this host in /dev, such as /dev/ttyUSB0, or HOST:CONTAINER"

GOOD = {
    "/srv/media:/media": Mount("/srv/media", "/media", False),
    "/srv/media:/media:ro": Mount("/srv/media", "/media", False),
    "/srv/media:/media:rw": Mount("/srv/media", "/media", True),
    "./notes:/mnt/notes": Mount("./notes", "/mnt/notes", False),
    "../shared/:/mnt/shared/": Mount("../shared", "/mnt/shared", False),
    ".:/mnt/all": Mount(".", "/mnt/all", False),
    "./../x:/x": Mount("../x", "/x", False),
    "//srv//a/../b/:/x//y/.": Mount("/srv/b", "/x/y", False),
    "/srv/my films:/films": Mount("/srv/my films", "/films", False),
    "/srv/${HOME}:/$x": Mount("/srv/${HOME}", "/$x", False),
    "/etc/localtime:/etc/localtime": Mount("/etc/localtime", "/etc/localtime", False),
    "/run/docker.sock:/var/run/docker.sock": Mount("/run/docker.sock", "/var/run/docker.sock", False),
    "./cache:/var/cache/mine:rw": Mount("./cache", "/var/cache/mine", True),
    "./tool:/usr/local/bin/tool": Mount("./tool", "/usr/local/bin/tool", False),
    "./skills:/opt/skills": Mount("./skills", "/opt/skills", False),
    "./x:/tmp/.X11-unix": Mount("./x", "/tmp/.X11-unix", False),  # noqa: S108 - the container's
}  # fmt: skip

BAD = {
    "/srv/media": FORM,
    ":/media": FORM,
    "/srv/media:": FORM,
    "/srv:/media:ro:z": FORM,
    "": FORM,
    "/srv/a\nb:/media": FORM,
    "/srv:/media:z": "must end with ro or rw, not z",
    "/srv:/media:RW": "must end with ro or rw, not RW",
    "~/media:/media": "write the full path on the host: ~ is another directory for root than for you",
    "media:/media": "the path on the host must begin with / or ./ (./media is in the deployment directory); "
    "there are no named volumes",
    ".media:/media": "the path on the host must begin with / or ./ (./.media is in the deployment directory); "
    "there are no named volumes",
    "/srv:media": f"{INSIDE} 'media'",
    "/srv: /media": f"{INSIDE} ' /media'",
    "/srv:/media/../etc": f"{INSIDE} '/media/../etc'",
}

TAKEN = [
    "/", "/home", "/home/idlehands", "/tmp", "/run", "/run/secrets", "/run/secrets/KEY", "/var", "/var/run",  # noqa: S108
    "/var/run/secrets", "/proc", "/proc/sys", "/sys/fs", "/dev", "/dev/sda", "/etc", "/etc/hosts", "/etc/resolv.conf",
    "/usr", "/usr/local", "/usr/local/bin", "/usr/local/bin/idlehands", "/opt", "/opt/gateway", "/opt/gateway/x",
    "/bin", "/usr/lib", "/home/idlehands/.idlehands", "/home/idlehands/.idlehands/agents",
    "/home/idlehands/workspace/notes", "/home/idlehands/./workspace//notes/",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_a_mount_is_read_from_its_short_form_and_is_read_only_by_default(text: str) -> None:
    assert read_mount(text) == GOOD[text]
    assert mounts_of(parse_fleet({"volumes": [text], "profiles": {"main": {}}}, "fleet.yaml"), "main") == {
        "volumes.0": GOOD[text]
    }


@pytest.mark.parametrize("text", BAD)
def test_a_mount_that_cannot_be_read_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(FleetError) as caught:
        parse_fleet({"profiles": {"main": {"volumes": [text]}}}, "fleet.yaml")
    assert [str(problem) for problem in caught.value.problems] == [f"profiles.main.volumes.0: {BAD[text]}"]


@pytest.mark.parametrize("path", TAKEN)
def test_a_mount_that_would_hide_what_the_container_needs_is_refused(path: str) -> None:
    assert problems(f"volumes: ['/srv:{path}']").endswith("; choose another, such as /mnt/NAME")


@pytest.mark.parametrize(
    "path",
    [
        str(contract.HOME_TARGET),
        contract.STATE_TARGET, contract.WORKSPACE_TARGET, contract.SECRETS_TARGET, *contract.PROGRAM_TARGETS,
        *(place.partition(":")[0] for place in SCRATCH),
    ],
)  # fmt: skip
def test_nothing_can_be_mounted_over_what_the_container_has_already_or_over_what_holds_it(path: str) -> None:
    for place in (PurePosixPath(path), *PurePosixPath(path).parents):
        assert collision(place)


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None, database=None)
def test_any_text_is_a_mount_or_is_refused(text: str) -> None:
    with suppress(ValueError):
        mount = read_mount(text)
        assert mount == read_mount(f"{mount.host}:{mount.container}:{'rw' if mount.is_writable else 'ro'}")


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("/dev/ttyUSB0", Device("/dev/ttyUSB0", "/dev/ttyUSB0", "rw")),
        ("/dev/dri/", Device("/dev/dri", "/dev/dri", "rw")),
        ("/dev/video0:r", Device("/dev/video0", "/dev/video0", "r")),
        ("/dev/video0:/dev/camera", Device("/dev/video0", "/dev/camera", "rw")),
        ("/dev/video0:/dev/camera:rwm", Device("/dev/video0", "/dev/camera", "rwm")),
    ],
)
def test_a_device_is_read_from_its_short_form(text: str, device: Device) -> None:
    assert read_device(text) == device
    assert devices_of(fleet(f"profiles: {{main: {{devices: ['{text}']}}}}"), "main") == {
        "profiles.main.devices.0": device
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("/dev", DEVICE),
        ("/dev/", DEVICE),
        ("/srv/x", DEVICE),
        ("/dev/a:/srv/b", DEVICE),
        ("/dev/a:/dev/b:/dev/c", DEVICE),
        ("nvidia.com/gpu=all", DEVICE),
        ("/dev/a:x", "must end with a path or with what is permitted, such as r or rw, not x"),
        ("/dev/a:/dev/b:", "must end with a path or with what is permitted, such as r or rw, not "),
        ("/dev/a:/dev/../b", DEVICE),
        ("/dev/../srv/b", DEVICE),
        ("/dev/a:/dev/x/../b", f"{INSIDE} '/dev/x/../b'"),
        *((f"/dev/a:/dev/{name}", f"every container has its own /dev/{name}") for name in sorted(KERNEL_DEVICES)),
    ],
)
def test_a_device_that_cannot_be_given_is_refused(text: str, problem: str) -> None:
    assert problems(f"devices: ['{text}']") == f"devices.0: {problem}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("volumes: [{/srv/media: /media}]",
         "volumes.0: must be text without a space after its colon, such as /srv/media:/media"),
        ("volumes: [{type: bind, source: /a, target: /b}]",
         "volumes.0: must be text without a space after its colon, such as /srv/media:/media"),
        ("volumes: /srv/media:/media", "volumes: must be a list, not '/srv/media:/media'"),
        ("volumes: ['/a:/x', '/b:/y', '/c:/x/']", "volumes: /x in the container is listed twice"),
        ("devices: [/dev/a, '/dev/b:/dev/a']", "devices: /dev/a in the container is listed twice"),
        ("groups: [0]", "groups.0: must be greater than or equal to 1, not 0"),
        ("groups: [video]", "groups.0: must be a valid integer, not 'video'"),
        ("dns: [router]", "dns.0: must be the IP address of a name server, such as 192.168.1.1"),
        ("dns: [0.0.0.0]", "dns.0: must be the IP address of a name server, such as 192.168.1.1"),
        ("dns: [127.0.0.53]", "dns.0: 127.0.0.53 is the container itself, not this host; "
         "write this host's address in its network"),
        ("labels: [a=b]", "labels: must be a mapping of keys to values, not a list"),
        ("labels: {org.idlehands.deploy.digest: x}",
         "labels.org.idlehands.deploy.digest: is a label of this tool; choose another name"),
        ("labels: {idlehands.gateway.version: x}",
         "labels.idlehands.gateway.version: is a label of this tool; choose another name"),
        ("labels: {com.docker.compose.project: x}",
         "labels.com.docker.compose.project: is a label of Docker or Compose; choose another name"),
        ("labels: {a b: x}", "labels.a b: is not a valid name for a label"),
        ("labels: {a: 1}", "labels.a: must be text: put it in quotes"),
        (r'labels: {a: "x\0y"}', "labels.a: contains a character that is not allowed in a label"),
        ("profiles: {main: {volume: []}}", "profiles.main.volume: unknown key; did you mean volumes?"),
        ("device: []", "device: unknown key; did you mean devices?"),
    ],
)  # fmt: skip
def test_a_wrong_addition_is_refused_with_its_place(text: str, problem: str) -> None:
    assert problems(text) == problem


def test_all_wrong_additions_come_at_once() -> None:
    found = problems("""
        volumes: ["/srv:/tmp", "media:/x"]
        devices: [/srv/x]
        dns: [router]
        labels: {com.docker.compose.service: x}
        profiles: {main: {volumes: ["/srv"]}}
        """)
    assert [line.partition(":")[0] for line in found.splitlines()] == [
        "volumes.0", "volumes.1", "devices.0", "dns.0", "labels.com.docker.compose.service", "profiles.main.volumes.0",
    ]  # fmt: skip


def test_the_value_of_a_label_is_not_shown() -> None:
    assert "hunter2" not in problems("labels: {a: [hunter2]}") + problems("labels: {a b: hunter2}")
    assert "hunter2" not in problems("labels: {'a=hunter2': }")


BOTH = """
    volumes: ["/srv/media:/media", "/srv/books:/books"]
    devices: [/dev/a, "/dev/b:/dev/c"]
    groups: [44, 104]
    dns: [192.168.1.1]
    labels: {team: home, colour: red}
    profiles:
      main:
        volumes: ["/srv/other:/media:rw"]
        devices: ["/dev/a:r"]
        groups: [104, 20]
        dns: [9.9.9.9, 1.1.1.1]
        labels: {colour: blue}
      rescue:
    """


def test_a_profile_s_own_additions_come_to_the_fleet_s_and_replace_them_at_the_same_place() -> None:
    written = fleet(BOTH)
    assert mounts_of(written, "main") == {
        "profiles.main.volumes.0": Mount("/srv/other", "/media", True),
        "volumes.1": Mount("/srv/books", "/books", False),
    }
    assert devices_of(written, "main") == {
        "profiles.main.devices.0": Device("/dev/a", "/dev/a", "r"), "devices.1": Device("/dev/b", "/dev/c", "rw"),
    }  # fmt: skip
    assert groups_of(written, "main") == [44, 104, 20]
    assert name_servers_of(written, "main") == ["9.9.9.9", "1.1.1.1"]
    assert labels_of(written, "main") == {"team": "home", "colour": "blue"}


def test_the_fleet_s_additions_are_for_every_profile() -> None:
    written = fleet(BOTH)
    assert [mount.host for mount in mounts_of(written, "rescue").values()] == ["/srv/media", "/srv/books"]
    assert name_servers_of(written, "rescue") == ["192.168.1.1"]
    assert labels_of(written, "rescue") == {"team": "home", "colour": "red"}
