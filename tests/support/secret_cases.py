"""Files of secrets as people write them, and how each is read: on the host and in the container alike."""

from __future__ import annotations

import codecs
import random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PEM = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
LONGEST = 128 * 1024 - len("A_KEY") - 2


class Case(NamedTuple):
    """One file.

    Attributes:
        value: that is read; of no account with a flaw.
    """

    what: str
    content: bytes
    value: str = ""
    flaw: str = ""
    name: str = "A_KEY"


LINES = "has several lines, but a token or an API key is one"
OUTSIDE = "contains a character that no token or API key has"
CASES = [
    Case("plain", b"key", "key"),
    Case("a line end", b"key\n", "key"),
    Case("a line end of Windows", b"key\r\n", "key"),
    Case("a line end of old", b"key\r", "key"),
    Case("many line ends", b"key\n\n\r\n\n", "key"),
    Case("white space around it", b" \t key\v\f \n", "key"),
    Case("a byte order mark", codecs.BOM_UTF8 + b"key\r\n", "key"),
    Case("a byte order mark and white space", codecs.BOM_UTF8 + b"\r\n  key", "key"),
    Case("two byte order marks", codecs.BOM_UTF8 * 2 + b"key", "\ufeffkey"),
    Case("words", b"two  words\n", "two  words"),
    Case("what a shell would read", b"$HOME `x` $(x) \"'\\ * ~ !x %s\n", "$HOME `x` $(x) \"'\\ * ~ !x %s"),
    Case("an option's name", b"-n\n", "-n"),
    Case("letters", "schl\u00fcssel \U0001f511\n".encode(), "schl\u00fcssel \U0001f511"),
    Case("other white space", "\u00a0key\u2028".encode(), "\u00a0key\u2028"),
    Case("several lines", PEM.encode() + b"\n", PEM),
    Case("several lines of Windows", b"a\r\nb\r\n", "a\r\nb"),
    Case("a token of one line", b"  key\r\n", "key", name="IDLEHANDS_GATEWAY_TOKEN"),
    Case("as long as can be", b"x" * LONGEST + b"\n", "x" * LONGEST),
    Case("nothing", b"", flaw="is empty"),
    Case("a byte order mark alone", codecs.BOM_UTF8, flaw="is empty"),
    Case("a line end alone", b"\n", flaw="holds only white space"),
    Case("much white space", b" \t\r\n\v\f" * 9, flaw="holds only white space"),
    Case("a byte order mark and a line end", codecs.BOM_UTF8 + b"\r\n", flaw="holds only white space"),
    Case("UTF-16", "key".encode("utf-16"), flaw="is UTF-16 text, not UTF-8"),
    Case("UTF-16, big end first", codecs.BOM_UTF16_BE + "key".encode("utf-16-be"), flaw="is UTF-16 text, not UTF-8"),
    Case("UTF-32", "key".encode("utf-32"), flaw="is UTF-16 text, not UTF-8"),
    Case("UTF-16 without a mark", "key".encode("utf-16-le"), flaw="contains a NUL byte"),
    Case("a NUL byte", b"key\0", flaw="contains a NUL byte"),
    Case("what a power cut leaves", b"\0" * 8, flaw="contains a NUL byte"),
    Case("Latin-1", "schl\u00fcssel".encode("latin-1"), flaw="is not UTF-8 text"),
    Case("half a character", "schl\u00fc".encode()[:-1], flaw="is not UTF-8 text"),
    Case("half a pair", b"key\xed\xa0\x80", flaw="is not UTF-8 text"),
    Case("beyond Unicode", b"key\xf4\x90\x80\x80", flaw="is not UTF-8 text"),
    Case("longer than need be", b"key\xc0\xaf", flaw="is not UTF-8 text"),
    Case("what an arrow key types", b"ke\x1b[Dy", flaw="contains a control character, U+001B"),
    Case("a deleted letter", b"key\x7f", flaw="contains a control character, U+007F"),
    Case("a form feed within", b"a\fb", flaw="contains a control character, U+000C"),
    Case("a token of two lines", b"key\nother\n", flaw=LINES, name="IDLEHANDS_GATEWAY_TOKEN"),
    Case("a key of two lines of Windows", b"key\r\nother", flaw=LINES, name="OPENAI_API_KEY"),
    Case("a bot's token of two lines of old", b"key\rother", flaw=LINES, name="TELEGRAM_BOT_TOKEN"),
    Case("a token of letters", "schl\u00fcssel".encode(), flaw=OUTSIDE, name="IDLEHANDS_GATEWAY_TOKEN"),
    Case("a key with a space from a web page", "\u00a0key".encode(), flaw=OUTSIDE, name="OPENAI_API_KEY"),
    Case(
        "longer than can be",
        b"x" * (LONGEST + 1),
        flaw=f"is longer than {LONGEST} bytes, and no program starts with such a variable",
    ),
]
PIECES = [b"k", b"key", b" ", b"\n", b"\r", b"\t", b"\v", codecs.BOM_UTF8, b"\xff", b"\xfe", b"\0", b"\x1b", b"'",
          b"\\", "\u00fc".encode(), "\u00a0".encode(), b"\xc3", b"\xed\xa0\x80", b"*", b"$x"]  # fmt: skip
NAMES = ["A_KEY", "OPENAI_API_KEY", "IDLEHANDS_GATEWAY_TOKEN"]


def random_files(count: int) -> Iterator[tuple[str, bytes]]:
    """Names and contents, the same in each run."""
    chance = random.Random(6)
    for _ in range(count):
        yield chance.choice(NAMES), b"".join(chance.choices(PIECES, k=chance.randrange(1, 7)))
