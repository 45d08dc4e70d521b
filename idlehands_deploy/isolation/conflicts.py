"""Conflicts within one gateway and between two: ports, browsers, bots and directories that both claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.findings import Finding
from idlehands_deploy.fleet.addresses import HOST
from idlehands_deploy.isolation.claims import PortClaim, config_command, set_port
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.findings import Level
    from idlehands_deploy.isolation.claims import Claims, Folder

    # A port with the gateway that claims it.
    Owned = tuple[Claims, PortClaim]


def conflicts_within(gateway: Claims) -> Iterator[Finding]:
    """What one gateway claims for two purposes."""
    yield from _nested(gateway)
    seen: dict[int, PortClaim] = {}
    for claim in sorted(gateway.ports, key=lambda claim: claim.derived):
        other = seen.setdefault(claim.port, claim)
        # A gateway derives no port that it has pinned; the same browser is one browser.
        if claim.derived or other.purpose == claim.purpose:
            continue
        yield Finding(
            "error", claim.place,
            f"{claim.port} is {claim.purpose} here and {other.purpose} in {other.place}",
            "only one of them can use the port, and the other does not start",
            _other_port(gateway, claim),
        )  # fmt: skip


def _nested(gateway: Claims) -> Iterator[Finding]:
    """A profile's workspace inside its state; for a native gateway this is normal."""
    state, workspace = gateway.folders[:2]
    if not gateway.is_native and _overlap(str(state.path), str(workspace.path)):
        yield Finding(
            "error", workspace.place, f"shares its directory with {state.place}",
            "agents can then write the gateway's config and credentials",
            Remedy(f"put a separate directory at {workspace.place}"),
        )  # fmt: skip


def conflicts_between(one: Claims, other: Claims) -> Iterator[Finding]:
    """What two gateways both claim; ``index`` finds every pair with anything in common."""
    yield from _port_conflicts(one, other)
    yield from _shared_chromes(one, other)
    yield from _driven_chromes(one, other)
    yield from _driven_chromes(other, one)
    yield from _shared_bots(one, other)
    yield from _shared_folders(one, other)


def _shared_chromes(one: Claims, other: Claims) -> Iterator[Finding]:
    theirs = {chrome.endpoint: chrome.place for chrome in other.chromes}
    for chrome in one.chromes:
        if chrome.endpoint in theirs:
            yield Finding(
                "error", theirs[chrome.endpoint],
                f"is the same Chrome as {chrome.place}",
                f"{one.label} and {other.label} would close each other's pages and share their logins",
                Remedy("give each gateway a separate Chrome"),
            )  # fmt: skip


def _shared_folders(one: Claims, other: Claims) -> Iterator[Finding]:
    # A native gateway was there first.
    first, second = (other, one) if other.is_native else (one, other)
    for folder in first.folders:
        for theirs in second.folders:
            if _overlap(str(folder.path), str(theirs.path)):
                yield _shared(first, folder, second, theirs)


def _overlap(one: str, other: str) -> bool:
    """Whether two folders are the same, or one is inside the other; as text, because pathlib is slow for many pairs."""
    shorter, longer = sorted((one, other), key=len)
    return longer == shorter or longer.startswith(f"{shorter.rstrip('/')}/")


def _driven_chromes(one: Claims, other: Claims) -> Iterator[Finding]:
    """Browsers of the other gateway that this one drives."""
    theirs = {claim.port: claim for claim in other.ports if claim.is_certain and claim.is_browser}
    for chrome in one.chromes:
        if chrome.endpoint[0] == HOST and (claim := theirs.get(chrome.endpoint[1])):
            yield Finding(
                "error", chrome.place, f"is the Chrome of {other.label} ({claim.place})",
                f"{one.label} and {other.label} would close each other's pages and share their logins",
                Remedy("give each gateway a separate Chrome"),
            )  # fmt: skip


def _shared_bots(one: Claims, other: Claims) -> Iterator[Finding]:
    """Chat bots that both use: one finding per bot, however often each gateway names it."""
    mine = {bot.token: bot.place for bot in one.bots}
    dormant = one.is_dormant or other.is_dormant
    for token, place in {bot.token: bot.place for bot in other.bots}.items():
        if token in mine:
            yield Finding(
                "note" if dormant else "error", place, f"is the same bot as {mine[token]}",
                "nothing starts the native gateway; if it ran, both would receive each other's messages" if dormant
                else f"{one.label} and {other.label} receive each other's messages",
                Remedy(f"use a separate bot, with its own token, for {(one if other.is_native else other).label}"),
            )  # fmt: skip


def _port_conflicts(one: Claims, other: Claims) -> Iterator[Finding]:
    """One finding for each place that names ports of the other gateway, however many."""
    mine: dict[int, PortClaim] = {}
    for claim in sorted(one.ports, key=lambda claim: (claim.derived, not claim.on_host)):
        mine.setdefault(claim.port, claim)
    reported: set[str] = set()
    for theirs in sorted(other.ports, key=lambda claim: (claim.derived, not claim.on_host)):
        met = mine.get(theirs.port)
        if met is None or met.is_private or theirs.is_private:
            continue
        (owner, here), (who, there) = _order((one, met), (other, theirs))
        if here.place in reported:
            continue
        reported.add(here.place)
        yield Finding(
            _level(one, other, here, there), here.place,
            f"{here.port} ({here.purpose} of {owner.label}) is {there.purpose} of {who.label} in {there.place}",
            "nothing starts the native gateway; if it ran, both would need the same port" if one.is_dormant
            or other.is_dormant else _consequence(here, there),
            _other_port(owner, here),
        )  # fmt: skip


def _order(one: Owned, other: Owned) -> tuple[Owned, Owned]:
    """First the one to change: a config before the plan, a profile before a native gateway, else the later one."""

    def stays(owned: Owned) -> tuple[bool, bool]:
        return (owned[1].on_host, owned[0].is_native)

    return (one, other) if stays(one) < stays(other) else (other, one)


def _level(one: Claims, other: Claims, here: PortClaim, there: PortClaim) -> Level:
    if one.is_dormant or other.is_dormant or (there.derived and not here.on_host):
        return "note"
    return "error" if here.is_certain and there.is_certain else "warning"


def _consequence(here: PortClaim, there: PortClaim) -> str:
    if here.is_certain and there.is_certain:
        return "the one that starts second does not get the port"
    if here.on_host and there.on_host:
        return "the one that needs the port second does not get it"
    return "inside its container this is harmless, but the plan gives it another port"


def _other_port(gateway: Claims, claim: PortClaim) -> Remedy:
    if gateway.is_native:
        return Remedy(f"set a port in {claim.place} that is at least 120 away from every other")
    key = claim.place.partition(":")[2]
    if claim.on_host:
        return Remedy(f"give {gateway.label} another `port` in fleet.yaml, then: ", ours("up", gateway.label))
    if claim.is_browser:
        port = gateway.cdp.get(claim.purpose.removeprefix("cdp "), gateway.spare)
        return set_port(gateway.label, key, port)
    return config_command("unset", gateway.label, key)


def _shared(one: Claims, mine: Folder, other: Claims, theirs: Folder) -> Finding:
    relation = "is" if mine.path == theirs.path else "is in" if theirs.path.is_relative_to(mine.path) else "contains"
    return Finding(
        "error", theirs.place,
        f"the {theirs.purpose} of {other.label} {relation} the {mine.purpose} of {one.label} ({mine.place})",
        "two gateways write the same files: sessions are lost, and locks keep one of them from starting",
        Remedy(f"put a separate directory for {other.label} at {theirs.place}"),
    )  # fmt: skip
