"""Time zones of gateways: one that does not exist is UTC to a gateway, which says nothing about it."""

from __future__ import annotations

import difflib
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.fleet.model import Fleet

VARIABLE = "TZ"


def zone_problems(fleet: Fleet) -> Iterator[Problem]:
    """The time zones of a fleet that do not exist."""
    for name, profile in fleet.profiles.items():
        # C libraries take a colon before the name, and so does the gateway. An empty zone is UTC.
        zone = profile.environment.get(VARIABLE, "").removeprefix(":")
        if zone and (known := _known()) and zone not in known:
            where = f"profiles.{name}.environment.{VARIABLE}"
            yield Problem(where, f"there is no time zone {zone!r}{_guess(zone, known)}")


@cache
def _known() -> frozenset[str]:
    """The names of all time zones; empty if this machine has no list of them.

    The gateway's Node has a list of its own. This host's may be missing or older; the package's is the same everywhere.
    """
    package = find_spec("tzdata")
    if package and package.origin:
        return frozenset(Path(package.origin).with_name("zones").read_text(encoding="ascii").split())
    from zoneinfo import available_timezones  # noqa: PLC0415 - reads six hundred files

    return frozenset(available_timezones())


def _guess(zone: str, known: frozenset[str]) -> str:
    """The zone that is meant, to complete a sentence."""
    word = re.sub(r"\s+", "_", zone.strip()).lower()
    if offset := re.fullmatch(r"(?:utc|gmt)?([+-])0?(\d{1,2})(?::?00)?", word):
        # POSIX counts westwards, and these names do too.
        opposite = f"Etc/GMT{'-' if offset[1] == '+' else '+'}{offset[2]}"
        if opposite in known:
            return f"; did you mean {opposite}, which is {zone.strip()}? Its sign is reversed"
    names = {name.lower(): name for name in sorted(known, reverse=True)}
    cities = {name.rpartition("/")[2]: full for name, full in names.items()}
    for kind in (names, cities):
        if close := [word] if word in kind else difflib.get_close_matches(word, kind, n=1, cutoff=0.75):
            return f"; did you mean {kind[close[0]]}?"
    return "; a name is such as Europe/Berlin"
