from __future__ import annotations

import errno
import os
import socket
import stat
import struct
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.host.trees.census import census
from idlehands_deploy.host.trees.copier import Copier
from idlehands_deploy.host.trees.space import free_space
from tests.support.natives import everything
from tests.support.site import root_only

if TYPE_CHECKING:
    from pathlib import Path

NOTHING: frozenset[Path] = frozenset()


def copied(source: Path, target: Path, without: frozenset[Path] = NOTHING) -> int:
    """Copy a tree; returns the reported bytes."""
    told: list[int] = []
    Copier(None, told.append).copy(source, target, without)
    return sum(told)


def access_list(reader: int) -> bytes:
    """An ACL in Linux's format, with one more reader: version, then tag, permissions and id of each entry."""
    nobody = 2**32 - 1
    entries = [(0x01, 6, nobody), (0x02, 4, reader), (0x04, 4, nobody), (0x10, 4, nobody), (0x20, 0, nobody)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def attributes(path: Path) -> dict[str, bytes]:
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "inner" / "empty").mkdir(parents=True)
    (root / "inner" / "file").write_bytes(os.urandom(10_000))
    (root / "inner" / "file").chmod(0o640)
    os.utime(root / "inner" / "file", ns=(1, 1_234_567_890_123_456_789))
    (root / "nothing").touch()
    (root / "link").symlink_to("inner/file")
    (root / "broken").symlink_to("/nowhere/at/all")
    (root / "inner").chmod(0o750)
    os.utime(root / "inner", ns=(1, 2))
    return root


def test_a_copy_has_the_same_content_modes_and_times(tree: Path, tmp_path: Path) -> None:
    before = everything(tree)
    assert copied(tree, tmp_path / "copy") == 10_000
    assert everything(tmp_path / "copy") == before == everything(tree)
    assert (tmp_path / "copy" / "inner").stat().st_mtime_ns == 2


def test_a_link_is_copied_as_a_link_and_never_followed(tree: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("x")
    (tree / "out").symlink_to(secret)
    copied(tree, tmp_path / "copy")
    assert (tmp_path / "copy" / "out").readlink() == secret
    assert (tmp_path / "copy" / "out").is_symlink()


def test_only_links_that_point_outside_are_listed(tree: Path, tmp_path: Path) -> None:
    (tree / "up").symlink_to("../elsewhere")
    (tree / "absolute").symlink_to(tree / "inner")
    found = census(tree, frozenset({tree}), NOTHING)
    assert sorted(found.links_out) == [
        f"absolute -> {tree / 'inner'}", "broken -> /nowhere/at/all", "up -> ../elsewhere",
    ]  # fmt: skip
    assert "up -> ../elsewhere" not in census(tree, frozenset({tree, tmp_path / "elsewhere"}), NOTHING).links_out


def test_sockets_pipes_and_locks_are_not_copied(tree: Path, tmp_path: Path) -> None:
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tree / "socket"))
    (tree / "SingletonLock").symlink_to("host-12")
    (tree / "gateway.state.lock").write_text("{}")
    for name in ("gateway.log", "SingletonCookie/kept", "gateway.notes.lock/kept"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text("kept")
    copied(tree, tmp_path / "copy")
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {
        "inner", "nothing", "link", "broken", "gateway.log", "SingletonCookie", "gateway.notes.lock",
    }  # fmt: skip
    assert sorted(census(tree, NOTHING, NOTHING).skipped) == ["pipe", "socket"]


def test_directories_that_are_left_out_are_neither_counted_nor_copied(tree: Path, tmp_path: Path) -> None:
    without = frozenset({tree / "inner"})
    assert census(tree, NOTHING, without).size == 0
    copied(tree, tmp_path / "copy", without)
    assert not (tmp_path / "copy" / "inner").exists()


def test_a_sparse_file_stays_sparse(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with (tmp_path / "tree" / "sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(64 << 20)
        file.write(b"end")
        file.truncate(128 << 20)
    copied(tmp_path / "tree", tmp_path / "copy")
    assert (tmp_path / "copy" / "sparse").stat().st_blocks * 512 < 1 << 20


def test_a_hard_link_stays_a_hard_link(tree: Path, tmp_path: Path) -> None:
    (tree / "second").hardlink_to(tree / "inner" / "file")
    copied(tree, tmp_path / "copy")
    assert (tmp_path / "copy" / "second").samefile(tmp_path / "copy" / "inner" / "file")


def test_a_setuid_bit_is_not_copied(tree: Path, tmp_path: Path) -> None:
    (tree / "nothing").chmod(0o4755)
    copied(tree, tmp_path / "copy")
    assert stat.S_IMODE((tmp_path / "copy" / "nothing").stat().st_mode) == 0o755


@pytest.mark.parametrize("owner", [None, pytest.param((4321, 4322), marks=root_only)])
def test_user_attributes_and_acls_are_copied(tree: Path, tmp_path: Path, owner: tuple[int, int] | None) -> None:
    file, directory = tree / "inner" / "file", tree / "inner"
    file.chmod(0o440)  # which the copy's owner could not give attributes
    try:
        for path in (file, directory):
            os.setxattr(path, "user.origin", b"downloaded")
        os.setxattr(file, "system.posix_acl_access", access_list(reader=12345))
        os.setxattr(directory, "system.posix_acl_default", access_list(reader=12345))
    except OSError as error:
        pytest.skip(f"{tmp_path}: {error.strerror}")
    Copier(owner, lambda _: None).copy(tree, tmp_path / "copy")
    assert attributes(tmp_path / "copy" / "inner") == attributes(directory)
    assert attributes(tmp_path / "copy" / "inner" / "file") == attributes(file)
    assert {"user.origin", "system.posix_acl_access"} <= attributes(file).keys()
    assert (tmp_path / "copy" / "inner" / "file").stat().st_mode == file.stat().st_mode


def test_a_copy_to_a_file_system_without_attributes_has_none(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    # A test double: an ordinary user cannot mount such a file system.
    monkeypatch.setattr(os, "listxattr", lambda _: ["user.origin"])
    monkeypatch.setattr(os, "getxattr", lambda *_: b"downloaded")
    monkeypatch.setattr(os, "setxattr", fail)
    assert copied(tree, tmp_path / "copy") == 10_000


@root_only
def test_every_copy_is_given_to_the_new_owner(tree: Path, tmp_path: Path) -> None:
    Copier((4321, 4322), lambda _: None).copy(tree, tmp_path / "copy")
    owners = {(path.lstat().st_uid, path.lstat().st_gid) for path in (tmp_path / "copy").rglob("*")}
    assert owners == {(4321, 4322)}
    assert tree.stat().st_uid == 0


@pytest.mark.parametrize("name", ["inner/file", "inner", "link", "."])
def test_an_error_names_the_full_path(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # A test double: tests cannot damage a disk.
    real = os.utime
    real(tree / name, ns=(1, 7), follow_symlinks=False)

    def utime(*arguments: Any, ns: tuple[int, int], **more: Any) -> None:
        if ns[1] == 7:
            raise OSError(errno.EIO, "Input/output error", arguments[0])
        real(*arguments, ns=ns, **more)

    monkeypatch.setattr(os, "utime", utime)
    with pytest.raises(OSError, match="Input/output error") as caught:
        copied(tree, tmp_path / "copy")
    assert caught.value.filename == str(tree / name)


def test_an_unreadable_file_is_named(ordinary_user: Path) -> None:
    inner = ordinary_user / "tree" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").touch(mode=0o000)
    with pytest.raises(PermissionError) as caught:
        copied(ordinary_user / "tree", ordinary_user / "copy")
    assert caught.value.filename == str(inner / "file")


def test_the_target_may_be_behind_a_link_of_the_deployment(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "profiles").symlink_to(tmp_path / "disk")
    assert copied(tree, tmp_path / "profiles" / "copy") == 10_000


def test_free_space_is_known_for_a_directory_that_does_not_exist_yet(tmp_path: Path) -> None:
    assert free_space(tmp_path / "not" / "yet") > 0


def test_a_link_in_the_path_to_a_tree_is_not_followed(tree: Path, tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.mkdir()
    tree.rename(above / "tree")
    (tmp_path / "link").symlink_to(above)
    with pytest.raises(NotADirectoryError):
        copied(tmp_path / "link" / "tree", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
