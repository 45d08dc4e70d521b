"""Remove unknown secrets from a text of any size, by looking closely only at the lines that may have one.

The result is that of ``shapes.scrub`` over the whole text, because
- a shape changes a text only if its hint is in it, on one line; each shape is tried on what those before it have left;
- a shape takes a line end for the beginning or the end of the text, unless its match reaches over it;
- those that reach over one begin with a word at the end of a line and go on with signs to the next word, and such
  lines stay together. No replacement makes such an end: it has letters and ends with ``>``;
- private keys, which have any number of lines, are removed first.
"""

from __future__ import annotations

import functools
from functools import partial

from idlehands_deploy.redaction.hints import HINTS, OPEN_END
from idlehands_deploy.redaction.scan import Hints, change_all, change_hinted, in_blocks
from idlehands_deploy.redaction.shapes import KEY_BLOCK, SHAPES, scrub, without_key_blocks


def scrub_lines(data: bytes) -> bytes:
    """Remove everything from free text, encoded, that has the shape of a secret, or identifies a person."""
    if not _hints().are_usable:
        return change_all(data, scrub)
    if KEY_BLOCK in data:
        data = change_all(data, without_key_blocks)
    return change_hinted(data, _hints(), partial(in_blocks, _hints(), _STEPS))


_STEPS = [partial(pattern.sub, replacement) for pattern, replacement in SHAPES.values()]


# With the others, these make too many states in random text.
_APART = [list(SHAPES).index(name) for name in ("pair", "base64")]


@functools.cache
def _hints() -> Hints:
    # The open end by itself: its line may have another hint before it.
    return Hints([*(HINTS[name] for name in SHAPES), OPEN_END], apart=[*_APART, len(SHAPES)])
