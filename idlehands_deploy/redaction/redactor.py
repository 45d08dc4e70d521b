"""Remove secrets from text and data: known ones in every form, unknown ones by their name and shape.

There are three layers, and each should be enough without the others: known secrets are removed everywhere; in data,
values under the name of a secret are removed; in text, everything with the shape of a secret is removed.
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

# A shorter known secret is removed only as a separate word, never inside words.
LONG = 6
# A secret shorter than this is not removed: it protects nothing, and its removal would make reports unreadable.
SHORTEST = 4
# This many characters of a long secret already reveal it, as in a line that was cut.
REVEALING = 12
REVEALING_BASE64 = 16
# Characters of a line that are kept; a gateway may write lines of any length.
LONGEST_LINE = 16_384
# Values that are not secret, and words that every report needs.
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
        known_secrets: values to remove everywhere, also URL-encoded, escaped as JSON or HTML, in base64, in
            hexadecimal, cut after 12 characters, or masked as ``abcd…wxyz``. Those of 4 and 5 characters are removed
            only as separate words; shorter ones and plain words such as ``true`` stay.
        names: replacements for the names of this host and its users, as whole words: ``{"alice": "<user>"}``.
        places: replacements for private directories: ``{"/srv/x": "<deployment>"}``.
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
        self._cut = [secret for secret in _longest_first(long) if len(secret) > REVEALING and "://" not in secret]
        self._words = [(word, REMOVED) for word in _longest_first(secrets - long)]
        self._words += [(name, shown) for name, shown in (names or {}).items() if _is_worth_hiding(name)]
        self._places = sorted(
            ((place, shown) for place, shown in (places or {}).items() if len(place) > 1),
            key=lambda item: -len(item[0]),
        )

    def text(self, text: str) -> str:
        """Redact any text, such as a log or an error message."""
        # Colour codes and invisible characters could be in the middle of a secret.
        text = _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))
        return self._without_words(scrub(_cut_lines(self._without_known(text))))

    def command(self, text: str) -> str:
        """Redact a command or a path of ours: known secrets alone, since whatever else is removed would break it."""
        return self._without_words(self._without_known(text))

    def value(self, value: Any, *, by_name: bool = True) -> Any:  # noqa: ANN401 - whatever JSON can hold
        """Redact JSON data.

        Args:
            by_name: whether to remove every value under the name of a secret; not for masked data, which shows only
                harmless texts.
        """
        if isinstance(value, dict):
            return {
                self.text(str(key)): REMOVED
                if by_name and names_a_secret(str(key)) and _has_content(item)
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

    def _without_words(self, text: str) -> str:
        for word, shown in self._words:
            if word.lower() in text.lower():
                text = re.sub(rf"(?i)(?<![\w<]){re.escape(word)}(?![\w>])", _literally(shown), text)
        return text

    def _without_known(self, text: str) -> str:
        for place, shown in self._places:
            text = re.sub(rf"{re.escape(place)}(?![\w.-])", _literally(shown), text)
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
            is_random = _is_random(secret) or _is_mixed(secret)
            if head in text and (is_random or _is_revealing(head)):
                text = re.sub(rf"{re.escape(head)}[\w+/-]*={{0,2}}", REMOVED, text)
            if tail in text and (is_random or _is_revealing(tail)):
                text = re.sub(rf"(?<![\w+-])[\w+-]*?{re.escape(tail)}", REMOVED, text)
            if start in text:
                mask = rf"(?<![A-Za-z0-9])({re.escape(start)}[\w+/-]{{0,8}})(?:…|\.{{3}}|\*{{3,}})([\w+/=-]{{0,12}})"
                text = re.sub(mask, partial(_unmasked, secret), text)
        return text


def _cut_lines(text: str) -> str:
    """Lines that a person can still read: the time for one must not grow with the square of its length."""
    if len(text) <= LONGEST_LINE:
        return text
    return "\n".join(
        line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} <{len(line) - LONGEST_LINE} characters removed>"
        for line in text.split("\n")
    )


def _longest_first(texts: Iterable[str]) -> list[str]:
    # A secret may be the beginning of another one, whose rest would stay.
    return sorted(texts, key=lambda text: (-len(text), text))


def _literally(shown: str) -> str:
    return shown.replace("\\", r"\\")


def _is_worth_hiding(text: str) -> bool:
    return len(text) >= SHORTEST and text.lower() not in _HARMLESS


def _unmasked(secret: str, found: re.Match[str]) -> str:
    """The replacement for a masked text: if both ends match it is the secret; one end proves only a random secret."""
    is_secret = secret.startswith(found[1]) and found[2] and secret.endswith(found[2])
    return REMOVED if is_secret or _is_revealing(secret[:REVEALING]) else found[0]


def _is_revealing(part: str) -> bool:
    """Whether a part of a secret cannot be ordinary text, such as a word or the beginning of a sentence."""
    if re.search(r"\s", part):
        return False
    digits = len(re.findall(r"\d", part))
    if digits >= 8 or (digits and re.search(r"[A-Za-z]", part)):
        return True
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", part)
    speakable = all(len(word) < 3 or re.search(r"(?i)[aeiouy]", word) for word in words)
    return bool(words) and not (speakable and sum(map(len, words)) >= 3 * len(words))


def _has_content(value: object) -> bool:
    # A report must show that a token is empty, missing or turned off.
    return value not in (None, "", [], {}) and not isinstance(value, bool)


def _pieces(secret: str) -> Iterator[str]:
    """A secret, and the parts of it that are secrets themselves: lines, and the login in an address."""
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
                part for part in parts.path.split("/") if len(part) >= REVEALING and not re.fullmatch(r"[a-z_-]+", part)
            ]
    except ValueError:
        pass
    return (piece for piece in pieces if _is_worth_hiding(piece))


def _is_random(piece: str) -> bool:
    # Base64 for URLs uses two characters that otherwise separate words.
    return any(random_words(re.sub(r"[_-]", "", piece)))


def _is_mixed(secret: str) -> bool:
    """Whether a text is too long, with too many changes of case, to be a name or a sentence."""
    changes = re.findall(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[a-z])", secret)
    return len(secret) >= 2 * REVEALING and len(changes) * 4 >= len(secret) and not re.search(r"[\s/]", secret)


def _forms(secret: str) -> Iterator[str]:
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


def _base64_forms(secret: str) -> Iterator[str]:
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
