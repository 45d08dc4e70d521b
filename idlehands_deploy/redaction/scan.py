"""Find the few lines of a text that something may change, and change only those.

A hint is an RE2 expression that matches, within one line, wherever the change applies. RE2 looks for all hints at once
in a few nanoseconds a byte, in time linear in the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    import re2

    # A part of a text of whole lines, without the last line's end.
    Span = tuple[int, int]

# A part of a text in which a hint is, is looked through in parts again, down to the line; bytes.
PARTS = (4096, 512, 0)
# For RE2's states, which it makes as it needs them; bytes.
MEMORY = 64 << 20
# More expressions than RE2 takes at once.
MOST = 40_000
# The lines without letters and digits, and the next one.
_NEXT_WORDS = re.compile(rb"[^0-9A-Za-z_]*+[^\n]*+")


class Hints:
    """Expressions of RE2 over UTF-8 as bytes, where ``^`` and ``$`` are the beginning and end of a line.

    Those that cannot be looked for, as when there are too many, count as found.

    Args:
        expressions: the hints.
        apart: the numbers of those that are looked for by themselves: RE2 has a state for each combination of how
            far it has come in each expression, and makes them anew all the time if there are too many.
    """

    def __init__(self, expressions: Sequence[str], apart: Collection[int] = ()) -> None:
        everything = range(len(expressions))
        self.are_usable = len(expressions) <= MOST
        groups = [[number for number in everything if number not in apart], list(apart)] if self.are_usable else []
        self._sets = [(_set([expressions[number] for number in group]), group) for group in groups if group]
        self._unusable = [] if self.are_usable else list(everything)

    def numbers(self, data: bytes) -> Sequence[int]:
        """The numbers of the expressions that match."""
        numbers = list(self._unusable)
        for expressions, group in self._sets:
            found = expressions.Match(data)
            numbers += [group[number] for number in found if number < len(group)] if found else group
        return numbers


def _set(expressions: Sequence[str]) -> re2.Set:
    import re2  # noqa: PLC0415 - at start-up no command needs it

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.log_errors = False
    options.max_mem = MEMORY
    found = re2.Set.SearchSet(options)
    # The last one, the end of the text, always matches: without it, RE2 has given up.
    for expression in (*expressions, r"(?-m:\z)"):
        found.Add(f"(?m){expression}".encode("ascii"))
    found.Compile()
    return found


def literally(text: str) -> str:
    """A text as a hint."""
    return "".join(rf"\x{byte:02x}" for byte in encoded(text))


def encoded(text: str) -> bytes:
    """A text as hints read it."""
    return text.encode(errors="surrogatepass")


def change_hinted(
    text: str,
    hints: Hints,
    change: Callable[[Sequence[str]], Iterable[str]],
    *,
    open_end: int = -1,
    reach: int = 0,
) -> str:
    """The text with its hinted lines changed, those in a row as one block; a block's end is no line end.

    Args:
        change: what is made of the blocks.
        open_end: the number of the hint of a line that belongs together with the next letter or digit's line.
        reach: how many lines before and after a hint belong to it.
    """
    data = encoded(text)
    spans = list(_blocks(data, _hinted(data, hints, open_end), reach))
    if not spans:
        return text
    pieces, at = [], 0
    for (start, end), changed in zip(spans, change([_decoded(data[slice(*span)]) for span in spans]), strict=True):
        pieces += [data[at:start], encoded(changed)]
        at = end
    return _decoded(b"".join([*pieces, data[at:]]))


def in_blocks(hints: Hints, steps: Sequence[Callable[[str], str]], blocks: Iterable[str]) -> Iterator[str]:
    """Each block after those of the steps, in their order, whose hint it has; a hint has its step's number."""
    for block in blocks:
        text, looked_at, hinted = block, block, _found(hints, block)
        number = 0
        while number < len(steps):
            if number in hinted:
                text = steps[number](text)
                number += 1
            elif looked_at == text:
                number = min((later for later in hinted if later > number), default=len(steps))
            else:  # A step may have made what a later one needs.
                looked_at, hinted = text, _found(hints, text)
        yield text


def _found(hints: Hints, text: str) -> frozenset[int]:
    return frozenset(hints.numbers(encoded(text)))


def _decoded(data: bytes) -> str:
    return data.decode(errors="surrogatepass")


def _hinted(data: bytes, hints: Hints, open_end: int) -> Iterator[Span]:
    for start, end, numbers in _parts(data, hints, 0, len(data), PARTS):
        goes_on = _NEXT_WORDS.match(data, end) if open_end in numbers else None
        yield start, goes_on.end() if goes_on else end


def _parts(
    data: bytes, hints: Hints, first: int, last: int, sizes: tuple[int, ...]
) -> Iterator[tuple[int, int, Sequence[int]]]:
    """The parts of the smallest size, each with the numbers of its hints."""
    for start, end in _lines(data, first, last, sizes[0]):
        if not (numbers := hints.numbers(data[start:end])):
            continue
        if len(sizes) > 1:
            yield from _parts(data, hints, start, end, sizes[1:])
        else:
            yield start, end, numbers


def _lines(data: bytes, start: int, end: int, size: int) -> Iterator[Span]:
    """Parts of as few lines as have this size."""
    while start <= end:
        stop = data.find(b"\n", min(start + size, end), end)
        stop = end if stop < 0 else stop
        yield start, stop
        start = stop + 1


def _blocks(data: bytes, lines: Iterable[Span], reach: int) -> Iterator[Span]:
    block: Span | None = None
    for start, end in lines:
        if block and data.count(b"\n", block[1], start) <= 2 * reach + 1:
            block = block[0], max(block[1], end)
            continue
        if block:
            yield _widened(data, block, reach)
        block = start, end
    if block:
        yield _widened(data, block, reach)


def _widened(data: bytes, block: Span, reach: int) -> Span:
    start, end = block
    for _ in range(reach):
        start = data.rfind(b"\n", 0, max(start - 1, 0)) + 1
        end = data.find(b"\n", end + 1)
        end = len(data) if end < 0 else end
    return start, end
