"""Where a gateway meets itself or another one: ports, browsers, bots and directories that both mean to have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.findings import Finding
from idlehands_deploy.fleet.addresses import HOST
from idlehands_deploy.isolation.claims import Claim, config_command, set_port
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.findings import Level
    from idlehands_deploy.isolation.claims import Folder, Member


def meetings_within(member: Member) -> Iterator[Finding]:
    """What one gateway means to have for two purposes."""
    yield from _nested(member)
    seen: dict[int, Claim] = {}
    for claim in sorted(member.claims, key=lambda claim: claim.derived):
        other = seen.setdefault(claim.port, claim)
        # What a gateway derives goes round what it pinned; the same browser is one browser.
        if claim.derived or other.purpose == claim.purpose:
            continue
        yield Finding(
            "error", claim.place,
            f"{claim.port} is {claim.purpose} here and {other.purpose} by {other.place}",
            "one port serves one of them, and the other does not start",
            _other_port(member, claim),
        )  # fmt: skip


def _nested(member: Member) -> Iterator[Finding]:
    """A profile's workspace in its own state; a native gateway has it there from the start."""
    if not member.is_native and _overlap(*(str(folder.path) for folder in member.folders)):
        state, workspace = member.folders
        yield Finding(
            "error", workspace.place, f"shares its directory with {state.place}",
            "what agents may write then are the gateway's config and credentials",
            f"give {member.label} a directory of its own in the place of {workspace.place}",
        )  # fmt: skip


def meetings_between(one: Member, other: Member) -> Iterator[Finding]:
    """What two gateways both mean to have; ``index`` finds every pair for which there is any of it."""
    yield from _port_meetings(one, other)
    yield from _same_chromes(one, other)
    yield from _driven(one, other)
    yield from _driven(other, one)
    yield from _impersonated(one, other)
    yield from _shared_folders(one, other)


def _same_chromes(one: Member, other: Member) -> Iterator[Finding]:
    theirs = {chrome.endpoint: chrome.place for chrome in other.chromes}
    for chrome in one.chromes:
        if chrome.endpoint in theirs:
            yield Finding(
                "error", theirs[chrome.endpoint],
                f"is the same Chrome as {chrome.place}",
                f"{one.label} and {other.label} would close each other's pages and share their logins",
                "give each gateway a Chrome of its own",
            )  # fmt: skip


def _shared_folders(one: Member, other: Member) -> Iterator[Finding]:
    # A native gateway was there first.
    first, second = (other, one) if other.is_native else (one, other)
    for folder in first.folders:
        for theirs in second.folders:
            if _overlap(str(folder.path), str(theirs.path)):
                yield _shared(first, folder, second, theirs)


def _overlap(one: str, other: str) -> bool:
    """Whether one folder is the other or lies in it; as text, since pathlib would take both apart for each pair."""
    shorter, longer = sorted((one, other), key=len)
    return longer == shorter or longer.startswith(f"{shorter.rstrip('/')}/")


def _driven(one: Member, other: Member) -> Iterator[Finding]:
    """Browsers of the other's that this one means to drive."""
    theirs = {claim.port: claim for claim in other.claims if claim.is_certain and claim.is_browser}
    for chrome in one.chromes:
        if chrome.endpoint[0] == HOST and (claim := theirs.get(chrome.endpoint[1])):
            yield Finding(
                "error", chrome.place, f"is the Chrome of {other.label} ({claim.place})",
                f"{one.label} and {other.label} would close each other's pages and share their logins",
                "give each gateway a Chrome of its own",
            )  # fmt: skip


def _impersonated(one: Member, other: Member) -> Iterator[Finding]:
    """Bots of a chat service that both mean to be: one finding for a bot, however often each names it."""
    mine = {account.token: account.place for account in one.accounts}
    dormant = one.is_dormant or other.is_dormant
    for token, place in {account.token: account.place for account in other.accounts}.items():
        if token in mine:
            yield Finding(
                "note" if dormant else "error", place, f"is the same bot as {mine[token]}",
                "nothing starts the native one; if it did, each would take the other's messages" if dormant
                else f"{one.label} and {other.label} take each other's messages",
                f"make a bot of its own for {one.label if other.is_native else other.label}, and give it its token",
            )  # fmt: skip


def _port_meetings(one: Member, other: Member) -> Iterator[Finding]:
    """One finding for each place that names ports of the other's, however many they are."""
    mine: dict[int, Claim] = {}
    for claim in sorted(one.claims, key=lambda claim: (claim.derived, not claim.on_host)):
        mine.setdefault(claim.port, claim)
    told: set[str] = set()
    for theirs in sorted(other.claims, key=lambda claim: (claim.derived, not claim.on_host)):
        met = mine.get(theirs.port)
        if met is None or met.is_private or theirs.is_private:
            continue
        (owner, here), (who, there) = _order((one, met), (other, theirs))
        if here.place in told:
            continue
        told.add(here.place)
        yield Finding(
            _gravity(one, other, here, there), here.place,
            f"{here.port} ({here.purpose} of {owner.label}) is {there.purpose} of {who.label} by {there.place}",
            "nothing starts the native one; if it did, there would be one port for two" if one.is_dormant
            or other.is_dormant else _port_harm(here, there),
            _other_port(owner, here),
        )  # fmt: skip


def _order(one: tuple[Member, Claim], other: tuple[Member, Claim]) -> tuple[tuple[Member, Claim], tuple[Member, Claim]]:
    """The one to change first: a config before the plan, a profile before a native gateway, else the later one."""

    def stays(of: tuple[Member, Claim]) -> tuple[bool, bool]:
        return (of[1].on_host, of[0].is_native)

    return (one, other) if stays(one) < stays(other) else (other, one)


def _gravity(one: Member, other: Member, here: Claim, there: Claim) -> Level:
    if one.is_dormant or other.is_dormant or (there.derived and not here.on_host):
        return "note"
    return "error" if here.is_certain and there.is_certain else "warning"


def _port_harm(here: Claim, there: Claim) -> str:
    if here.is_certain and there.is_certain:
        return "whichever starts second does not get it"
    if here.on_host and there.on_host:
        return "whichever needs it second does not get it"
    return "inside its container it harms nobody, but it is not the port that the plan gives it"


def _other_port(member: Member, claim: Claim) -> Remedy:
    if member.is_native:
        return Remedy(f"give it a port 120 away from any other, where it has this one from: {claim.place}")
    key = claim.place.partition(":")[2]
    if claim.on_host:
        return Remedy(f"give {member.label} another `port` in fleet.yaml, then: ", ours("up", member.label))
    if claim.is_browser:
        port = member.cdp.get(claim.purpose.removeprefix("cdp "), member.spare)
        return set_port(member.label, key, port)
    return config_command(member.label, "unset", key)


def _shared(one: Member, mine: Folder, other: Member, theirs: Folder) -> Finding:
    relation = "is" if mine.path == theirs.path else "lies in" if theirs.path.is_relative_to(mine.path) else "holds"
    return Finding(
        "error", theirs.place,
        f"the {theirs.purpose} of {other.label} {relation} the {mine.purpose} of {one.label} ({mine.place})",
        "two gateways write to the same files: sessions are lost, and locks keep one of them from starting",
        f"give {other.label} a directory of its own in the place of {theirs.place}",
    )  # fmt: skip
