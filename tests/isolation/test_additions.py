"""What a person's own additions undo on this host, and what the gateways' users cannot use of them."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.host.access import Access, access_of, dangerous_device
from idlehands_deploy.isolation.additions import check_additions, engine_sockets
from tests.support.helpers import USER, brief, fleet, session
from tests.support.site import root_only

if TYPE_CHECKING:
    from pathlib import Path

ELSE = "5001:5002"


def found(root: Path, text: str, user: str = USER) -> list[str]:
    written = fleet(text)
    return brief(check_additions(session(root), written, list(written.profiles), user))


def fixes(root: Path, text: str, user: str) -> list[str]:
    written = fleet(text)
    return [str(item.fix) for item in check_additions(session(root), written, list(written.profiles), user)]


def test_without_additions_nothing_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, "profiles: {main: {}}") == []


@pytest.mark.parametrize("cdp", ["true", "false"])
def test_cdp_that_asks_for_its_token_is_nothing_to_warn_of(tmp_path: Path, cdp: str) -> None:
    assert found(tmp_path, f"profiles: {{main: {{publish: {{cdp: {cdp}}}}}}}") == []


def test_cdp_that_asks_for_no_token_is_named_with_the_way_to_the_one_that_does(tmp_path: Path) -> None:
    written = "profiles: {main: {publish: {cdp: open}}}"
    assert found(tmp_path, written) == ["warning fleet.yaml:profiles.main.publish.cdp: is open: CDP asks for no token"]
    assert fixes(tmp_path, written, USER) == [
        "set it to true, and get the address with its token: idlehands-deploy url --cdp main"
    ]


def test_a_link_to_a_real_socket_is_found_and_one_mount_for_all_is_found_once(tmp_path: Path) -> None:
    directory = tmp_path / "engine"
    directory.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "docker.sock"))
        (tmp_path / "link").symlink_to("engine/docker.sock")
        (directory / "docker.sock").chmod(0o600)
        text = "volumes: ['./link:/var/run/docker.sock']\nprofiles: {main: {}, rescue: {}}"
        assert found(tmp_path, text, ELSE) == [
            f"warning fleet.yaml:volumes.0: {tmp_path}/link ({directory}/docker.sock) is the engine's socket"
        ]


def test_another_profile_s_files_are_found_for_the_one_that_is_given_them(tmp_path: Path) -> None:
    directory = tmp_path / "profiles" / "main" / "workspace"
    directory.mkdir(parents=True)
    directory.chmod(0o755)
    text = "volumes: ['./profiles/main/workspace:/mnt/main']\nprofiles: {main: {}, rescue: {}}"
    assert found(tmp_path, text) == [
        f"warning fleet.yaml:volumes.0: {directory} is in {tmp_path}/profiles/main, the files of main"
    ]


def test_the_engine_that_the_environment_names_is_known(tmp_path: Path) -> None:
    assert tmp_path / "my.sock" in engine_sockets({"DOCKER_HOST": f"unix://{tmp_path}/my.sock"})
    assert engine_sockets({"DOCKER_HOST": "tcp://127.0.0.1:2375"}) == engine_sockets({})


@pytest.mark.parametrize(
    ("mode", "mount", "problem"),
    [
        (0o755, ":/x", None),
        (0o777, ":/x:rw", None),
        (0o750, ":/x", "cannot read it"),
        (0o754, ":/x", "cannot read it"),
        (0o755, ":/x:rw", "cannot write to it"),
    ],
)
def test_a_directory_that_the_gateway_s_user_cannot_use_is_found(
    tmp_path: Path, mode: int, mount: str, problem: str | None
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    notes.chmod(mode)
    written = fleet(f"profiles: {{main: {{volumes: ['./notes{mount}']}}}}")
    findings = check_additions(session(tmp_path), written, ["main"], ELSE)
    assert [finding.why for finding in findings] == ([f"its gateway {problem}"] if problem else [])
    owner = f"{os.geteuid()}:{os.getegid()}"
    for finding in findings:
        assert finding.what == f"{notes} belongs to {owner} with mode {mode:04o}, but main runs as {ELSE}"


@root_only
def test_a_group_that_would_be_enough_is_given_as_the_fix(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    os.chown(notes, 0, 4711)
    notes.chmod(0o770)
    text = "profiles: {main: {volumes: ['./notes:/x:rw']}}"
    assert fixes(tmp_path, text, ELSE) == [
        "write `groups: [4711]` for it in fleet.yaml, then: idlehands-deploy up main"
    ]
    assert fixes(tmp_path, f"groups: [4711]\n{text}", ELSE) == []
    notes.chmod(0o700)
    assert fixes(tmp_path, text, ELSE) == [f"let that user in, such as by: sudo setfacl -m u:5001:rwx {notes}"]


@root_only
def test_a_disk_and_the_memory_of_the_host_are_found(tmp_path: Path) -> None:
    disks = tmp_path / "disks"
    disks.mkdir()
    try:
        os.mknod(disks / "sda", 0o660 | 0o060000, os.makedev(250, 77))
    except PermissionError:
        pytest.skip("this user can make no devices")
    assert dangerous_device(disks / "sda") == "a disk of this host"
    assert dangerous_device(disks) == "a disk of this host"
    (tmp_path / "mem").touch()
    assert dangerous_device(tmp_path / "mem") == "this host's memory"
    assert dangerous_device(tmp_path / "missing") == ""


@pytest.mark.parametrize(
    ("access", "uid", "groups", "lacks"),
    [
        (Access(1000, 1000, 0o640), 1000, {1}, 0),
        (Access(1000, 1000, 0o640), 5, {1000}, 2),
        (Access(1000, 1000, 0o640), 5, {6}, 6),
        # The owner's own permissions count for the owner, even if those of others are wider.
        (Access(1000, 1000, 0o046), 1000, {1000}, 6),
        (Access(1000, 1000, 0o040, has_list=True), 5, {6}, 0),
    ],
)
def test_what_a_user_lacks_follows_from_owner_group_and_mode(
    access: Access, uid: int, groups: set[int], lacks: int
) -> None:
    assert access.lacks(6, uid, groups) == lacks


def test_a_file_that_is_not_there_has_no_owner(tmp_path: Path) -> None:
    assert access_of(tmp_path / "none") is None
