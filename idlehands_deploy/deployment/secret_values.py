"""How the file of a secret is read: as the gateway's container does, so that both know one value.

The image reads it in ``rootfs/usr/local/lib/idlehands/secrets``; one table of cases tests both.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, NamedTuple

from idlehands_deploy.contract import MADE_SECRETS
from idlehands_deploy.errors import FleetError, Problem
from idlehands_deploy.host.file_facts import read_ordinary_bytes
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.targets.compose import secret_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.fleet.model import Fleet

# ASCII alone: what else counts as white space depends on the program that looks.
WHITE = " \t\n\v\f\r"
# Linux starts no program with a longer variable; bytes, with the name, the equals sign and the NUL at its end.
LONGEST_VARIABLE = 128 * 1024
# What goes into a header of HTTP, and so is one line of ASCII.
HEADER_VALUE = re.compile(r".*(_TOKEN|_API_KEY)")
BLANK = ("is empty", "holds only white space")
UTF_16 = "is UTF-16 text, not UTF-8"


class Reading(NamedTuple):
    """What a secret's content means.

    Attributes:
        value: without a byte order mark and the white space around it.
        flaw: why it cannot be meant, as the end of a sentence that never holds the value; empty if it can.
    """

    value: str
    flaw: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether there is no value at all."""
        return self.flaw in BLANK


def read_content(name: str, content: bytes) -> Reading:
    """Read the content of a secret.

    Args:
        name: of the variable that the gateway gets.
    """
    text = content.removeprefix(codecs.BOM_UTF8).decode(errors="surrogateescape")
    value = text.strip(WHITE)
    flaw = next(_flaws(name, content, text, value), "")
    return Reading(value.encode(errors="surrogateescape").decode(errors="replace"), flaw)


def read_secret_file(path: Path) -> Reading | None:
    """Read the file of a secret, through links; None if there is none.

    Raises:
        OSError: it cannot be read, or is no ordinary file.
    """
    content = read_ordinary_bytes(path)
    return None if content is None else read_content(path.name, content)


def _flaws(name: str, content: bytes, text: str, value: str) -> Iterator[str]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield UTF_16
    if b"\0" in content:
        yield "contains a NUL byte"
    if re.search("[\ud800-\udfff]", text):
        yield "is not UTF-8 text"
    if not value:
        yield BLANK[bool(text)]
    if odd := re.search(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]", value):
        yield f"contains a control character, U+{ord(odd[0]):04X}"
    if HEADER_VALUE.fullmatch(name) and re.search(r"[\r\n]", value):
        yield "has several lines, but a token or an API key is one"
    if HEADER_VALUE.fullmatch(name) and not value.isascii():
        yield "contains a character that no token or API key has"
    if (most := LONGEST_VARIABLE - len(name) - 2) < len(value.encode(errors="surrogateescape")):
        yield f"is longer than {most} bytes, and no program starts with such a variable"


def refuse_flawed(deployment: Deployment, fleet: Fleet, profiles: Collection[str], but: Collection[str] = ()) -> None:
    """See that the gateways of these profiles would start with their secrets.

    Args:
        but: the names of those that are about to be replaced.

    Raises:
        FleetError: with every secret that is missing or cannot be meant.
    """
    found = secret_problems(deployment, fleet, profiles)
    if problems := [problem for problem in found if problem.path.rpartition("/")[2] not in but]:
        raise FleetError(str(deployment.root), problems, secret_remedy(problems))


def secret_problems(deployment: Deployment, fleet: Fleet, profiles: Collection[str]) -> list[Problem]:
    """Every secret of these profiles that is missing or cannot be meant; a token that is missing is made."""
    return [
        Problem(f"secrets/{name}/{secret}", wrong)
        for name in profiles
        for secret in secret_names(fleet.profiles[name])
        if (wrong := _wrong(deployment.secret_file(name, secret)))
    ]


def secret_remedy(problems: Iterable[Problem]) -> Remedy:
    """What to type about the first of such problems."""
    for _, name, secret in (problem.path.split("/") for problem in problems):
        if secret in MADE_SECRETS:
            return Remedy("Replace it: ", ours("token", name, "--rotate"))
        return Remedy("Set each of these secrets: ", ours("secret", "set", name, secret))
    return Remedy()


def _wrong(path: Path) -> str:
    try:
        reading = read_secret_file(path)
    except PermissionError:
        return ""  # the gateway may read it all the same
    except OSError:
        return "is not a file that holds a value"
    is_made = path.name in MADE_SECRETS
    if reading is None:
        return "" if is_made else "missing"
    return "" if is_made and reading.is_blank else reading.flaw
