"""In which of a config's files a value stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idlehands_deploy.gateway.config import DEEPEST_INCLUDE, IncludeReader, included_names
from idlehands_deploy.gateway.json5_text import FlawError, parse_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from idlehands_deploy.gateway.config_changes.edit import Path as Keys


def find_owner(
    file: Path, keys: Keys, read: Callable[[Path], str | None], mounts: Mapping[str, Path]
) -> tuple[Path, Keys]:
    """The file that holds a value, and its keys in there; for a value that is nowhere, the file that could hold it.

    What stands beside an include takes effect, and of several included files the last one that has the key.

    Args:
        read: returns a file's text, or None if it does not exist; may raise OSError.
        mounts: directories on this host, by their path in the gateway's view.

    Raises:
        FlawError: a file cannot be read, or includes another where the value itself would stand.
    """
    reader = IncludeReader(read, mounts)

    def below(file: Path, keys: Keys, depth: int) -> tuple[Path, Keys]:
        value: Any = parse_config(read(file) or "")
        for number, key in enumerate(keys):
            inner = _child(value, key)
            if inner is None and isinstance(value, dict) and depth < DEEPEST_INCLUDE:
                for name in reversed(included_names(value)):
                    included = reader.place(name, file, depth + 1)
                    if key in parse_config(read(included) or ""):
                        return below(included, keys[number:], depth + 1)
            if inner is None:
                break
            value = inner
        else:
            if isinstance(value, dict) and (names := included_names(value)):
                raise FlawError(f"comes from {' and '.join(names)}: edit that file, or set a key in it")
        return file, keys

    return below(file, keys, 0)


def _child(value: object, key: str) -> object:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
        return value[int(key)]
    return None
