"""Text and data that may be shown to anybody: known secrets removed in every form, unknown ones by name and shape.

Three layers, each of which is meant to do without the others: what is known to be a secret goes wherever it
stands; in data, what stands under a name that smells of one goes; in text, what has the form of one goes.
"""

from __future__ import annotations

import base64
import html
import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urlsplit

from idlehands_deploy.redaction.shapes import REMOVED, names_a_secret, random_words, scrub

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# A known secret of fewer characters is removed where it stands as a word of its own, and not within words.
LONG = 6
# One of fewer than this is not searched for at all: it protects nothing, and a report without it can be read.
SHORTEST = 4
# How much of a long secret already gives it away, as where a line was cut.
TELLING = 12
TELLING_BASE64 = 16
# Values that are of no use to anybody, and words that every report needs.
_HARMLESS = frozenset({
    "true", "false", "null", "none", "auto", "yes", "debug", "info", "warn", "error", "trace", "main", "rescue",
    "local", "localhost", "token", "default", "production", "development", "idlehands", "openclaw", "gateway",
    "docker", "debian", "ubuntu", "root", "node", "user", "utc",
})  # fmt: skip
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
_BASE64 = "[A-Za-z0-9+/_-]"


class Redactor:
    """Removes secrets; the same input always gives the same output, and a second pass changes nothing.

    Args:
        known_secrets: values to remove wherever they stand, also URL-encoded, escaped as JSON or HTML, in base64,
            in hexadecimal, cut off after 12 characters, or masked as ``abcd…wxyz``. Those of 4 and 5 characters go
            only where they are a word of their own, shorter ones and plain words such as ``true`` stay.
        names: what to write for the names of this host and its people, whole words alone: ``{"alice": "<user>"}``.
        places: what to write for directories whose path is nobody's business: ``{"/srv/x": "<deployment>"}``.
    """

    def __init__(
        self,
        known_secrets: Iterable[str],
        *,
        names: Mapping[str, str] | None = None,
        places: Mapping[str, str] | None = None,
    ) -> None:
        secrets = {piece for secret in known_secrets for piece in _pieces(secret)}
        long = {secret for secret in secrets if len(secret) >= LONG}
        self._runs = _longest_first({run for secret in long for run in random_words(secret)})
        self._forms = _longest_first({form for secret in long for form in _forms(secret)})
        self._encoded = _longest_first({form for secret in long for form in _base64_forms(secret)})
        self._cut = [secret for secret in _longest_first(long) if len(secret) > TELLING and "://" not in secret]
        self._words = [(word, REMOVED) for word in _longest_first(secrets - long)]
        self._words += [(name, shown) for name, shown in (names or {}).items() if _is_telling(name)]
        self._places = sorted(
            ((place, shown) for place, shown in (places or {}).items() if len(place) > 1),
            key=lambda item: -len(item[0]),
        )

    def text(self, text: str) -> str:
        """A text of any kind, such as a log or an error message."""
        # What colours a terminal, or cannot be seen, could stand in the middle of what must be found.
        text = _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))
        text = scrub(self._without_known(text))
        for word, shown in self._words:
            if word.lower() in text.lower():
                text = re.sub(rf"(?i)(?<![\w<]){re.escape(word)}(?![\w>])", _literally(shown), text)
        return text

    def value(self, value: Any, *, by_name: bool = True) -> Any:  # noqa: ANN401 - whatever JSON can hold
        """Data as JSON can hold it.

        Args:
            by_name: whether what stands under a name that smells of a secret goes whole; not for an outline,
                which shows no texts but harmless ones.
        """
        if isinstance(value, dict):
            return {
                self.text(str(key)): REMOVED
                if by_name and names_a_secret(str(key)) and _holds_anything(item)
                else self.value(item, by_name=by_name)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(item, by_name=by_name) for item in value]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return value if self.text(str(value)) == str(value) else REMOVED
        return self.text(str(value))

    def _without_known(self, text: str) -> str:
        for place, shown in self._places:
            text = re.sub(rf"{re.escape(place)}(?![\w.-])", _literally(shown), text)
        for form in self._forms:
            text = text.replace(form, REMOVED)
        for form in self._encoded:
            if form in text:
                text = re.sub(rf"{_BASE64}{{0,3}}{re.escape(form)}{_BASE64}*={{0,2}}", REMOVED, text)
        for run in self._runs:
            if run in text:  # in what nobody has told as a secret of its own
                text = re.sub(rf"(?<![\w-])[\w-]*{run}[\w-]*", REMOVED, text)
        return self._without_cut(text)

    def _without_cut(self, text: str) -> str:
        """The text without what is left of known secrets where lines were cut or keys masked."""
        for secret in self._cut:
            head, tail, start = secret[:TELLING], secret[-TELLING:], secret[:4]
            is_random = _is_random(secret) or _is_mixed(secret)
            if head in text and (is_random or _gives_away(head)):
                text = re.sub(rf"{re.escape(head)}[\w+/-]*={{0,2}}", REMOVED, text)
            if tail in text and (is_random or _gives_away(tail)):
                text = re.sub(rf"(?<![\w+-])[\w+-]*?{re.escape(tail)}", REMOVED, text)
            if start in text:
                mask = rf"(?<![A-Za-z0-9])({re.escape(start)}[\w+/-]{{0,8}})(?:…|\.{{3}}|\*{{3,}})([\w+/=-]{{0,12}})"
                text = re.sub(mask, partial(_unmasked, secret), text)
        return text


def _longest_first(texts: Iterable[str]) -> list[str]:
    # A secret can be the beginning of another, whose rest would stay.
    return sorted(texts, key=lambda text: (-len(text), text))


def _literally(shown: str) -> str:
    return shown.replace("\\", r"\\")


def _is_telling(text: str) -> bool:
    return len(text) >= SHORTEST and text.lower() not in _HARMLESS


def _unmasked(secret: str, found: re.Match[str]) -> str:
    """What stands for a masked text: both ends alike are proof that it is the secret, one alone only a random one."""
    is_secret = secret.startswith(found[1]) and found[2] and secret.endswith(found[2])
    return REMOVED if is_secret or _gives_away(secret[:TELLING]) else found[0]


def _gives_away(part: str) -> bool:
    """Whether a part of a secret is of no ordinary text, as a word or the beginning of a sentence is."""
    if re.search(r"\s", part):
        return False
    digits = len(re.findall(r"\d", part))
    if digits >= 8 or (digits and re.search(r"[A-Za-z]", part)):
        return True
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", part)
    speakable = all(len(word) < 3 or re.search(r"(?i)[aeiouy]", word) for word in words)
    return bool(words) and not (speakable and sum(map(len, words)) >= 3 * len(words))


def _holds_anything(value: object) -> bool:
    # That a token is empty, missing or switched off is what a report is about.
    return value not in (None, "", [], {}) and not isinstance(value, bool)


def _pieces(secret: str) -> Iterator[str]:
    """A secret with those parts of it that are secrets on their own: lines, and what an address logs in with."""
    whole = secret.strip()
    lines = [line.strip() for line in whole.splitlines()]
    pieces = [whole, *(line for line in lines if len(line) >= LONG)]
    for separators in (r"[\s,;\"'{}]+", r"[\s,;&=\"'{}/?#:@]+"):
        pieces += [piece for piece in re.split(separators, whole) if _is_random(piece)]
    try:
        parts = urlsplit(whole)
        pieces += [part for part in (parts.username, parts.password) if part]
        if parts.netloc:
            values = re.split(r"[&;]", f"{parts.query}&{parts.fragment}")
            pieces += [value for pair in values if len(value := pair.rpartition("=")[2]) >= LONG]
            pieces += [
                part for part in parts.path.split("/") if len(part) >= TELLING and not re.fullmatch(r"[a-z_-]+", part)
            ]
    except ValueError:
        pass
    return (piece for piece in pieces if _is_telling(piece))


def _is_random(piece: str) -> bool:
    # Base64 for URLs has two signs that stand between words elsewhere.
    return any(random_words(re.sub(r"[_-]", "", piece)))


def _is_mixed(secret: str) -> bool:
    """Whether a text is too long, and changes its case too often, to be a name or a sentence."""
    changes = re.findall(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[a-z])", secret)
    return len(secret) >= 2 * TELLING and len(changes) * 4 >= len(secret) and not re.search(r"[\s/]", secret)


def _forms(secret: str) -> Iterator[str]:
    """A secret as programs write it."""
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


def _base64_forms(secret: str) -> Iterator[str]:
    """What a secret becomes in base64, whatever precedes and follows it in the same run, as in ``user:secret``."""
    plain = secret.encode(errors="replace")
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + plain).decode()
        # The first and last letters also hold bits of the neighbours.
        core = encoded[(0, 2, 3)[before] :].rstrip("=")
        core = core[:-1] if (before + len(plain)) % 3 else core
        # Its beginning is enough: the rest of the run goes with it, also where a line was cut.
        core = core[:TELLING_BASE64]
        if len(core) >= LONG:
            yield core
            yield core.translate(str.maketrans("+/", "-_"))
