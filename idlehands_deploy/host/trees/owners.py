"""Whose the files of a tree are, and giving them to another owner."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING

from idlehands_deploy.host.trees.descent import each_directory, opened

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Owner = tuple[int, int]


def other_owners(root: Path, owner: Owner) -> dict[str, Owner]:
    """Entries whose owner differs from their directory's, and the root if its owner differs from ``owner``.

    Raises:
        OSError: something cannot be read.
    """
    found = {} if (own := _owner(os.lstat(root))) == owner else {str(root): own}
    with opened(root) as top:
        for way, entries in each_directory(top):
            own = _owner(os.fstat(way.here))
            for entry in entries:
                if (other := _owner(entry.stat(follow_symlinks=False))) != own:
                    found[way.path(root, entry.name)] = other
    return found


def give_tree(root: Path, owner: Owner, others: Mapping[str, Owner] = MappingProxyType({})) -> None:
    """Change the owner of a tree, without following links in it.

    Args:
        others: paths in it with another owner, including everything below them.

    Raises:
        OSError: this user may not.
    """
    owners: list[Owner] = []
    with opened(root) as top:
        for way, entries in each_directory(top):
            path = way.path(root) if others else ""
            own = others.get(path, owners[way.depth - 1] if way.depth else owner)
            owners[way.depth :] = [own]
            os.fchown(way.here, *own)
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    whose = others.get(f"{path}/{entry.name}", own) if others else own
                    os.chown(entry.name, *whose, dir_fd=way.here, follow_symlinks=False)


def _owner(found: os.stat_result) -> Owner:
    return found.st_uid, found.st_gid
