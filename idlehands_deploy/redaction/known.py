"""Remove known secrets, in every form, from a text of any size.

The result of looking closely only at some lines is that of all steps over the whole text, because
- a step changes a text only where its literal is, and a line of each literal is its hint;
- a step takes a line end for the beginning or the end of the text, unless its literal has line ends itself: as many
  lines as the longest literal has come along before and after;
- what a replacement makes is on its own line. Only a literal of several lines could reach out of it: if one could be
  made by a replacement, all steps go over the whole text.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
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
from idlehands_deploy.redaction.scan import Hints, change_all, change_hinted, in_blocks, literally
from idlehands_deploy.redaction.shapes import REMOVED, random_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

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
        self._long = longest_first({secret for secret in secrets if len(secret) >= LONG})
        self._places = sorted(
            ((place, shown) for place, shown in places.items() if len(place) > 1), key=lambda item: -len(item[0])
        )

    def removed(self, data: bytes) -> bytes:
        """An encoded text without them: only its lines that may have one are looked at closely."""
        if not self._steps:
            return data
        if not self._is_by_line or not self._hints.are_usable:
            return change_all(data, self.removed_at_once)
        return change_hinted(data, self._hints, self._in_blocks, reach=self._reach)

    def removed_at_once(self, text: str) -> str:
        """The same of a text, slowly."""
        for step in self._steps:
            text = step.changed(text)
        return text

    @functools.cached_property
    def _steps(self) -> list[_Step]:
        cut = [secret for secret in self._long if len(secret) > REVEALING and "://" not in secret]
        return [
            *(_place(place, shown) for place, shown in self._places),
            *map(_form, longest_first({form for secret in self._long for form in forms(secret)})),
            *map(_base64, longest_first({form for secret in self._long for form in base64_forms(secret)})),
            *map(_run, longest_first({run for secret in self._long for run in random_words(secret)})),
            *(step for secret in cut for step in _cut(secret)),
        ]

    @functools.cached_property
    def _hints(self) -> Hints:
        return Hints([_hint(step) for step in self._steps])

    @functools.cached_property
    def _in_blocks(self) -> Callable[[Iterable[str]], Iterator[str]]:
        return partial(in_blocks, self._hints, [step.changed for step in self._steps])

    @functools.cached_property
    def _reach(self) -> int:
        return max(step.literal.count("\n") for step in self._steps)

    @functools.cached_property
    def _is_by_line(self) -> bool:
        """Whether no replacement can make a literal that reaches over a line end."""
        inserted = {REMOVED, *(shown for _, shown in self._places)}
        over = [step.literal for step in self._steps if "\n" in step.literal]
        return not any(_may_arise(literal, new) for literal in over for new in inserted)


@dataclass(frozen=True)
class _Step:
    """One removal, and what is in a text wherever it changes it."""

    literal: str
    change: Callable[[str], str]
    # What follows the literal, as a hint.
    after: str = ""

    def changed(self, text: str) -> str:
        return self.change(text) if self.literal in text else text


def _place(place: str, shown: str) -> _Step:
    return _Step(place, partial(re.sub, rf"{re.escape(place)}(?![\w.-])", as_replacement(shown)))


def _form(form: str) -> _Step:
    return _Step(form, lambda text: text.replace(form, REMOVED))


def _base64(form: str) -> _Step:
    return _Step(form, partial(re.sub, rf"{_BASE64}{{0,3}}{re.escape(form)}{_BASE64}*={{0,2}}", REMOVED))


def _run(run: str) -> _Step:
    """A random word, inside longer words too."""
    return _Step(run, partial(re.sub, rf"(?<![\w-])[\w-]*{run}[\w-]*", REMOVED))


def _cut(secret: str) -> Iterator[_Step]:
    """The rest of a secret in cut lines and masked keys."""
    head, tail, start = secret[:REVEALING], secret[-REVEALING:], secret[:4]
    reveals = is_random(secret) or is_mixed(secret)
    if reveals or is_revealing(head):
        yield _Step(head, partial(re.sub, rf"{re.escape(head)}[\w+/-]*={{0,2}}", REMOVED))
    if reveals or is_revealing(tail):
        yield _Step(tail, partial(re.sub, rf"(?<![\w+-])[\w+-]*?{re.escape(tail)}", REMOVED))
    mask = rf"(?<![A-Za-z0-9])({re.escape(start)}[\w+/-]{{0,8}})(?:…|\.{{3}}|\*{{3,}})([\w+/=-]{{0,12}})"
    yield _Step(start, partial(re.sub, mask, partial(_unmasked, secret)), _MASK)


def _hint(step: _Step) -> str:
    """The beginning of the longest line of a step's literal."""
    lines = step.literal.split("\n")
    if len(lines) == 1:
        return literally(step.literal[:_TELLING]) + step.after
    line = max(lines, key=len)
    at = lines.index(line)
    ends = "$" if at < len(lines) - 1 and len(line) <= _TELLING else ""
    return f"{'^' if at else ''}{literally(line[:_TELLING])}{ends}"


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
