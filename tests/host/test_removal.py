from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import DirectoryError
from idlehands_deploy.host.file_facts import walk
from idlehands_deploy.host.files import remove, remove_tree
from tests.support.trees import nest, nested

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "top"
    top.mkdir()
    return top


@pytest.mark.parametrize("depth", [1, 2, 3000])
def test_directories_are_deleted_however_deeply_they_are_nested(tree: Path, depth: int) -> None:
    nest(tree, depth)
    remove_tree(tree)
    assert not tree.exists()


def test_a_wide_tree_goes_with_every_kind_of_file(tree: Path) -> None:
    for number in range(30):
        (tree / f"{number}" / "x" / "y").mkdir(parents=True)
        (tree / f"{number}" / "x" / ".deleted-1").write_text("x")
    os.mkfifo(tree / "3" / "pipe")
    (tree / "4" / "loop").symlink_to(tree)
    (tree / "line\nbreak").write_bytes(b"")
    remove(tree)
    assert not tree.exists()


def test_nothing_behind_a_link_is_deleted(tree: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    (kept / "deep").mkdir(parents=True)
    (kept / "deep" / "file").write_text("mine")
    (tree / "inner").mkdir()
    for link in (tree / "link", tree / "inner" / "link"):
        link.symlink_to(kept)
    remove_tree(tree)
    assert (kept / "deep" / "file").read_text() == "mine"
    (tmp_path / "to-kept").symlink_to(kept)
    with pytest.raises(DirectoryError):
        remove_tree(tmp_path / "to-kept")
    assert (kept / "deep" / "file").exists()


def test_what_is_missing_is_no_error_and_what_cannot_be_deleted_is_named(ordinary_user: Path) -> None:
    remove_tree(ordinary_user / "missing")
    (ordinary_user / "locked" / "inner").mkdir(parents=True)
    (ordinary_user / "locked" / "inner" / "file").touch()
    (ordinary_user / "locked").chmod(0o500)
    with pytest.raises(DirectoryError, match=r"^Cannot delete .*locked"):
        remove_tree(ordinary_user / "locked")
    (ordinary_user / "locked").chmod(0o700)
    remove_tree(ordinary_user / "locked")


def test_read_only_directories_in_it_are_deleted(ordinary_user: Path) -> None:
    inner = ordinary_user / "cache" / "inner" / "deep"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    inner.chmod(0o500)
    inner.parent.chmod(0o500)
    remove_tree(ordinary_user / "cache")
    assert not (ordinary_user / "cache").exists()


def test_a_walk_is_in_order_leaves_names_out_follows_no_link_and_ends_where_paths_end(tree: Path) -> None:
    (tree / "b" / "skipped" / "x").mkdir(parents=True)
    (tree / "a").write_text("")
    (tree / "c").symlink_to(tree)
    assert [entry.name for entry in walk(tree, {"skipped"})] == ["a", "b", "c"]
    with nested(tree / "b", 3000):
        assert sum(1 for _ in walk(tree)) > 300
