"""What stands in a fleet file in the place of something valid, in words."""

from __future__ import annotations

import re

KINDS = {dict: "a mapping", list: "a list", type(None): "nothing", str: "text"}


def got(value: object, *, private: bool) -> str:
    """What was written instead, to complete a sentence.

    Args:
        private: the value may be a secret, and is not shown.
    """
    if private or not isinstance(value, str | int | float | bool):
        return f", not {KINDS.get(type(value), type(value).__name__)}"
    return f", not {value!r}"


def unspaced(value: object) -> str:
    """What is missing in a text that was meant to be a key and a value, or items of a list; empty if nothing is."""
    if not isinstance(value, str):
        return ""
    if re.match(r"[\w.-]+:[^/]", value):
        return "; a space is missing after the colon"
    if re.match(r"[\w.-]+\s*=", value):
        return "; write a colon and a space, not ="
    return "; a space is missing after the -" if re.match(r"-\w", value) else ""
