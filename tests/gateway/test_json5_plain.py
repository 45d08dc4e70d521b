"""JSON5 as plain JSON: the library reads the same, but takes seconds for what takes milliseconds here."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import json5
import pytest

from idlehands_deploy.gateway.json5_plain import as_json
from idlehands_deploy.gateway.json5_text import LONGEST_JSON5, FlawError, parse_json5

VALUES = (
    '"s"', "'q'", "'it\"s'", '"a\\\'b"', '"\\x41"', '"\\u00e9"', '"\\0"', '"a\\\nb"', '"\t"', '"\\q"', '"\\v"',
    "1", "-1", "+1", ".5", "5.", "1.5e3", "0x1F", "-0xa", "1e400", "Infinity", "-Infinity", "true", "false", "null",
)  # fmt: skip
KEYS = ("a", "$b", "_c9", "true", '"s"', "'q'", '"\\x41"')
WRONG = (
    '"\\1"', '"\\01"', '"\n"', '"\\u12"', "010", "1a", "--1", "0x", "é", "\\u0061", "#", "/*", "/", '"', "'", ",", ":",
    "{", "}", "[", "]", "-", "// c\n", "/* c */", "\ufeff", "\u2028", "\xa0", " ", "",
)  # fmt: skip


def blank(chance: random.Random) -> str:
    return chance.choice(("", " ", "\n", "/*c*/", "//c\n", "\ufeff"))


def made(chance: random.Random, depth: int = 0) -> str:
    """A text that is JSON5."""
    kind = chance.choice("oav" if depth < 3 else "v")
    if kind == "v":
        return chance.choice(VALUES)
    begin, end = "{}" if kind == "o" else "[]"
    items = [made(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == "o":
        items = [f"{chance.choice(KEYS)}{blank(chance)}:{blank(chance)}{item}" for item in items]
    comma = chance.choice((",", "")) if items else ""
    return blank(chance).join([begin, f"{blank(chance)},{blank(chance)}".join(items), comma, end])


def read(text: str) -> str | None:
    """How it is read here; None for what is left to the library."""
    try:
        return repr(json.loads(as_json(text), parse_float=float))
    except ValueError:
        return None


def read_by_library(text: str) -> str | None:
    try:
        return repr(json5.loads(text, parse_float=float))
    except ValueError:
        return None


def test_json5_is_read_as_the_library_reads_it() -> None:
    chance = random.Random(5)
    texts = [made(chance) for _ in range(1500)]
    assert [text for text in texts if read(text) != read_by_library(text)] == []


def test_nothing_is_read_that_the_library_refuses() -> None:
    chance = random.Random(6)
    for _ in range(3000):
        text = made(chance, 1)
        place = chance.randrange(len(text) + 1)
        text = text[:place] + chance.choice(WRONG) + text[place + chance.randrange(2) :]
        assert read(text) in {None, read_by_library(text)}, text


@pytest.mark.parametrize(("text", "value"), [("'\\ud83d\\ude00'", "\U0001f600"), ("'a\\\r\nb'", "ab")])
def test_what_the_library_reads_otherwise_than_the_gateway_is_read_as_the_gateway_does(text: str, value: str) -> None:
    """Two halves of a character, and a line that goes on after Windows' line end."""
    assert parse_json5(text) == value


@pytest.mark.parametrize(
    "unit",
    ["a", "1,", "{", "[", "'", '"', "\\", "/*", "//", "/", " ", "\n", ",", ":", "a:1,", "''", "'\\x41',", "0x", "-"],
)
def test_any_text_is_read_or_refused_in_time(unit: str) -> None:
    for begin in ("", "{a: [", "'", "/*", "// \n["):
        text = (begin + unit * LONGEST_JSON5)[:LONGEST_JSON5]
        began = time.process_time()
        try:
            value: Any = parse_json5(text)
        except FlawError:
            value = None
        assert time.process_time() - began < 2, value


@pytest.mark.parametrize("wrong", ["b: ,", "b: 1 2", "b: '\\u12'", "b: 010", "1b: 1", "b: '", "c: #"])
def test_a_mistake_in_a_long_text_is_named_by_its_line(wrong: str) -> None:
    text = "{\n// what comes\n/* and\ngoes */ a: 'one \\\nand two',\n" + "x: 1,\n" * 2000 + wrong + "\n}"
    with pytest.raises(FlawError, match=r"at line 2006$"):
        parse_json5(text)
