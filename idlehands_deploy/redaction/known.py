"""Remove known secrets, in every form, from a text of any size."""

from __future__ import annotations

import functools
import re
from functools import partial
from typing import TYPE_CHECKING

from idlehands_deploy.redaction.forms import (
    LONG,
    REVEALING,
    base64_forms,
    forms,
    is_mixed,
    is_random,
    is_revealing,
)
from idlehands_deploy.redaction.scan import Hints, change_hinted, literally
from idlehands_deploy.redaction.shapes import REMOVED, random_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BASE64 = "[A-Za-z0-9+/_-]"
# Characters of a form that tell whether it may be in a line.
_TELLING = 12
# What follows the beginning of a masked secret, as a hint.
_MASK = r"[0-9A-Za-z_\x80-\xff+/-]*(?:\xe2\x80\xa6|\.{3}|\*{3})"


class KnownSecrets:
    """Removes secrets of ``LONG`` characters and more, and private directories.

    Args:
        secrets: secrets and the parts of them that are secret too.
        places: replacements for directories.
    """

    def __init__(self, secrets: Iterable[str], places: Mapping[str, str]) -> None:
        long = {secret for secret in secrets if len(secret) >= LONG}
        self._runs = longest_first({run for secret in long for run in random_words(secret)})
        self._forms = longest_first({form for secret in long for form in forms(secret)})
        self._encoded = longest_first({form for secret in long for form in base64_forms(secret)})
        self._cut = [secret for secret in longest_first(long) if len(secret) > REVEALING and "://" not in secret]
        self._places = sorted(
            ((place, shown) for place, shown in places.items() if len(place) > 1), key=lambda item: -len(item[0])
        )

    def removed(self, text: str) -> str:
        """The text without them: only its lines that may have one are looked at closely."""
        if not self._is_by_line:
            return self.removed_at_once(text)
        if self._hints is None:
            return text
        return change_hinted(text, self._hints, lambda blocks: map(self.removed_at_once, blocks), reach=self._reach)

    def removed_at_once(self, text: str) -> str:
        """The same, slowly."""
        for place, shown in self._places:
            text = re.sub(rf"{re.escape(place)}(?![\w.-])", as_replacement(shown), text)
        for form in self._forms:
            text = text.replace(form, REMOVED)
        for form in self._encoded:
            if form in text:
                text = re.sub(rf"{_BASE64}{{0,3}}{re.escape(form)}{_BASE64}*={{0,2}}", REMOVED, text)
        for run in self._runs:
            if run in text:  # inside longer words too
                text = re.sub(rf"(?<![\w-])[\w-]*{run}[\w-]*", REMOVED, text)
        return self._without_cut(text)

    def _without_cut(self, text: str) -> str:
        """The text without the rest of known secrets in cut lines and masked keys."""
        for secret in self._cut:
            head, tail, start = secret[:REVEALING], secret[-REVEALING:], secret[:4]
            revealed = is_random(secret) or is_mixed(secret)
            if head in text and (revealed or is_revealing(head)):
                text = re.sub(rf"{re.escape(head)}[\w+/-]*={{0,2}}", REMOVED, text)
            if tail in text and (revealed or is_revealing(tail)):
                text = re.sub(rf"(?<![\w+-])[\w+-]*?{re.escape(tail)}", REMOVED, text)
            if start in text:
                mask = rf"(?<![A-Za-z0-9])({re.escape(start)}[\w+/-]{{0,8}})(?:…|\.{{3}}|\*{{3,}})([\w+/=-]{{0,12}})"
                text = re.sub(mask, partial(_unmasked, secret), text)
        return text

    @functools.cached_property
    def _literals(self) -> set[str]:
        """What is in a text wherever this changes it."""
        ends = {end for secret in self._cut for end in (secret[:REVEALING], secret[-REVEALING:])}
        starts = {secret[:4] for secret in self._cut if "\n" in secret[:4]}
        return {place for place, _ in self._places}.union(self._forms, self._encoded, self._runs, ends, starts)

    @functools.cached_property
    def _hints(self) -> Hints | None:
        expressions = sorted(set(map(_hint, self._literals)))
        starts = sorted({literally(secret[:4]) for secret in self._cut if "\n" not in secret[:4]})
        masked = [f"(?:{'|'.join(starts)}){_MASK}"] if starts else []
        return Hints(["|".join(expressions), *masked]) if expressions else None

    @functools.cached_property
    def _reach(self) -> int:
        return max((literal.count("\n") for literal in self._literals), default=0)

    @functools.cached_property
    def _is_by_line(self) -> bool:
        """Whether no replacement can make a literal that reaches over a line end."""
        inserted = {REMOVED, *(shown for _, shown in self._places)}
        return not any(_may_arise(literal, new) for literal in self._literals if "\n" in literal for new in inserted)


def _hint(literal: str) -> str:
    """The beginning of the longest line of a literal."""
    lines = literal.split("\n")
    line = max(lines, key=len)
    at = lines.index(line)
    begins = "^" if at else ""
    ends = "$" if at < len(lines) - 1 and len(line) <= _TELLING else ""
    return f"{begins}{literally(line[:_TELLING])}{ends}"


def _may_arise(literal: str, inserted: str) -> bool:
    """Whether text with this inserted somewhere may contain the literal although it did not before."""
    ends = tuple(inserted[at:] for at in range(1, len(inserted)))
    starts = tuple(inserted[:at] for at in range(1, len(inserted)))
    return inserted in literal or literal in inserted or literal.startswith(ends) or literal.endswith(starts)


def longest_first(texts: Iterable[str]) -> list[str]:
    """The texts, the longest first."""
    # A secret may be the beginning of another one, whose rest would stay.
    return sorted(texts, key=lambda text: (-len(text), text))


def as_replacement(shown: str) -> str:
    """A text as a replacement of ``re``."""
    return shown.replace("\\", r"\\")


def _unmasked(secret: str, found: re.Match[str]) -> str:
    """The replacement for a masked text: if both ends match it is the secret; one end proves only a random secret."""
    is_secret = secret.startswith(found[1]) and found[2] and secret.endswith(found[2])
    return REMOVED if is_secret or is_revealing(secret[:REVEALING]) else found[0]
