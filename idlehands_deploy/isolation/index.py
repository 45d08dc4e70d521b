"""Which gateways claim something in common: found with an index of their claims, without comparing every pair."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from idlehands_deploy.fleet.addresses import HOST

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from pathlib import Path

    from idlehands_deploy.isolation.claims import Claims

    # What is claimed: its kind, and which one.
    Key = tuple[str, Hashable]


def pairs_in_common(gateways: Sequence[Claims]) -> list[tuple[Claims, Claims]]:
    """The pairs of gateways between which there can be a conflict, in the order of ``itertools.combinations``.

    The work grows with the number of claims and of these pairs, not with the number of all pairs.
    """
    owners: dict[Key, list[int]] = defaultdict(list)
    for number, gateway in enumerate(gateways):
        for key in set(_claimed(gateway)):
            owners[key].append(number)
    pairs = {
        (min(number, owner), max(number, owner))
        for number, gateway in enumerate(gateways)
        for key in {*_claimed(gateway), *_used(gateway)}
        for owner in owners.get(key, ())
        if owner != number
    }
    return [(gateways[one], gateways[other]) for one, other in sorted(pairs)]


def _claimed(gateway: Claims) -> Iterator[Key]:
    """What a gateway claims: another gateway with the same claim conflicts with it."""
    for claim in gateway.ports:
        if not claim.is_private:
            yield "port", claim.port
        if claim.is_certain and claim.is_browser:
            yield "browser", claim.port
    for chrome in gateway.chromes:
        yield "chrome", chrome.endpoint
    for bot in gateway.bots:
        yield "bot", bot.token
    for folder in gateway.folders:
        yield "folder", _without_end(folder.path)


def _used(gateway: Claims) -> Iterator[Key]:
    """What a gateway uses without claiming it: browsers on this host, and the parents of its folders."""
    for chrome in gateway.chromes:
        host, port, _ = chrome.endpoint
        if host == HOST:
            yield "browser", port
    for folder in gateway.folders:
        path = str(folder.path)
        for end, mark in enumerate(path):
            if mark == "/":
                yield "folder", path[:end]


def _without_end(path: Path) -> str:
    """A path as text, and the root as an empty text: the part before a slash in each path below it."""
    return str(path).rstrip("/")
