"""A gateway's own config: JSON5, in one or several files, written by a person and by the gateway."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idlehands_deploy.gateway.json5_text import FlawError, check_values, parse_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Reader = Callable[[Path], str | None]

INCLUDE = "$include"
# The gateway's own limit (2026.9.6, docs/gateway/config-secrets-env.md).
DEEPEST_INCLUDE = 10
# A gateway may write any file into its state, and these are read by root.
MOST_INCLUDES, MOST_INCLUDED = 100, 1 << 20
# Characters of a text in which hidden variables are replaced.
LONGEST_REVEALED = 1024


@dataclass(frozen=True)
class GatewayConfig:
    """A config as it takes effect: with included files merged and variables replaced.

    Attributes:
        place: the name of its file in messages.
        values: its content; empty if it cannot be read.
        flaws: what is wrong with it or with an included file; each completes a sentence.
        unreadable: why this user cannot read it; empty if they can.
        hidden: variables that may contain credentials, from its secrets, its ``.env`` and its own ``env.vars``: not
            replaced in the values, because these are shown.
        includes: the files that it includes and that could be found, on this host.
    """

    place: str
    values: dict[str, Any] = field(default_factory=dict)
    flaws: tuple[str, ...] = ()
    unreadable: str = ""
    hidden: Mapping[str, str] = field(default_factory=dict)
    includes: tuple[Path, ...] = ()

    def get(self, *keys: str) -> Any:  # noqa: ANN401 - whatever JSON can hold
        """The value at these keys; None if there is none."""
        value: Any = self.values
        for key in keys:
            if not isinstance(value, dict):
                return None
            value = value.get(key)
        return value

    def reveal(self, text: str) -> str:
        """A text with hidden variables replaced: only for comparison, never to be shown."""
        # In a long text, each of thousands of names could be of a long variable.
        return str(_substitute(text, self.hidden)) if len(text) <= LONGEST_REVEALED else text

    def mappings(self, *keys: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The mappings below these keys, by name."""
        below = self.get(*keys)
        for name, value in below.items() if isinstance(below, dict) else ():
            if isinstance(value, dict):
                yield str(name), value


def read_variables(text: str) -> dict[str, str]:
    """The variables of a ``.env`` file."""
    # Possessive, and one attempt a line: a line of white space must not cost the square of its length.
    found = re.findall(r"^[ \t]*+(?:export[ \t]++)?([A-Z_][A-Z0-9_]*+)[ \t]*+=(.*)$", text, re.MULTILINE)
    return {name: value.strip(" \t").strip("\"'") for name, value in found}


def read_config(
    path: Path,
    place: str,
    read: Callable[[Path], str | None],
    *,
    mounts: Mapping[str, Path],
    environ: Mapping[str, str],
    hidden: Mapping[str, str] | None = None,
) -> GatewayConfig | None:
    """Read a config with its included files.

    Args:
        path: on this host.
        place: its name in messages.
        read: returns a file's text, or None if it does not exist; may raise OSError.
        mounts: directories on this host, by their path in the gateway's view; includes outside them are flaws.
        environ: the gateway's known variables; others stay unreplaced.
        hidden: further variables, which must not be shown.

    Returns:
        None if the file does not exist.
    """
    reader = IncludeReader(read, mounts)
    try:
        text = read(path)
        if text is None:
            return None
        values = reader.resolve(parse_config(text), path, 0)
        check_values(values)  # together, too
        values = _substitute(values, environ)
        known = _inline(values) | _dotenv(read, path.parent) | dict(hidden or {})
        return GatewayConfig(place, values, tuple(reader.flaws), hidden=known, includes=tuple(reader.files))
    except FlawError as error:
        return GatewayConfig(place, flaws=(str(error),))
    except RecursionError:
        return GatewayConfig(place, flaws=("is nested too deeply",))
    except OSError as error:
        return GatewayConfig(place, unreadable=error.strerror or str(error))


class IncludeReader:
    """Reads the files that a config includes.

    Attributes:
        flaws: what is wrong with those that were read; each completes a sentence.
        files: those that were found.
        included: how many files, each as often as it was included, and how many characters.
    """

    def __init__(self, read: Reader, mounts: Mapping[str, Path]) -> None:
        self._read = read
        self._mounts = mounts
        self.flaws: list[str] = []
        self.files: dict[Path, None] = {}
        self.included = (0, 0)

    def resolve(self, value: Any, file: Path, depth: int) -> Any:  # noqa: ANN401
        """The value with its included files merged in."""
        if isinstance(value, list):
            return [self.resolve(item, file, depth) for item in value]
        if not isinstance(value, dict):
            return value
        own = {key: self.resolve(item, file, depth) for key, item in value.items() if key != INCLUDE}
        if INCLUDE not in value:
            return own
        included: Any = {}
        for name in included_names(value):
            if self._is_full():
                break
            included = _merged(included, self._include(name, file, depth + 1))
        return _merged(included, own) if own else included

    def _is_full(self) -> bool:
        """Whether as much is included as any gateway needs: files that include each other can be endless."""
        count, size = self.included
        limit = (
            f"{MOST_INCLUDES} files" if count >= MOST_INCLUDES
            else f"{MOST_INCLUDED >> 20} MB" if size > MOST_INCLUDED
            else ""
        )  # fmt: skip
        if limit and not any(flaw.startswith("includes more than") for flaw in self.flaws):
            self.flaws.append(f"includes more than {limit}, of which the rest was not read")
        return bool(limit)

    def _include(self, name: str, file: Path, depth: int) -> Any:  # noqa: ANN401
        self.included = self.included[0] + 1, self.included[1]  # also what is not there: each is a flaw
        try:
            path = self.place(name, file, depth)
            text = _there(self._read(path))
            self.files[path] = None
            self.included = self.included[0], self.included[1] + len(text)
            return self.resolve(parse_config(text), path, depth)
        except (FlawError, OSError) as error:
            self.flaws.append(f"includes {name}, which {_reason(error)}")
            return {}

    def place(self, name: str, file: Path, depth: int = 1) -> Path:
        """Where an included file lies on this host.

        Args:
            file: the one that includes it.

        Raises:
            FlawError: nowhere that the gateway can see.
        """
        if depth > DEEPEST_INCLUDE:
            raise FlawError(f"is included more than {DEEPEST_INCLUDE} files deep")
        for inside, outside in self._mounts.items():
            if name == inside or name.startswith(f"{inside}/"):
                return outside / name.removeprefix(inside).lstrip("/")
        path = Path(os.path.normpath(file.parent / name))
        if not any(path.is_relative_to(outside) for outside in self._mounts.values()):
            raise FlawError("is outside the directories that the gateway can see")
        return path


def included_names(value: Mapping[str, Any]) -> list[str]:
    """The files that an object includes, as it names them."""
    names = value.get(INCLUDE, [])
    return [str(name) for name in (names if isinstance(names, list) else [names])]


def _there(text: str | None) -> str:
    if text is None:
        raise FlawError("does not exist")
    return text


def _inline(values: Mapping[str, Any]) -> dict[str, str]:
    """The variables that a config defines itself."""
    env = values.get("env")
    variables = env.get("vars") if isinstance(env, dict) else None
    if not isinstance(variables, dict):
        return {}
    return {key: item for key, item in variables.items() if isinstance(item, str)}


def _dotenv(read: Reader, directory: Path) -> dict[str, str]:
    """The variables in the ``.env`` beside a config; empty if it cannot be read."""
    try:
        return read_variables(read(directory / ".env") or "")
    except (FlawError, OSError):
        return {}


def _merged(below: Any, above: Any) -> Any:  # noqa: ANN401
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {key: _merged(below[key], item) if key in below else item for key, item in above.items()}
    return above


def _substitute(value: Any, environ: Mapping[str, str]) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _substitute(item, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [_substitute(item, environ) for item in value]
    if isinstance(value, str) and "${" in value:
        return re.sub(r"(?<!\$)\$\{([A-Z_][A-Z0-9_]*)\}", lambda found: environ.get(found[1]) or found[0], value)
    return value


def _reason(error: OSError | FlawError) -> str:
    return f"cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)
