"""Remove secrets from text and data: known ones in every form, unknown ones by their name and shape.

There are three layers, and each should be enough without the others: known secrets are removed everywhere; in data,
values under the name of a secret are removed; in text, everything with the shape of a secret is removed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from idlehands_deploy.redaction.forms import LONG, is_worth_hiding, pieces
from idlehands_deploy.redaction.known import KnownSecrets, longest_first
from idlehands_deploy.redaction.scan import change_all, decoded, encoded
from idlehands_deploy.redaction.scrubber import scrub_lines
from idlehands_deploy.redaction.shapes import REMOVED, names_a_secret
from idlehands_deploy.redaction.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Characters of a line that are kept; a gateway may write lines of any length.
LONGEST_LINE = 16_384
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff]")


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
        secrets = {piece for secret in known_secrets for piece in pieces(secret)}
        self._known = KnownSecrets(secrets, places or {})
        words = [(word, REMOVED) for word in longest_first(secret for secret in secrets if len(secret) < LONG)]
        words += [(name, shown) for name, shown in (names or {}).items() if is_worth_hiding(name)]
        self._words = Words(words)

    def text(self, text: str) -> str:
        """Redact any text, such as a log or an error message."""
        # Colour codes and invisible characters could be in the middle of a secret.
        text = _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))
        data = self._known.removed(encoded(text))
        if _has_long_line(data):
            data = change_all(data, _cut_lines)
        return decoded(self._words.replaced(scrub_lines(data)))

    def command(self, text: str) -> str:
        """Redact a command or a path of ours: known secrets alone, since whatever else is removed would break it."""
        return decoded(self._words.replaced(self._known.removed(encoded(text))))

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


def _cut_lines(text: str) -> str:
    """Lines that a person can still read: the time for one must not grow with the square of its length."""
    return "\n".join(
        line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} <{len(line) - LONGEST_LINE} characters removed>"
        for line in text.split("\n")
    )


def _has_long_line(data: bytes) -> bool:
    """Whether a line has more bytes than a line may have characters."""
    start = 0
    while len(data) - start > LONGEST_LINE:
        start = data.rfind(b"\n", start, start + LONGEST_LINE + 1) + 1
        if start == 0:
            return True
    return False


def _has_content(value: object) -> bool:
    # A report must show that a token is empty, missing or turned off.
    return value not in (None, "", [], {}) and not isinstance(value, bool)
