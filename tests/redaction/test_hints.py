"""Every alternative of a hint, each by lines that need it: random texts rarely reach them all."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.redaction.hints import HINTS
from idlehands_deploy.redaction.scan import Hints, encoded
from idlehands_deploy.redaction.shapes import SECRET_ENDS, SECRET_PAIRS, SECRET_WORDS, SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What Python takes for a letter in another case.
FOLDS = {"i": "İı", "k": "\u212a", "s": "ſ"}


def in_any_case(word: str) -> Iterator[str]:
    yield from (word, word.upper(), word.capitalize())
    for at, letter in enumerate(word):
        yield from (word[:at] + other + word[at + 1 :] for other in FOLDS.get(letter, ""))


def addresses() -> Iterator[str]:
    yield from ("x://a:b@h", "x://h?a", "x://h#a=b", "x://h/é/x?a=b", "x://h|x#a=b")
    for word in ("webhook", "webhooks", "hook", "hooks", "services"):
        yield from (f"x://h/{form}/a" for form in in_any_case(word))


def codes() -> Iterator[str]:
    for word, form in itertools.product(
        ("pairing", "setup", "auth", "verification", "login"), ("{} code: a1", "{}-CODE\n\n1")
    ):
        yield from (form.format(written) for written in in_any_case(word))


def headers() -> Iterator[str]:
    for word, between in itertools.product(("authorization", "cookie"), (":", "': '", "\n=", "\xa0: ", '"\n:\n"')):
        yield from (f"{written}{between}a" for written in in_any_case(word))


def schemes() -> Iterator[str]:
    for word, after in itertools.product(
        ("bearer", "basic"), (" abcdefgh1", "\n" + "a" * 20, "\u2028abcdefg1", " " + "a" * 20)
    ):
        yield from (f"{written}{after}" for written in in_any_case(word))


def options() -> Iterator[str]:
    words = ("token", "secret", "passwd", "password", "passphrase", "key")
    for word, before, after in itertools.product(words, ("--", "--a-é"), (" x", "\nx", "\xa0\n\u20acx")):
        yield from (f"{before}{written}{after}" for written in in_any_case(word))


def names() -> Iterator[str]:
    parts = [(word,) for word in SECRET_WORDS] + list(SECRET_PAIRS)
    for part in parts:
        for between in ("", "_", "1", "-"):
            for written in (between.join(part), between.join(part).upper(), between.join(map(str.capitalize, part))):
                yield from (written, f"a_{written}", f"aB{written}", f"AB{written}", f"{written}_x", f"{written}Xy")
    for end in SECRET_ENDS:
        yield from (end.upper(), f"a{end}", f"{end}_1")
        for at, letter in enumerate(end):
            yield f"{end[:at]}_1.{end[at:]}"
            yield from (end[:at] + other + end[at + 1 :] for other in FOLDS.get(letter, ""))


def pairs() -> Iterator[str]:
    values = (
        "hunter21",
        "Sesame",
        "sesame.",
        "s" * 17,
        "SESAME1",
        "'a b'",
        '"a b"',
        '\\"a',
        "-",
        "é",
        "a\xa0",
        "A_B",
        "123456",
    )
    for name, between, value in itertools.product(names(), ("=", ": ", '" => '), values):
        yield f"{name}{between}{value}"
    passwords = ("password", "passwd", "passphrase", "passcode", "pwd")
    for name, value in itertools.product(passwords, ("sesame", "SESAME")):
        yield from (f"{written}:{value}" for written in in_any_case(name))


def keys() -> Iterator[str]:
    long = "aB3" * 12
    yield from (f"{start}{mark}{long}" for start in ("sk", "pk", "rk") for mark in "-_")
    yield from (f"gl{kind}-{long}" for kind in ("pat", "dt", "rt", "cbt", "ptt", "soat", "agent"))
    starts = ("hf", "npm", "gsk", "nvapi", "xai", "pplx", "tvly", "r8", "dop_v1", "shpat")
    yield from (f"{start}{mark}{long}" for start in starts for mark in "-_")
    yield from (f"{start}{'A1' * 6}" for start in ("AKIA", "ASIA", "AROA"))
    yield from (f"{start}{long}" for start in ("ghp_", "github_pat_", "xoxb-", "xapp-", "AIza", "ya29.", "pypi-"))
    yield from (
        f"SG.{long}.a",
        f"123456:{long}",
        f"123456789012:{long}",
        f"{long[:24]}.{long[:6]}.{long}",
        f"é-sk-{long}",
    )
    yield from (f"x{mark}sk-{long}" for mark in ("é", "_", "\t"))


def runs() -> Iterator[str]:
    for at, mark, length in itertools.product(range(45), "1A", (40, 41, 64)):
        run = "ab/c"[at % 4] + "a" * (length - 1)
        yield f"{run[:at]}{mark}{run[at + 1 :]}"
    yield from ("a" * 1001, "é" + "a" * 1001, "=" + "Ab" * 20)


def public_addresses() -> Iterator[str]:
    seconds = (0, 9, 10, 15, 16, 20, 29, 30, 31, 32, 39, 40, 99, 100, 159, 160, 167, 168, 169, 170, 199, 200, 255)
    for first, second in itertools.product(range(256), seconds):
        yield from (f"{first}.{second}.1.1", f"at {first}.{second}.1.1")


def homes() -> Iterator[str]:
    name = "idlehands"
    for at, after in itertools.product(range(len(name) + 1), ("", "/", "x", "é", " ", ",")):
        yield f"/home/{name[:at]}{after}"
        yield f"/Users/{name[:at]}{after}\nx"


NEEDED: dict[str, Callable[[], Iterator[str]]] = {
    "address": addresses, "paired code": lambda: iter(("code: QX7-93KD", "Code\n\nQX7P-93K", "code\u20ac QX7-93KD")),
    "named code": codes, "header": headers, "bearer": schemes, "pair": pairs, "option": options,
    "provider's key": keys, "base64": runs, "IPv4": public_addresses, "home": homes,
    "UUID": lambda: iter(("0a1b2c3d-" + "0a1b-" * 3 + "0a1b2c3d4e5f", "x0A1B2C3D-" + "0a1b-" * 3 + "0a1b2c3d4e5f")),
    "hexadecimal": lambda: iter(("a" * 32, "x" + "0A" * 16, "é" + "0" * 40)),
    "phone": lambda: iter(("+49 (151) 1234-5678", "(0049 1511234567", "é +491511234567")),
}  # fmt: skip


def test_an_alternative_is_tested_wherever_a_hint_has_some() -> None:
    assert {name for name, hint in HINTS.items() if "|" in re.sub(r"\[[^]]*\]", "", hint)} <= set(NEEDED)


@pytest.mark.parametrize("name", NEEDED)
def test_a_hint_is_in_every_line_that_its_shape_changes(name: str) -> None:
    pattern, replacement = SHAPES[name]
    hints = Hints([HINTS[name]])
    changed = [text for text in NEEDED[name]() if pattern.sub(replacement, text) != text]
    assert changed
    assert [text for text in changed if not hints.numbers(encoded(text))] == []
