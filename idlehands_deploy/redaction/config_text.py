"""A gateway's config for its owner's eyes: as it is written, with comments, but without its secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from idlehands_deploy.gateway.config_changes.json5_tree import Node, read_tree
from idlehands_deploy.gateway.json5_text import FlawError, parse_json5
from idlehands_deploy.redaction.shapes import REMOVED, names_a_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.redaction.redactor import Redactor

_PIECE = re.compile(r"//[^\n]*|/\*.*?\*/|[^\s:,{}\[\]]+", re.DOTALL)


def redact_config(text: str, redactor: Redactor) -> str:
    """A config's text without the values under names of secrets, and without what else has the shape of one."""
    try:
        parse_json5(text)
        root, _ = read_tree(text)
    except (FlawError, ValueError, IndexError):
        return redactor.text(text)
    shown, at = [], 0
    for node, is_secret in _leaves(root, is_secret=False):
        value = text[node.start : node.end]
        shown += [_between(text[at : node.start], redactor), _redacted(value, redactor, is_secret=is_secret)]
        at = node.end
    return "".join(shown) + _between(text[at:], redactor)


def _between(text: str, redactor: Redactor) -> str:
    """Keys and comments, each by itself: a name and the bracket after it are no name with its value."""
    return _PIECE.sub(lambda found: redactor.text(found[0]), text)


def _redacted(value: str, redactor: Redactor, *, is_secret: bool) -> str:
    # Booleans, nothing at all and variables are what a person looks for.
    if is_secret and value not in {"true", "false", "null", '""', "''"} and "${" not in value:
        return f'"{REMOVED}"'
    return redactor.text(value)


def _leaves(node: Node, *, is_secret: bool) -> Iterator[tuple[Node, bool]]:
    """The values that hold no others, in their order, and whether each stands under the name of a secret."""
    if node.children is None:
        yield node, is_secret
        return
    # A reference to a secret is not its value.
    refers = not node.is_list and {"source", "id"} <= set(node.children)
    for key, child in sorted(node.children.items(), key=lambda item: item[1].start):
        hides = not node.is_list and names_a_secret(key)
        yield from _leaves(child, is_secret=not refers and (is_secret or hides))
