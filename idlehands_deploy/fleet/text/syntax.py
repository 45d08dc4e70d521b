"""YAML errors in words: where a fleet file is wrong, what is wrong there, and the line itself with a caret."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

from idlehands_deploy.errors import FleetError, Problem
from idlehands_deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ruamel.yaml.error import MarkedYAMLError

# Keys of which the value may be shown. Any other line shows its key alone: the rest may be a secret.
SHOWN = {
    "name", "image", "base_port", "spacing", "bind", "user", "profiles", "port", "rescues", "browser", "sandbox",
    "local_pages", "publish", "control", "cdp", "resources", "memory", "cpus", "pids", "shm", "stop_grace_period",
    "watch", "restart", "patience",
}  # fmt: skip
HIDDEN = re.compile(r"environment|secrets|notify|webhook|ntfy|command|cdp_url")
KEY = re.compile(r"[\s{]*(\"[\w.-]+\"|'[\w.-]+'|[\w.-]+)[ \t]*:")
LOOKALIKES = {"\u00a0": "space", "\u3000": "space", "\uff1a": "colon"}
# Columns of the text that is shown on each side of a fault.
WIDTH = 48


class Fault(NamedTuple):
    """What is wrong at one place; line and column count from 0, and a line below 0 is not known."""

    line: int
    column: int
    problem: str


class _Context(NamedTuple):
    """A parser's error with the lines of the text.

    Attributes:
        said: the parser's own words.
        line, column: where it stopped.
        begin: where what it was reading begins.
    """

    lines: list[str]
    said: str
    line: int
    column: int
    begin: tuple[int, int]
    reading: str

    def text(self, line: int) -> str:
        """A line of the file; empty beyond its end."""
        return self.lines[line] if 0 <= line < len(self.lines) else ""

    @property
    def above(self) -> int:
        """The last line with content before the one where the parser stopped; -1 if there is none."""
        before = (index for index in range(self.line - 1, -1, -1) if self.text(index).split("#")[0].strip())
        return next(before, -1)

    def here(self, problem: str) -> Fault:
        """A fault where the parser stopped."""
        return Fault(self.line, self.column, problem)


def syntax_error(text: str, source: str, error: MarkedYAMLError) -> FleetError:
    """A parser's error as one of the fleet file, in words."""
    mark = error.problem_mark or error.context_mark
    begin = error.context_mark or mark
    if mark is None:
        return FleetError(source, [Problem("YAML", _without_values(error.problem or str(error)))])
    context = _Context(
        text.splitlines(), error.problem or str(error), mark.line, mark.column, (begin.line, begin.column),
        error.context or "",
    )  # fmt: skip
    return fault_error(text, source, _find(context))


def fault_error(text: str, source: str, fault: Fault) -> FleetError:
    """A fault as an error, with its line and a caret."""
    problem = Problem(f"line {fault.line + 1}, column {fault.column + 1}", fault.problem)
    return FleetError(source, [problem], excerpt=excerpt(text, fault.line, fault.column))


def excerpt(text: str, line: int, column: int) -> list[str]:
    """A line of the fleet file with a caret below a column; a value that may be a secret is masked."""
    lines = text.splitlines()
    shown = lines[line] if line < len(lines) else ""
    begin = max(0, column - WIDTH)
    cut = _masked(shown)[begin : column + WIDTH]
    number = f"{line + 1} | "
    before = "".join(map(_visible, cut[: column - begin]))
    caret = "^" * max(1, len(_visible(cut[column - begin : column - begin + 1])))
    room = sum(2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in before)
    return [number + "".join(map(_visible, cut)), " " * (len(number) - 2) + "| " + " " * room + caret]


def _visible(mark: str) -> str:
    if mark == "\t":
        return r"\t"
    return printable(mark) or "?" if mark else ""


def _masked(line: str) -> str:
    key = KEY.match(line)
    if not HIDDEN.search(line) and (word := re.match(r"\W*(\w+)", line)) and word[1] in SHOWN:
        return line
    begin = key.end() if key else 0
    return line[:begin] + re.sub(r"""[^\s"'{}\[\],:#&*!|>%@`-]""", "*", line[begin:])


def _find(context: _Context) -> Fault:
    for index in (context.above, context.line):
        if re.match(r"<{7}|={7}|>{7}", context.text(index)):
            return Fault(index, 0, "git left a merge conflict here; keep one of the two versions")
        if odd := re.search("[\u00a0\u3000\uff1a]", context.text(index)):
            return Fault(index, odd.start(), f"U+{ord(odd[0]):04X}, which only looks like a {LOOKALIKES[odd[0]]}")
    for said, explain in _EXPLAIN.items():
        if said in context.said:
            return explain(context)
    return context.here(_without_values(context.said))


def _tab_or_character(context: _Context) -> Fault:
    line = context.text(context.line)
    mark = line[context.column : context.column + 1]
    if mark != "\t":
        return context.here(f"a text cannot begin with {mark}; put it in quotes")
    if line[: context.column].strip():
        return context.here("a tab; write a space")
    return context.here("the line is indented with a tab; YAML allows only spaces")


def _never_closed(context: _Context) -> Fault:
    return Fault(*context.begin, "this quote is never closed")


def _no_colon(context: _Context) -> Fault:
    return _key_fault(context, context.begin[0]) or Fault(*context.begin, "a colon is missing after the key")


def _colon(context: _Context) -> Fault:
    """A colon that follows no key on its own."""
    line = context.text(context.line)
    if re.search(r":\s", line[: context.column]):
        return context.here("a second colon with a space after it; put the value in quotes")
    above = context.above
    if above >= 0:
        if fault := _key_fault(context, above):
            return fault
        if _indentation(line) > _indentation(context.text(above)):
            place = _indentation(line)
            return Fault(context.line, place, f"indented below line {above + 1}, which has a value already")
    return context.here("a colon cannot stand here; put the text in quotes, or look at the line above")


def _key_fault(context: _Context, index: int) -> Fault | None:
    """What is wrong with a line that should be a key and a value; None if it is one."""
    line = context.text(index).split(" #")[0].rstrip()
    if glued := re.match(r"[\s-]*[\w.-]+(?=:[^\s/])", line):
        return Fault(index, glued.end(), "a space is missing after the colon")
    if re.search(r":(\s|$)", line):
        return None
    if equals := re.match(r"[\s-]*[\w.-]+\s*(?==)", line):
        return Fault(index, equals.end(), "a key and its value are written with a colon, not with =")
    key = re.match(r"[\s-]*[\w.-]+", line)
    return Fault(index, key.end() if key else len(line), "a colon is missing after the key")


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _block_end(context: _Context) -> Fault:
    line = context.text(context.line)
    before, mark = line[: context.column].rstrip(), line[context.column : context.column + 1]
    if mark and mark in "}]":
        return context.here(f"this {mark} closes nothing")
    if before.endswith(('"', "'")):
        return _odd_quote(context, before[-1])
    if "collection" in context.reading:
        return context.here("this line is indented as the list above it, and begins with no -")
    if not before.strip():
        return context.here("the line is indented differently from those that it belongs to")
    return context.here("this cannot follow here; put the value in quotes")


def _odd_quote(context: _Context, quote: str) -> Fault:
    """Text after a closing quote: that quote may have been meant to open a text, since one above was never closed."""
    for index in range(context.line, -1, -1):
        if context.text(index).count(quote) % 2:
            if index == context.line:
                break
            return Fault(index, context.text(index).rindex(quote), "this quote is never closed")
    return context.here("text after a closing quote; a quote is missing, or one is too many")


def _flow(context: _Context) -> Fault:
    first = context.text(context.begin[0])[context.begin[1] : context.begin[1] + 1]
    if context.line != context.begin[0]:
        return Fault(*context.begin, f"this {first} is never closed, or a comma is missing after it")
    if context.text(context.line)[: context.column].endswith(":"):
        return Fault(context.line, context.column - 1, "a space is missing after the colon")
    return context.here("a comma is missing, or a bracket")


def _duplicate(context: _Context) -> Fault:
    found = re.match(r'found duplicate key "([\w.-]*)', context.said)
    key = found[1] if found else ""
    same = re.compile(rf"""\s{{{context.column}}}["']?{re.escape(key)}["']?\s*:""")
    first = next((index for index in range(context.begin[0], context.line) if same.match(context.text(index))), None)
    also = "" if first is None else f", here and on line {first + 1}"
    return context.here(f'the key "{key}" is written twice{also}; keep one of the two')


def _always(problem: str) -> Callable[[_Context], Fault]:
    return lambda context: context.here(problem)


_EXPLAIN: dict[str, Callable[[_Context], Fault]] = {
    "that cannot start any token": _tab_or_character,
    "unexpected end of stream": _never_closed,
    "could not find expected ':'": _no_colon,
    "mapping values are not allowed here": _colon,
    "expected <block end>": _block_end,
    "expected ',' or": _flow,
    "found duplicate key": _duplicate,
    "sequence entries are not allowed here": _always("a list begins on a line of its own, or is written as [A, B]"),
    "found undefined alias": _always("a text that begins with * must be in quotes: YAML reads it as a reference"),
    "expected alphabetic or numeric character": _always("a text that begins with * or & must be in quotes"),
    "could not determine a constructor": _always("a text that begins with ! must be in quotes: YAML reads it as a tag"),
    "found unhashable key": _always("a mapping cannot be a key; put a text with braces in quotes"),
    "found another document": _always("a second document begins here; a fleet file is one document"),
    "found unknown escape character": _always(
        "a backslash in double quotes begins an escape; use single quotes, or write it twice"
    ),
    "expected chomping or indentation": _always("a text that begins with | or > must be in quotes"),
    "expected '<document start>'": _always(
        "the line above begins with %, which YAML reads as an instruction; put it in quotes"
    ),
}


def _without_values(problem: str) -> str:
    """A parser's message, without what it quotes from the file, which may contain a secret."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", "...", problem.strip().splitlines()[0])


def other_error(text: str, source: str, error: Exception) -> FleetError:
    """An error of the parser that has no mark, or none that can be relied on."""
    if (position := getattr(error, "position", None)) is not None:
        line = text.count("\n", 0, position)
        column = position - text.rfind("\n", 0, position) - 1
        mark: Any = getattr(error, "character", 0)
        code = ord(mark) if isinstance(mark, str) else int(mark)
        return fault_error(text, source, Fault(line, column, f"a control character, U+{code:04X}; remove it"))
    if places := re.findall(r"line (\d+), column (\d+)", str(error)):
        line, column = (int(number) - 1 for number in places[-1])
        return fault_error(text, source, Fault(line, column, "an anchor (&) is defined twice"))
    return FleetError(source, [Problem("YAML", _without_values(str(error)))])
