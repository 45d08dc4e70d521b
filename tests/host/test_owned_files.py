from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.host.owned_files import read_version, replace_version
from tests.support.helpers import mode
from tests.support.site import root_only

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_with_its_mode_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("old")
    path.chmod(0o640)
    before = read_version(path)
    assert before
    assert before.content == b"old"
    assert replace_version(path, b"new", before)
    assert (path.read_text(), mode(path)) == ("new", "0o640")
    assert list(tmp_path.iterdir()) == [path]


@root_only
def test_a_file_is_replaced_with_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("old")
    os.chown(path, 4321, 4322)
    before = read_version(path)
    assert before
    replace_version(path, b"new", before)
    assert (path.stat().st_uid, path.stat().st_gid) == (4321, 4322)


def test_a_file_that_changed_meanwhile_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("old")
    before = read_version(path)
    assert before
    path.write_text("newer")
    assert not replace_version(path, b"mine", before)
    assert path.read_text() == "newer"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert read_version(tmp_path / "none") is None


@pytest.mark.parametrize("inside", ["config", "folder/config"])
def test_no_link_is_followed(tmp_path: Path, inside: str) -> None:
    """The gateway makes the file, or a directory above it, a link to one of the host's."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "config").write_text("root's")
    (tmp_path / inside.partition("/")[0]).symlink_to(tmp_path / "secret" / "config" if inside == "config" else "secret")
    with pytest.raises(OSError, match=r"not an ordinary file|Not a directory"):
        read_version(tmp_path / inside)


@pytest.mark.parametrize("what", ["pipe", "large"])
def test_only_a_small_ordinary_file_is_read(tmp_path: Path, what: str) -> None:
    path = tmp_path / "config"
    if what == "pipe":
        os.mkfifo(path)
    else:
        with path.open("wb") as file:
            file.truncate(2 << 20)
    with pytest.raises(OSError, match=r"it is (not an ordinary file|larger than 1 MB)"):
        read_version(path)
