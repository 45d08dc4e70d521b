"""How unknown secrets are recognised: by the name before them, and by their shape."""

from __future__ import annotations

import ipaddress
import itertools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REMOVED = "<removed>"
# No path or name without a space is longer.
LONGEST_NAME = 1000

# Words in a name (`botToken`, `OPENAI_API_KEY`, `allow-from`) whose value is a secret or personal.
SECRET_WORDS = frozenset({
    "token", "tokens", "secret", "secrets", "password", "passwords", "passwd", "passphrase", "passcode", "pwd",
    "apikey", "apikeys", "key", "keys", "credential", "credentials", "cookie", "cookies", "authorization", "bearer",
    "jwt", "otp", "totp", "pin", "seed", "mnemonic", "signature", "sig", "webhook", "webhooks", "userinfo", "dsn",
    "phone", "phones", "msisdn", "mail", "email", "emails", "username", "login", "jid",
})  # fmt: skip
SECRET_PAIRS = frozenset({
    ("allow", "from"), ("session", "id"), ("session", "ids"), ("device", "id"), ("user", "id"), ("chat", "id"),
    ("sender", "id"), ("peer", "id"), ("account", "id"), ("channel", "id"), ("group", "id"), ("guild", "id"),
    ("client", "id"), ("private", "key"), ("pairing", "code"), ("setup", "code"), ("auth", "code"), ("pass", "word"),
})  # fmt: skip
# The same for names without separators.
SECRET_ENDS = (
    "token", "secret", "password", "passphrase", "apikey", "credential", "credentials", "cookie", "sessionid",
    "deviceid", "allowfrom",
)  # fmt: skip
# In free text these names are used for other things too, so the value must also look like a secret.
_WEAK_NAMES = frozenset({"key", "keys", "signature", "sig", "login", "mail", "seed", "pin", "username", "webhook"})
# Names that count secrets or configure them; their values are not secret.
_COUNTING = frozenset({
    "max", "min", "count", "limit", "budget", "total", "used", "length", "size", "mode", "enabled", "ttl", "timeout",
    "expires", "path", "file", "bytes", "ms",
})  # fmt: skip


def names_a_secret(name: str) -> bool:
    """Whether a value under this name counts as a secret."""
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    if _COUNTING.intersection(words):
        return False
    return (
        not SECRET_WORDS.isdisjoint(words)
        or any(pair in SECRET_PAIRS for pair in itertools.pairwise(words))
        or re.sub(r"[^a-z]", "", name.lower()).endswith(SECRET_ENDS)
    )


def random_words(text: str) -> Iterator[str]:
    """The random words in a text: 12 or more letters mixed with digits, or in mixed case."""
    for run in re.findall(r"[A-Za-z0-9]{12,}", text):
        digits = len(re.findall(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", run))
        cases = len(re.findall(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[a-z])", run))
        # Camel case changes at every third letter, random text at two of three.
        if digits >= 2 or (digits + cases) * 9 >= len(run) * 4:
            yield run


def scrub(text: str) -> str:
    """Remove everything from free text that has the shape of a secret, or identifies a person."""
    text = without_key_blocks(text)
    for pattern, replacement in SHAPES.values():
        text = pattern.sub(replacement, text)
    return text


def without_key_blocks(text: str) -> str:
    """Remove private keys and certificates, the one shape of any number of lines."""
    return _KEY_BLOCK.sub(REMOVED, text)


def _addresses(found: re.Match[str]) -> str:
    """What follows ``://``: without the login, and without everything after the path; an address may hold another."""
    return "://".join(map(_bare_address, found[0].split("://")))


def _bare_address(address: str) -> str:
    host, slash, path = address.partition("/")
    login, at, host = host.rpartition("@")
    address = f"{REMOVED if login else ''}{at}{host}{slash}{path}"
    address, bar, after = address.partition("|")
    kept, mark, rest = re.split(r"([?#]|\Z)", address, maxsplit=1)
    if rest and (mark == "?" or re.search(r"=.", rest)):
        address = f"{kept}{mark}{REMOVED}"
    if secret := re.search(r"(?i)/(?:webhooks?|hooks?|services)/(?=.)", address):
        address = f"{address[: secret.end()]}{REMOVED}"
    return address + bar + after


def _pair(found: re.Match[str]) -> str:
    """``name=value`` in logs and error messages."""
    name, between, value = found["name"], found["between"], found["value"]
    bare = value.strip("\\\"'")
    if not names_a_secret(name) or _is_harmless(name, bare):
        return found[0]
    if name.lower() in _WEAK_NAMES and not re.search(r"\d", bare):
        return found[0]
    # `token: missing` is a message, `password: sesame` is a secret.
    is_word = ":" in between and value == bare and re.fullmatch(r"[a-z]{1,16}[.,;:]?|[A-Z_]+", bare)
    if is_word and not re.search(r"(?i)(pass(word|wd|phrase|code)|pwd)$", name):
        return found[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{name}{between}{quote}{REMOVED}{quote}"


def _is_harmless(name: str, value: str) -> bool:
    if value.lower() in {"", "true", "false", "null", "none", "undefined", REMOVED}:
        return True
    digits = r"\d+" if name.lower().endswith("tokens") else r"\d{1,5}(ms|s|m|h)?"
    return bool(re.fullmatch(digits, value))


def _run(found: re.Match[str]) -> str:
    """A long run of base64 characters, unless it is a path or a long name."""
    run = found[0]
    if len(run) > LONGEST_NAME:
        return REMOVED
    parts = re.split(r"([/_=+-])", run)
    wordy = sum(len(part) for part in parts if re.fullmatch(r"[A-Za-z]?[a-z]+\d{0,2}|[A-Z]+|\d{1,4}|[/_=+-]", part))
    is_name = wordy * 2 > len(run) and not any(len(part) >= 24 and any(random_words(part)) for part in parts)
    return run if is_name or not (re.search(r"\d", run) or _is_mixed(run)) else REMOVED


def _is_mixed(run: str) -> bool:
    # Camel case has one capital in six or more letters, random text one in two.
    return sum(letter.isupper() for letter in run) * 4 > len(run) and any(letter.islower() for letter in run)


def _known_home(found: re.Match[str]) -> str:
    # The image's user is the same everywhere, and its paths explain a log line.
    return found[0] if found["name"] == "idlehands" else f"{found['home']}<user>"


def _address(found: re.Match[str]) -> str:
    """Public IP addresses identify somebody; private and loopback ones do not."""
    try:
        return "<address>" if ipaddress.ip_address(found[0]).is_global else found[0]
    except ValueError:
        return found[0]


_NAME = r"(?P<name>(?<![\w-])[A-Za-z_][\w.-]{0,80})"

# What a private key or a certificate begins with.
KEY_BLOCK = b"-----BEGIN "
_KEY_BLOCK = re.compile(r"-----BEGIN [^-\n]+-----.*?(?:-----END [^-\n]+-----|\Z)", re.DOTALL)

# Applied in this order, each to what those before it have left; `hints` has a hint for each.
SHAPES: dict[str, tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = {
    "address": (re.compile(rf"(?<=://)(?:{REMOVED}|[^\s\"'<>])+"), _addresses),
    "bot address": (re.compile(r"(?i)(/bot)\d{5,}:[\w-]+"), rf"\1{REMOVED}"),
    "parameter": (re.compile(rf"([?&#])([\w.-]+)=(?:{REMOVED}|[^\s&\"'<>])+"), rf"\1\2={REMOVED}"),
    "paired code": (re.compile(r"\b([Cc]ode\W{1,3})[A-Z0-9]{3,4}-[A-Z0-9]{3,5}\b"), rf"\1{REMOVED}"),
    "named code": (
        re.compile(r"(?i)\b((?:pairing|setup|auth|verification|login)[ -]code\W{1,3})[\w-]*\d[\w-]*"),
        rf"\1{REMOVED}",
    ),
    # Headers.
    "header": (
        re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)([\"']?\s*[:=]\s*[\"']?)[^\n\"']+"),
        rf"\1\2{REMOVED}",
    ),
    "bearer": (re.compile(r"(?i)\b(bearer|basic)\s+(?=[^\s\"']*\d|[^\s\"']{20})[\w.~+/=-]{8,}"), rf"\1 {REMOVED}"),
    "pair": (
        re.compile(
            _NAME + r"(?P<between>\\?[\"']?[ \t]*(?:=>|[:=])[ \t]*)"
            r"(?P<value>\\+[\"'][^\"'\\\n]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[^\s\"',;&|)\]}]+)"
        ),
        _pair,
    ),
    "option": (
        re.compile(
            rf"(?i)(?<![\w-])(--[\w-]{{0,60}}(?:token|secret|passw(?:or)?d|passphrase|key)\s+)(?!-|{REMOVED})\S+"
        ),
        rf"\1{REMOVED}",
    ),
    # Keys with their provider's prefix.
    "JWT": (re.compile(r"\beyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*){0,3}"), REMOVED),
    "provider's key": (
        re.compile(
            r"(?<![A-Za-z0-9])(?:"
            r"(?:sk|pk|rk)[-_][\w-]{8,}|gh[a-z]_\w{16,}|github_pat_\w{16,}|gl(?:pat|dt|rt|cbt|ptt|soat|agent)-[\w-]{16,}"
            r"|xox[a-z]-[\w-]{8,}|xapp-[\w-]{8,}|AIza[\w-]{20,}|ya29\.[\w.-]{16,}|(?:AKIA|ASIA|AROA)[A-Z0-9]{12,}"
            r"|(?:hf|npm|gsk|nvapi|xai|pplx|tvly|r8|dop_v1|shp[a-z]{2})[-_][A-Za-z0-9]{16,}|pypi-[\w-]{16,}|SG\.[\w-]{16,}\.[\w-]+"
            r"|\d{6,12}:[\w-]{30,}|[A-Za-z0-9_-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}"
            r")"
        ),
        REMOVED,
    ),
    # Random text without a prefix: digests, ids of sessions and devices, keys.
    "UUID": (re.compile(r"(?i)(?<![0-9a-f])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f])"), REMOVED),
    "fingerprint": (re.compile(r"(?i)(?<![0-9a-f])(?:[0-9a-f]{2}[: ]){15,}[0-9a-f]{2}(?![0-9a-f])"), REMOVED),
    "hexadecimal": (re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{32,}(?![0-9A-Fa-f])"), REMOVED),
    "base64": (re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}"), _run),
    # People and their machines.
    "e-mail": (re.compile(r"(?<![\w.+%-])[\w.+%-]++@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}"), "<e-mail>"),
    "phone": (re.compile(r"(?<![\w+.:-])(?:\+|00)[1-9](?:[ ().-]{0,2}\d){7,14}(?![\w:])"), "<phone>"),
    "IPv4": (re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)"), _address),
    "IPv6": (re.compile(r"(?<![\w:.])(?=(?:[0-9A-Fa-f]*:){3})[0-9A-Fa-f:]{6,39}(?![\w:]|\.\d)"), _address),
    "home": (re.compile(r"(?P<home>/(?:home|Users)/)(?P<name>[^/\s\"':;,<>|()]+)"), _known_home),
}
