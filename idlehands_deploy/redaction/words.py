"""Replace whole words: short secrets, and the names of this host and its users."""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING

from idlehands_deploy.redaction.hints import any_case_text
from idlehands_deploy.redaction.known import as_replacement
from idlehands_deploy.redaction.scan import Hints, change_all, change_hinted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Words:
    """Replaces whole words, whatever their case.

    Args:
        words: each with its replacement.
    """

    def __init__(self, words: Sequence[tuple[str, str]]) -> None:
        self._words = words

    def replaced(self, data: bytes) -> bytes:
        """An encoded text with the words replaced: only the lines that have one are looked at closely."""
        if not self._words:
            return data
        if any("\n" in word + shown for word, shown in self._words) or not self._hints.are_usable:
            return change_all(data, self.replaced_at_once)
        return change_hinted(data, self._hints, self._in_blocks)

    def replaced_at_once(self, text: str) -> str:
        """The same of a text, slowly."""
        lower = text.lower()
        for word, shown in self._words:
            if word.lower() in lower:
                text = re.sub(rf"(?i)(?<![\w<]){re.escape(word)}(?![\w>])", as_replacement(shown), text)
                lower = text.lower()
        return text

    @functools.cached_property
    def _hints(self) -> Hints:
        return Hints(["|".join(sorted({any_case_text(word) for word, _ in self._words}))])

    def _in_blocks(self, blocks: Sequence[str]) -> Iterator[str]:
        # Together: a letter outside ASCII counts as one of the word only if the word is somewhere in the text.
        lines = iter(self.replaced_at_once("\n".join(blocks)).split("\n"))
        for block in blocks:
            yield "\n".join(itertools.islice(lines, block.count("\n") + 1))
