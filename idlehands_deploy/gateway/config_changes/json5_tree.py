"""Where each value of a JSON5 text stands in it, so that one can be changed and the comments around it stay."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from idlehands_deploy.gateway.json5_text import parse_json5

_SPACE = re.compile(r"[\s\ufeff]+")
_COMMENT = re.compile(r"//[^\n\r\u2028\u2029]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
# A number, a literal or a key without quotes.
_WORD = re.compile(r"[^\s\ufeff,:{}\[\]/'\"]+")


@dataclass(frozen=True)
class Node:
    """One value.

    Attributes:
        start, end: where it stands in the text.
        children: those of an object by key, in their order and with the last of two equal keys; those of a list by
            number; None for any other value.
        starts: where each child begins, with its key.
        bare_keys: whether an object has a key without quotes.
        has_comma: whether a comma follows the last child.
    """

    start: int
    end: int
    children: dict[str, Node] | None = None
    is_list: bool = False
    starts: dict[str, int] = field(default_factory=dict)
    bare_keys: bool = False
    has_comma: bool = False

    @property
    def last_end(self) -> int:
        """Where the last child ends; the opening bracket's end without one."""
        return max((child.end for child in (self.children or {}).values()), default=self.start + 1)


@dataclass
class _Scanner:
    text: str
    at: int = 0
    comments: list[tuple[int, int]] = field(default_factory=list)

    def skip(self) -> None:
        """Go on behind white space and comments."""
        while True:
            if space := _SPACE.match(self.text, self.at):
                self.at = space.end()
            elif comment := _COMMENT.match(self.text, self.at):
                self.comments.append(comment.span())
                self.at = comment.end()
            else:
                return

    def value(self) -> Node:
        self.skip()
        start = self.at
        if self.text[start] in "{[":
            return self.container(start, is_list=self.text[start] == "[")
        self.token()
        return Node(start, self.at)

    def container(self, start: int, *, is_list: bool) -> Node:
        children: dict[str, Node] = {}
        starts: dict[str, int] = {}
        bare = comma = False
        self.at += 1
        self.skip()
        while self.text[self.at] not in "}]":
            begins = self.at
            key = str(len(children))
            if not is_list:
                bare = bare or self.text[self.at] not in "'\""
                key = self.key()
            children.pop(key, None)
            children[key] = self.value()
            starts[key] = begins
            self.skip()
            if comma := self.text[self.at] == ",":
                self.at += 1
                self.skip()
        self.at += 1
        return Node(start, self.at, children, is_list, starts, bare, comma)

    def key(self) -> str:
        token = self.token()
        self.skip()
        self.at += 1  # the colon
        return str(parse_json5(token if token[0] in "'\"" else f'"{token}"'))

    def token(self) -> str:
        found = _STRING.match(self.text, self.at) or _WORD.match(self.text, self.at)
        if found is None:
            raise ValueError(f"no JSON5 at character {self.at}")
        self.at = found.end()
        return found.group()


def read_tree(text: str) -> tuple[Node, tuple[tuple[int, int], ...]]:
    """The root of a JSON5 text, and where its comments stand.

    Args:
        text: seen to be JSON5, and nested no deeper than a config may be.

    Raises:
        ValueError, IndexError: it is none.
    """
    scanner = _Scanner(text)
    root = scanner.value()
    scanner.skip()
    return root, tuple(scanner.comments)
