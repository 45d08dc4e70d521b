"""Set one value in the text of a config; its comments, order and style stay."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idlehands_deploy.gateway.config_changes.json5_tree import Node, read_tree
from idlehands_deploy.gateway.json5_text import FlawError, parse_json5

if TYPE_CHECKING:
    from collections.abc import Sequence

# `agents.entries.main`, `bindings[0].agentId`, `models["provider/model.v1"].alias`: as the gateway writes paths.
_STEP = re.compile(r"\.?(?:(?P<plain>[^.\[\]\"']+)|\[(?P<number>\d+)\]|\[(?P<quoted>\"[^\"]*\"|'[^']*')\])")
_COMMA = re.compile(r"(?:\s|//[^\n]*\n|/\*.*?\*/)*,", re.DOTALL)
_BARE = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)

Path = tuple[str, ...]


@dataclass(frozen=True)
class Edited:
    """A config after an edit.

    Attributes:
        lost: the comments that stood inside of the replaced value.
    """

    text: str
    lost: tuple[str, ...] = ()


def read_path(text: str) -> Path:
    """The keys of a dotted path; a list's items are numbers in brackets or between dots.

    Raises:
        FlawError: it is no path; the message completes a sentence.
    """
    keys, at = [], 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None or ((at == 0) == step.group().startswith(".") and step["plain"]):
            raise FlawError('is not a path such as gateway.bind, bindings[0].agentId or models["a.b"]')
        keys.append(step["plain"] or step["number"] or step["quoted"][1:-1])
        at = step.end()
    if not keys:
        raise FlawError("is empty")
    return tuple(keys)


def read_value(text: str) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """A value as a person types it: JSON5 if it is that, else the text itself, so that `lan` needs no quotes.

    Raises:
        FlawError: it begins as JSON5 and is none.
    """
    try:
        return parse_json5(text)
    except FlawError:
        if text.lstrip()[:1] in {"{", "[", '"', "'"}:
            raise
        return text


def with_value(text: str, path: Path, value: Any) -> Edited:  # noqa: ANN401
    """The text with this value at this path; objects on the way that do not exist are made.

    Raises:
        FlawError: the text is no config, or something on the way holds no other values; completes a sentence.
    """
    before = parse_json5(text)
    wanted = _set(deepcopy(before), path, value)
    root, comments = read_tree(text)
    node, depth = _deepest(root, path)
    if depth == len(path):
        edited = _replaced(text, node, value, root)
        lost = tuple(text[start:end] for start, end in comments if node.start <= start < node.end)
    else:
        edited, lost = _added(text, node, path[depth:], value, root), ()
    # The tree is our own reading of the text, so that the edit is proved by the parser.
    if parse_json5(edited) != wanted:
        raise FlawError("cannot be edited so by this tool")
    return Edited(edited, lost)


def without(text: str, path: Path) -> Edited:
    """The text without the value at this path; comments beside it stay.

    Raises:
        FlawError: the text is no config, or holds no such value; completes a sentence.
    """
    wanted = deepcopy(parse_json5(text))
    root, comments = read_tree(text)
    parent, depth = _deepest(root, path[:-1])
    if depth < len(path) - 1 or path[-1] not in (parent.children or {}):
        raise FlawError("is not in the config")
    holder = wanted
    for key in path[:-1]:
        holder = holder[int(key) if isinstance(holder, list) else key]
    del holder[int(path[-1]) if isinstance(holder, list) else path[-1]]
    node = (parent.children or {})[path[-1]]
    edited = _removed(
        text, parent.starts[path[-1]], node.end, [child.end for child in (parent.children or {}).values()]
    )
    if parse_json5(edited) != wanted:
        raise FlawError("cannot be removed by this tool")
    return Edited(edited, tuple(text[start:end] for start, end in comments if node.start <= start < node.end))


def _removed(text: str, start: int, end: int, ends: Sequence[int]) -> str:
    """The text without an entry and its comma, or without the comma before the last one.

    Args:
        ends: of it and its siblings.
    """
    last = False
    comma = _COMMA.match(text, end)
    before = max((other for other in ends if other < start), default=None)
    if comma:
        text = text[: comma.end() - 1] + text[comma.end() :]
    elif before is not None and (comma := _COMMA.match(text, before)):
        text = text[: comma.end() - 1] + text[comma.end() :]
        start, end, last = start - 1, end - 1, True
    line = text.rfind("\n", 0, start) + 1
    following = text.find("\n", end)
    if following >= 0 and not (text[line:start] + text[end:following]).strip():
        return text[:line] + text[following + 1 :]
    if last and text[line:start].strip():
        return text[:start].rstrip(" \t") + text[end:]
    return text[:start] + text[end:].removeprefix(" ")


def _set(within: Any, path: Path, value: Any) -> Any:  # noqa: ANN401
    """The value with another one at this path."""
    if not path:
        return value
    key = path[0]
    if isinstance(within, list) and key.isdecimal() and int(key) <= len(within):
        return [
            *within[: int(key)],
            _set(within[int(key)] if int(key) < len(within) else {}, path[1:], value),
            *within[int(key) + 1 :],
        ]
    if isinstance(within, dict):
        return within | {key: _set(within.get(key, {}), path[1:], value)}
    holder = f"holds {len(within)} items, and none with the number" if isinstance(within, list) else "holds no"
    raise FlawError(f"{holder} {key}")


def _deepest(node: Node, path: Path) -> tuple[Node, int]:
    """The last value on the path that is there, and how many keys lead to it."""
    for depth, key in enumerate(path):
        child = (node.children or {}).get(key)
        if child is None:
            return node, depth
        node = child
    return node, len(path)


def _replaced(text: str, node: Node, value: Any, root: Node) -> str:  # noqa: ANN401
    style = _Style.of(text, root)
    written = style.write(value, _indent(text, node.start), flat=_is_flat(text, node))
    return text[: node.start] + written + text[node.end :]


def _added(text: str, node: Node, path: Path, value: Any, root: Node) -> str:  # noqa: ANN401
    style = _Style.of(text, root)
    closing = node.end - 1
    flat = bool(node.children) and "\n" not in text[node.start : closing]
    outer = _indent(text, node.start)
    inner = outer + style.unit
    last = max(node.starts.values(), default=0)
    if last and text[:last].rstrip(" \t").endswith("\n"):
        inner = _indent(text, last)
    rest, name = path, ""
    if not node.is_list:
        name, rest = style.key(path[0], bare=node.bare_keys if node.children else style.bare) + ": ", path[1:]
    elif rest:
        rest = rest[1:]
    for key in reversed(rest):
        value = {key: value}
    body = text[: node.last_end]
    if node.children and not node.has_comma:
        body += ","
    kept = text[node.last_end : closing].rstrip()
    space = text[node.last_end + len(kept) : closing]
    entry = (" " if flat else style.newline + inner) + name + style.write(value, inner, flat=flat)
    entry += "," if node.has_comma else ""
    if not flat and "\n" not in space:
        space = style.newline + outer
    return body + kept + entry + space + text[closing:]


@dataclass(frozen=True)
class _Style:
    """How a text is written: its line ends, its indentation, and whether keys stand without quotes."""

    newline: str
    unit: str
    bare: bool

    @classmethod
    def of(cls, text: str, root: Node) -> _Style:
        unit = _indent(text, min(root.starts.values())) if root.starts else ""
        return cls("\r\n" if "\r\n" in text else "\n", unit or "  ", root.bare_keys)

    def key(self, key: str, *, bare: bool) -> str:
        return key if bare and _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)

    def write(self, value: Any, indent: str, *, flat: bool) -> str:  # noqa: ANN401
        """The value as text, whose further lines stand behind this indentation."""
        if not value or not isinstance(value, dict | list):
            return json.dumps(value, ensure_ascii=False)
        inner = "" if flat else self.newline + indent + self.unit
        if isinstance(value, dict):
            items: Sequence[str] = [
                f"{self.key(str(key), bare=self.bare)}: {self.write(item, indent + self.unit, flat=flat)}"
                for key, item in value.items()
            ]
        else:
            items = [self.write(item, indent + self.unit, flat=flat) for item in value]
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        end = "" if flat else self.newline + indent
        return opening + (", " if flat else ",").join(inner + item for item in items) + end + closing


def _is_flat(text: str, node: Node) -> bool:
    """Whether a value that holds others stands in one line."""
    return bool(node.children) and "\n" not in text[node.start : node.end]


def _indent(text: str, at: int) -> str:
    """The white space that the line begins with in which this character stands."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]
