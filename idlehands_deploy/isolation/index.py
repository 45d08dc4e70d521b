"""Which gateways have anything in common, found without a comparison of each two: by an index of what they take."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from idlehands_deploy.fleet.addresses import HOST

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from pathlib import Path

    from idlehands_deploy.isolation.claims import Member

    # What is taken: its kind, and which one it is.
    Key = tuple[str, Hashable]


def pairs_in_common(members: Sequence[Member]) -> list[tuple[Member, Member]]:
    """The pairs of members between which there can be a finding, in the order of ``itertools.combinations``.

    The work grows with what the members take and with the number of these pairs, not with the number of all pairs.
    """
    takers: dict[Key, list[int]] = defaultdict(list)
    for number, member in enumerate(members):
        for key in set(_taken(member)):
            takers[key].append(number)
    pairs = {
        (min(number, taker), max(number, taker))
        for number, member in enumerate(members)
        for key in {*_taken(member), *_reached(member)}
        for taker in takers.get(key, ())
        if taker != number
    }
    return [(members[one], members[other]) for one, other in sorted(pairs)]


def _taken(member: Member) -> Iterator[Key]:
    """What a member takes: any other that takes the same meets it."""
    for claim in member.claims:
        if not claim.is_private:
            yield "port", claim.port
        if claim.is_certain and claim.is_browser:
            yield "browser", claim.port
    for chrome in member.chromes:
        yield "chrome", chrome.endpoint
    for account in member.accounts:
        yield "bot", account.token
    for folder in member.folders:
        yield "folder", _without_end(folder.path)


def _reached(member: Member) -> Iterator[Key]:
    """What a member gets at where others take it: their browsers on this host, and the folders around its own."""
    for chrome in member.chromes:
        host, port, _ = chrome.endpoint
        if host == HOST:
            yield "browser", port
    for folder in member.folders:
        path = str(folder.path)
        for end, mark in enumerate(path):
            if mark == "/":
                yield "folder", path[:end]


def _without_end(path: Path) -> str:
    """A path as text, the root as nothing: what stands before a slash in each path below it."""
    return str(path).rstrip("/")
