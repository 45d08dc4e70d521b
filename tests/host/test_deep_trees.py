"""Trees as deep as a gateway can make them: deeper than Python calls, than descriptors, and than paths."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.host.trees.census import census
from idlehands_deploy.host.trees.copier import Copier
from idlehands_deploy.host.trees.descent import KEPT, Descent, each_directory, identities, opened
from idlehands_deploy.host.trees.owners import give_tree, other_owners
from tests.support.site import root_only
from tests.support.trees import deleted, nested

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Python calls less deeply, and may not open so many files here.
DEPTH = 1200
# Longer than a path can be, and quickly made.
LONG = 600
NOTHING: frozenset[Path] = frozenset()


@contextmanager
def few_descriptors() -> Iterator[None]:
    """Allow about a hundred open files more than there are."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))  # noqa: PTH208
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 2 * KEPT + 40, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "tree").mkdir()
    with nested(tmp_path / "tree", DEPTH):
        yield tmp_path / "tree"


@pytest.fixture
def long(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "tree").mkdir()
    with nested(tmp_path / "tree", LONG):
        yield tmp_path / "tree"


@contextmanager
def copied(tree: Path, owner: tuple[int, int] | None = None) -> Iterator[Path]:
    with deleted(target := tree.with_name("copied")):
        with few_descriptors():
            Copier(owner, lambda _: None).copy(tree, target)
        yield target


def owners(tree: Path) -> set[tuple[int, int]]:
    found = set()
    with opened(tree) as top:
        for way, entries in each_directory(top):
            for status in (os.fstat(way.here), *(entry.stat(follow_symlinks=False) for entry in entries)):
                found.add((status.st_uid, status.st_gid))
    return found


@pytest.mark.parametrize("depth", [DEPTH, pytest.param(3000, marks=pytest.mark.full)])
def test_a_deep_tree_is_counted_and_copied_whole(tmp_path: Path, depth: int) -> None:
    (tree := tmp_path / "tree").mkdir()
    with nested(tree, depth):
        with few_descriptors():
            assert census(tree, frozenset({tree}), NOTHING).files == 2 * depth
        with copied(tree) as copy:
            assert census(copy, NOTHING, NOTHING).files == 2 * depth


def test_an_ordinary_user_copies_a_deep_tree(ordinary_user: Path) -> None:
    (tree := ordinary_user / "tree").mkdir()
    with nested(tree, DEPTH), copied(tree) as copy:
        assert census(copy, NOTHING, NOTHING).files == 2 * DEPTH


def test_a_mode_that_forbids_to_go_up_is_kept(ordinary_user: Path) -> None:
    for mode in (0o400, 0o500):
        (ordinary_user / "tree" / f"{mode:o}").mkdir(parents=True)
        (ordinary_user / "tree" / f"{mode:o}").chmod(mode)
    with copied(ordinary_user / "tree") as copy:
        assert (copy / "400").stat().st_mode & 0o777 == 0o400
        assert (copy / "500").stat().st_mode & 0o777 == 0o500


@root_only
def test_a_deep_copy_is_given_to_its_owner(deep: Path) -> None:
    with copied(deep, (4321, 4322)) as copy:
        assert owners(copy) == {(4321, 4322)}


@root_only
def test_a_deep_tree_is_given_away_and_back_with_the_owners_that_differed(deep: Path) -> None:
    (deep / "directory" / "theirs").mkdir()
    (deep / "directory" / "theirs" / "file").touch()
    os.chown(deep / "directory" / "theirs", 77, 78)
    with few_descriptors():
        others = other_owners(deep, (0, 0))
        give_tree(deep, (4321, 4322))
    theirs = str(deep / "directory" / "theirs")
    assert others == {theirs: (77, 78), f"{theirs}/file": (0, 0)}
    assert owners(deep) == {(4321, 4322)}
    with few_descriptors():
        give_tree(deep, (0, 0), others)
    assert owners(deep) == {(0, 0), (77, 78)}
    assert other_owners(deep, (0, 0)) == others


def test_links_at_any_depth_are_counted_as_leading_in_or_out(long: Path) -> None:
    with opened(long) as top:
        for way, _ in each_directory(top):
            if way.depth in {1, LONG}:
                for name, target in (("in", "../file"), ("out", "../" * (way.depth + 1) + "x"), ("loop", "loop")):
                    os.symlink(target, name, dir_fd=way.here)
    links = [link.split(" -> ")[0].rpartition("/")[2] for link in census(long, frozenset({long}), NOTHING).links_out]
    assert sorted(links) == ["loop", "loop", "out", "out"]


def test_hard_links_beyond_the_longest_path_become_files_with_the_content(long: Path) -> None:
    (long / "first").write_text("content")
    with opened(long) as top:
        for way, _ in each_directory(top):
            if way.depth in {1, LONG - 1, LONG}:
                os.link("first", "second", src_dir_fd=top, dst_dir_fd=way.here)
    (long / "first").unlink()
    with copied(long) as copy, opened(copy) as top:
        seconds = [entry.stat() for _, entries in each_directory(top) for entry in entries if entry.name == "second"]
        assert [status.st_size for status in seconds] == [7, 7, 7]
        assert {status.st_ino for status in seconds} == {seconds[0].st_ino}


def test_a_directory_that_is_moved_meanwhile_ends_the_walk(long: Path, tmp_path: Path) -> None:
    """Going up from it would lead elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    seen = 0
    with opened(long) as top:
        walk = each_directory(top)
        while seen <= LONG:
            seen += bool(next(walk))
        (long / "directory" / "directory").rename(tmp_path / "elsewhere" / "directory")
        with pytest.raises(OSError, match="a directory in it was moved meanwhile"):
            next(walk)
    (tmp_path / "elsewhere" / "directory").rename(long / "directory" / "directory")


def test_a_link_that_replaces_a_directory_meanwhile_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "tree" / "a").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    with opened(tmp_path / "tree") as top:
        way = Descent(top)
        assert [entry.name for entry in way.entries()] == ["a"]
        (tmp_path / "tree" / "a").rmdir()
        (tmp_path / "tree" / "a").symlink_to(tmp_path / "secret")
        with pytest.raises(NotADirectoryError):
            way.enter("a")


def test_a_tree_inside_another_is_left_out_wherever_it_is(tmp_path: Path) -> None:
    (tmp_path / "tree" / "a" / "inner" / "x").mkdir(parents=True)
    without = identities([tmp_path / "tree" / "a" / "inner", tmp_path / "none"])
    with opened(tmp_path / "tree") as top:
        assert [way.path("t") for way, _ in each_directory(top, without)] == ["t", "t/a"]


def test_what_cannot_be_read_is_named_or_left_out(ordinary_user: Path) -> None:
    (ordinary_user / "tree" / "a" / "b").mkdir(parents=True)
    (ordinary_user / "tree" / "c").mkdir()
    (ordinary_user / "tree" / "a" / "b").chmod(0)
    with opened(ordinary_user / "tree") as top:
        assert [way.path("t") for way, _ in each_directory(top, tolerant=True)] == ["t", "t/a", "t/c"]
        with pytest.raises(PermissionError) as caught:
            list(each_directory(top))
    assert caught.value.filename == "./a/b"
    with pytest.raises(PermissionError) as caught:
        census(ordinary_user / "tree", NOTHING, NOTHING)
    assert caught.value.filename == str(ordinary_user / "tree" / "a" / "b")
