"""What stands in a fleet file in the place of something valid, in words."""

from __future__ import annotations

import re

KINDS = {dict: "a mapping", list: "a list", type(None): "nothing", str: "text"}
# Characters of a value that are shown; also the bits of a number.
LONG = 100


def got(value: object, *, private: bool) -> str:
    """What was written instead, to complete a sentence.

    Args:
        private: the value may be a secret, and is not shown.
    """
    if private or not isinstance(value, str | int | float | bool):
        return f", not {KINDS.get(type(value), type(value).__name__)}"
    if isinstance(value, int) and value.bit_length() > LONG:  # Python refuses to write some of them
        return ", not a number that long"
    shown = repr(value)
    return f", not {shown if len(shown) <= LONG else shown[:LONG] + '...'}"


def unspaced(value: object) -> str:
    """What is missing in a text that was meant to be a key and a value, or items of a list; empty if nothing is."""
    if not isinstance(value, str):
        return ""
    if re.match(r"[\w.-]+:[^/]", value):
        return "; a space is missing after the colon"
    if re.match(r"[\w.-]+\s*=", value):
        return "; write a colon and a space, not ="
    return "; a space is missing after the -" if re.match(r"-\w", value) else ""
