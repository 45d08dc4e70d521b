"""Find the few lines of a text that something may change, and change only those.

A hint is an RE2 expression that matches, within one line, wherever the change applies. RE2 looks for all hints at once
in a few nanoseconds a byte, in time linear in the text. Where there is no RE2, all lines are looked at closely.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    # A part of a text of whole lines, without the last line's end.
    Span = tuple[int, int]

# For the states of each set of hints, which RE2 makes as it needs them; bytes.
MEMORY = 16 << 20
# Of a text with more hinted lines than one in so many bytes, each line is looked at: that is faster.
SPARSE = 256
# In a longer text all hints count as found: looking for each of them is slow where there are many.
FEW_LINES = 8192


class Hints:
    """Expressions of RE2 over UTF-8 as bytes, where ``^`` and ``$`` are the beginning and end of a line.

    Attributes:
        are_usable: whether they can be looked for: there is RE2, and they are not too many for it.

    Args:
        expressions: the hints, by their numbers.
        apart: the numbers of those that are looked for by themselves: RE2 has a state for each combination of how
            far it has come in each expression, and makes them anew all the time if there are too many.
    """

    def __init__(self, expressions: Sequence[str], apart: Collection[int] = ()) -> None:
        everything = range(len(expressions))
        groups = [[number for number in everything if number not in apart], *([number] for number in apart)]
        try:
            self._groups = [_Group([expressions[each] for each in group], group) for group in groups if group]
        except (ImportError, ValueError):
            self._groups = []
        self.are_usable = bool(self._groups)

    def lines(self, data: bytes) -> list[Span]:
        """The parts of whole lines that have a hint, in their order; some may overlap."""
        most = 100 + len(data) // SPARSE
        found = {span for group in self._groups for span in itertools.islice(group.lines(data), most)}
        return sorted(found) if len(found) < most else [(0, len(data))]

    def numbers(self, data: bytes) -> set[int]:
        """The numbers of the hints in a few lines; perhaps more."""
        if len(data) > FEW_LINES:
            return {number for group in self._groups for number in group.numbers}
        return {number for group in self._groups for number in group.numbers_in(data)}


class _Group:
    """Hints that are looked for at once.

    Raises:
        ImportError: there is no RE2 for this machine.
        ValueError: they are more than RE2 takes at once.
    """

    def __init__(self, expressions: Sequence[str], numbers: Sequence[int]) -> None:
        import re2  # noqa: PLC0415 - at start-up no command needs it

        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.never_capture = True
        options.log_errors = False
        options.max_mem = MEMORY
        self.numbers = numbers
        try:
            self._any = re2.compile(f"(?m){'|'.join(expressions)}".encode("ascii"), options)
            self._each = re2.Set.SearchSet(options)
            # The last one, the end of the text, always matches: without it, RE2 has given up.
            for expression in (*expressions, r"(?-m:\z)"):
                self._each.Add(f"(?m){expression}".encode("ascii"))
            self._each.Compile()
        except re2.error as error:
            raise ValueError(str(error)) from error
        finally:
            # Its cache would keep the hints of every redactor, with their states, in a program that runs for days.
            re2.purge()

    def lines(self, data: bytes) -> Iterator[Span]:
        start = 0
        while found := self._any.search(data, start):
            first, last = found.span()
            end = _line_end(data, last)
            yield _line_start(data, first), end
            # What reaches over a line end may end where another one begins.
            start = _line_start(data, last) if b"\n" in data[first:last] else end + 1
            if start > len(data):
                return

    def numbers_in(self, data: bytes) -> Sequence[int]:
        found = self._each.Match(data)
        return [self.numbers[number] for number in found if number < len(self.numbers)] if found else self.numbers


def literally(text: str) -> str:
    """A text as a hint."""
    return "".join(rf"\x{byte:02x}" for byte in encoded(text))


def encoded(text: str) -> bytes:
    """A text as hints read it: UTF-8, with halves of characters too."""
    return text.encode(errors="surrogatepass")


def decoded(data: bytes) -> str:
    """A text that was ``encoded``."""
    return data.decode(errors="surrogatepass")


def change_all(data: bytes, change: Callable[[str], str]) -> bytes:
    """An encoded text, changed as a whole."""
    return encoded(change(decoded(data)))


def change_hinted(
    data: bytes, hints: Hints, change: Callable[[Sequence[str]], Iterable[str]], *, reach: int = 0
) -> bytes:
    """An encoded text with its hinted lines changed, those in a row as one block; a block's end is no line end.

    Args:
        hints: usable ones.
        change: what is made of the blocks.
        reach: how many lines before and after a hint belong to it.
    """
    spans = list(_blocks(data, hints.lines(data), reach))
    if not spans:
        return data
    pieces, at = [], 0
    for (start, end), changed in zip(spans, change([decoded(data[slice(*span)]) for span in spans]), strict=True):
        pieces += [data[at:start], encoded(changed)]
        at = end
    return b"".join([*pieces, data[at:]])


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


def _found(hints: Hints, text: str) -> set[int]:
    return hints.numbers(encoded(text))


def _line_start(data: bytes, at: int) -> int:
    return data.rfind(b"\n", 0, at) + 1


def _line_end(data: bytes, at: int) -> int:
    end = data.find(b"\n", at)
    return len(data) if end < 0 else end


def _blocks(data: bytes, lines: Iterable[Span], reach: int) -> Iterator[Span]:
    block: Span | None = None
    for start, end in lines:
        if block and data.count(b"\n", block[1], max(start, block[1])) <= 2 * reach + 1:
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
        start, end = _line_start(data, max(start - 1, 0)), _line_end(data, end + 1)
    return start, end
