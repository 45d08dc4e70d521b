"""What a line contains wherever a shape of ``shapes`` changes it, as RE2 expressions over UTF-8.

All hints together cost a few nanoseconds a byte, and few lines of a log have one. A hint may match too much and never
too little: it leaves out most lookarounds and upper bounds, and takes every byte of a character outside ASCII for a
letter, a digit, a space and a sign. A shape that reaches over a line end has a second hint: the line that ends where
the shape may go on.
"""

from __future__ import annotations

from idlehands_deploy.redaction.shapes import SECRET_ENDS, SECRET_PAIRS, SECRET_WORDS

_OTHER = r"\x80-\xff"
_WORD = rf"0-9A-Za-z_{_OTHER}"
_DIGIT = rf"[0-9{_OTHER}]"
_SPACE = rf"[\t\x0b\x0c\r\x1c-\x1f {_OTHER}]"
# No sign is a line end here: no hint reaches over one.
_SIGN = r"[^0-9A-Za-z_\n]"
_UNSPACED = r"[^\t\n\x0b\x0c\r\x1c-\x1f \"']"
# Letters outside ASCII that are these ones in another case, for Python.
_FOLDS = str.maketrans({"i": r"(?:i|\xc4[\xb0\xb1])", "k": r"(?:k|\xe2\x84\xaa)", "s": r"(?:s|\xc5\xbf)"})


def any_case(*words: str) -> str:
    """Any of the words, of letters alone, in any case."""
    return f"(?i:{'|'.join(sorted(words)).translate(_FOLDS)})"


def any_case_text(text: str) -> str:
    """A text of any characters in any case."""
    letters = "".join(map(_any_case_letter, text)) if any(map(str.isascii, text)) else f"[{_OTHER}]"
    return f"(?i:{letters})"


def _any_case_letter(letter: str) -> str:
    letter = {"\u0130": "i", "\u0131": "i", "\u017f": "s", "\u212a": "k"}.get(letter, letter)
    if not letter.isascii():
        return f"[{_OTHER}]*"
    return letter.lower().translate(_FOLDS) if letter.isalpha() else rf"\x{ord(letter):02x}"


def after(characters: str) -> str:
    """The beginning of a line, or a character that is none of these."""
    return rf"(?:^|[^\n{characters}])"


def _secret_name() -> str:
    """The name of a secret as ``names_a_secret`` knows it; names that count secrets too."""
    words = sorted(SECRET_WORDS)
    small, capital, large = ("|".join(map(change, words)) for change in (str, str.capitalize, str.upper))
    word = (
        rf"(?:{after('A-Za-z')}(?:{small})|(?:{capital})|{after('A-Z')}(?:{large}))(?:[A-Z0-9_.{_OTHER}-][{_WORD}.-]*)?"
    )
    between = rf"[0-9_.{_OTHER}-]*"
    pair = "|".join(any_case(first) + between + any_case(second) for first, second in sorted(SECRET_PAIRS))
    end = "|".join(between.join(map(any_case, word)) for word in SECRET_ENDS)
    return rf"(?:{word}|(?:{pair})[{_WORD}.-]*|(?:{end}){between})"


_HOOKS = any_case("webhook", "webhooks", "hook", "hooks", "services")
_LOGIN_CODE = any_case("pairing", "setup", "auth", "verification", "login") + r"[ -]" + any_case("code")
_HEADER = any_case("authorization", "cookie")
_SCHEME = any_case("bearer", "basic")
_OPTION = rf"--[{_WORD}-]*" + any_case("token", "secret", "passwd", "password", "passphrase", "key")
# 0, 10, 127, 172.16 to 172.31 and 192.168 are no public addresses.
_PUBLIC = (
    r"(?:(?:[1-9]|1[1-9]|[2-9][0-9]|1[013-68][0-9]|12[0-689]|17[013-9]|19[013-9]|[2-9][0-9]{2})\.[0-9]{1,3}"
    r"|172\.(?:[0-9]|1[0-5]|3[2-9]|[4-9][0-9]|[0-9]{3})|192\.(?:[0-9]{1,2}|1[0-57-9][0-9]|16[0-79]|[02-9][0-9]{2}))"
)


def _run(shortest: int) -> str:
    """A run of base64 with a digit or a capital, or of a hundred characters: no path and no name of small letters.

    It is counted from its beginning: RE2 would be slow if it had to count from every character.
    """
    run, plain, marked = "A-Za-z0-9+/_-", "[a-z+/_-]", "[A-Z0-9]"
    counted = f"{plain}*{marked}"
    for rest in range(shortest):
        counted = f"(?:{marked}[{run}]{{{rest}}}|{plain}{counted})"
    return f"{after(run)}(?:{counted}|{plain}{{100}})"


def _pair() -> str:
    """A secret's name and its value. After a colon, a word is a value only under the name of a password."""
    value, end = r"[^\t\n ,;&|)\]}]", r"\t\n ,;&|)\]}\"'"
    no_word = rf"(?:[a-z]+[^a-z{end}]|[a-z]{{17}}|[A-Z_]+[^A-Z_{end}]|[^A-Za-z_\t\n ,;&|)\]}}])"
    password = any_case("password", "passwd", "passphrase", "passcode", "pwd")
    between = r"\\?[\"']?[ \t]*"
    return rf"{_secret_name()}{between}(?:=>?[ \t]*{value}|:[ \t]*{no_word})|{password}{between}:[ \t]*{value}"


def _other_name(name: str, end: str) -> str:
    """Any name but this one, up to one of the characters that end it."""
    different = "|".join(rf"{name[:at]}(?:[^{name[at]}\n]|$)" for at in range(1, len(name)))
    return rf"(?:[^{name[0]}{end}]|{different}|{name}[^{end}])"


HINTS = {
    "address": rf"://[^\t\n \"']*(?:@|\?.|#[^\t\n \"']*=|/{_HOOKS}/)",
    "bot address": rf"/{any_case('bot')}{_DIGIT}{{5,}}:[{_WORD}-]",
    "parameter": rf"[?&#][{_WORD}.-]+=[^\t\n \"'&>]",
    "paired code": rf"[Cc]ode(?:{_SIGN}+[A-Z0-9]{{3,4}}-[A-Z0-9]{{3}}|{_SIGN}*$)",
    "named code": rf"{_LOGIN_CODE}(?:{_SIGN}+[{_WORD}-]*{_DIGIT}|{_SIGN}*$)",
    "header": rf"{_HEADER}[\"']?{_SPACE}*(?:[:=]|$)",
    "bearer": rf"{_SCHEME}(?:{_SPACE}+(?:{_UNSPACED}*{_DIGIT}|{_UNSPACED}{{20}})|{_SPACE}*$)",
    "pair": _pair(),
    "option": rf"{_OPTION}(?:{_SPACE}+[^\t\n -]|{_SPACE}*$)",
    "JWT": rf"eyJ[{_WORD}-]{{6,}}\.[{_WORD}-]",
    "provider's key": after("0-9A-Za-z") + r"(?:"
    rf"(?:sk|pk|rk)[-_][{_WORD}-]{{8}}|gh[a-z]_[{_WORD}]{{16}}|github_pat_|gl(?:pat|dt|rt|cbt|ptt|soat|agent)-[{_WORD}-]{{16}}"
    rf"|xox[a-z]-[{_WORD}-]{{8}}|xapp-[{_WORD}-]{{8}}|AIza[{_WORD}-]{{16}}|ya29\.[{_WORD}.-]{{16}}|(?:AKIA|ASIA|AROA)[A-Z0-9]{{12}}"
    r"|(?:hf|npm|gsk|nvapi|xai|pplx|tvly|r8|dop_v1|shp[a-z]{2})[-_][A-Za-z0-9]{16}"
    rf"|pypi-[{_WORD}-]{{16}}|SG\.[{_WORD}-]{{16}}|{_DIGIT}{{6,}}:[{_WORD}-]{{16}}"
    rf")|[A-Za-z0-9_-]\.[{_WORD}-]{{6,}}\.[{_WORD}-]{{24}}",
    "UUID": after("0-9A-Fa-f") + r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-",
    "fingerprint": r"(?i:(?:[0-9a-f]{2}[: ]){8})",
    "hexadecimal": after("0-9A-Fa-f") + r"[0-9A-Fa-f]{32}",
    "base64": _run(40),
    "e-mail": rf"[{_WORD}.+%-]@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{{2}}",
    "phone": after("0-9A-Za-z_+.:-") + rf"(?:\+|00)[1-9](?:[ ().-]{{0,2}}{_DIGIT}){{7}}",
    "IPv4": after("0-9A-Za-z_.") + _PUBLIC + r"(?:\.[0-9]{1,3}){2}",
    "IPv6": r":[0-9A-Fa-f]*:[0-9A-Fa-f]*:",
    "home": r"/(?:home|Users)/" + _other_name("idlehands", r"\t\n /\"':;,<>|()"),
}
# The end of a line on which a shape may begin that goes on with letters or digits, up to the next line that has some.
OPEN_END = (
    rf"(?:{any_case('code', 'authorization', 'cookie', 'bearer', 'basic')}|{_OPTION}){_SIGN}*"
    r"\n[^0-9A-Za-z_]*[^\n]*"
)
