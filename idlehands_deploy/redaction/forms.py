"""The parts and forms of a secret by which it is found in text."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, urlsplit

from idlehands_deploy.redaction.shapes import random_words

if TYPE_CHECKING:
    from collections.abc import Iterator

# A shorter known secret is removed only as a separate word, never inside words.
LONG = 6
# A secret shorter than this is not removed: it protects nothing, and its removal would make reports unreadable.
SHORTEST = 4
# This many characters of a long secret already reveal it, as in a line that was cut.
REVEALING = 12
REVEALING_BASE64 = 16
# Values that are not secret, and words that every report needs.
_HARMLESS = frozenset({
    "true", "false", "null", "none", "auto", "yes", "debug", "info", "warn", "error", "trace", "main", "rescue",
    "local", "localhost", "token", "default", "production", "development", "idlehands", "openclaw", "gateway",
    "docker", "debian", "ubuntu", "root", "node", "user", "utc",
})  # fmt: skip


def is_worth_hiding(text: str) -> bool:
    """Whether a text may be a secret at all."""
    return len(text) >= SHORTEST and text.lower() not in _HARMLESS


def is_revealing(part: str) -> bool:
    """Whether a part of a secret cannot be ordinary text, such as a word or the beginning of a sentence."""
    if re.search(r"\s", part):
        return False
    digits = len(re.findall(r"\d", part))
    if digits >= 8 or (digits and re.search(r"[A-Za-z]", part)):
        return True
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", part)
    speakable = all(len(word) < 3 or re.search(r"(?i)[aeiouy]", word) for word in words)
    return bool(words) and not (speakable and sum(map(len, words)) >= 3 * len(words))


def pieces(secret: str) -> Iterator[str]:
    """A secret, and the parts of it that are secrets themselves: lines, and the login in an address."""
    whole = secret.strip()
    lines = [line.strip() for line in whole.splitlines()]
    pieces = [whole, *(line for line in lines if len(line) >= LONG)]
    for separators in (r"[\s,;\"'{}]+", r"[\s,;&=\"'{}/?#:@]+"):
        pieces += [piece for piece in re.split(separators, whole) if is_random(piece)]
    try:
        parts = urlsplit(whole)
        pieces += [part for part in (parts.username, parts.password) if part]
        if parts.netloc:
            values = re.split(r"[&;]", f"{parts.query}&{parts.fragment}")
            pieces += [value for pair in values if len(value := pair.rpartition("=")[2]) >= LONG]
            pieces += [
                part for part in parts.path.split("/") if len(part) >= REVEALING and not re.fullmatch(r"[a-z_-]+", part)
            ]
    except ValueError:
        pass
    return (piece for piece in pieces if is_worth_hiding(piece))


def is_random(piece: str) -> bool:
    """Whether a part of a text has a random word."""
    # Base64 for URLs uses two characters that otherwise separate words.
    return any(random_words(re.sub(r"[_-]", "", piece)))


def is_mixed(secret: str) -> bool:
    """Whether a text is too long, with too many changes of case, to be a name or a sentence."""
    changes = re.findall(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[a-z])", secret)
    return len(secret) >= 2 * REVEALING and len(changes) * 4 >= len(secret) and not re.search(r"[\s/]", secret)


def forms(secret: str) -> Iterator[str]:
    """The forms in which programs write a secret."""
    in_hex = secret.encode(errors="replace").hex()
    yield from (secret, repr(secret)[1:-1], html.escape(secret), in_hex, in_hex.upper())
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield from (once, once.replace("/", "\\/"), json.dumps(once, ensure_ascii=ascii_only)[1:-1])
    plain = secret.encode(errors="replace")
    for encoded in (
        quote(plain, safe=""),
        quote(plain),
        quote_plus(plain),
        quote(plain, safe="!'()*"),
        _percent(plain),
    ):
        yield from (encoded, _lower_escapes(encoded), quote(encoded, safe=""))


def _percent(plain: bytes) -> str:
    return "".join(f"%{byte:02X}" for byte in plain)


def _lower_escapes(encoded: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)


def base64_forms(secret: str) -> Iterator[str]:
    """A secret in base64, whatever is before and after it in the same text, as in ``user:secret``."""
    plain = secret.encode(errors="replace")
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + plain).decode()
        # The first and last characters also contain bits of the text before and after.
        core = encoded[(0, 2, 3)[before] :].rstrip("=")
        core = core[:-1] if (before + len(plain)) % 3 else core
        # The beginning is enough: the rest is removed with it, also in a cut line.
        core = core[:REVEALING_BASE64]
        if len(core) >= LONG:
            yield core
            yield core.translate(str.maketrans("+/", "-_"))
