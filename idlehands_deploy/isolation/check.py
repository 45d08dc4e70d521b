"""Whether the gateways of this host keep to themselves: the documentation's isolation checklist, as findings.

What a gateway of ours takes follows from the fleet file; a person's own config can bring back each mistake that
the plan avoids, and native gateways know nothing of the plan.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idlehands_deploy.fleet.addresses import HOST
from idlehands_deploy.isolation.claims import native_member, profile_member
from idlehands_deploy.isolation.index import pairs_in_common
from idlehands_deploy.isolation.meetings import meetings_between, meetings_within
from idlehands_deploy.isolation.overrides import check_overrides

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from idlehands_deploy.findings import Finding
    from idlehands_deploy.isolation.claims import Chrome, Member, Native, Setup


def check_isolation(
    setups: Sequence[Setup], natives: Sequence[Native], here: Callable[[], Collection[str]] = tuple
) -> list[Finding]:
    """Everything that one gateway shares with another, or that leaves what the plan gives it.

    One mistake is one finding: what meets another gateway is not reported as leaving the plan as well.

    Args:
        here: gives the addresses of this host: a Chrome at one of them is the same by any other. Asked for only
            where there is one to compare.
    """
    members = [*map(profile_member, setups), *map(native_member, natives)]
    if any(member.chromes for member in members):
        addresses = here()
        members = [_at_home(member, addresses) for member in members]
    found = [finding for member in members for finding in meetings_within(member)]
    found += [finding for one, other in pairs_in_common(members) for finding in meetings_between(one, other)]
    told = {finding.place for finding in found}
    return found + [finding for setup in setups for finding in check_overrides(setup) if finding.place not in told]


def _at_home(member: Member, here: Collection[str]) -> Member:
    def named(chrome: Chrome) -> Chrome:
        host, port, rest = chrome.endpoint
        return chrome._replace(endpoint=(HOST, port, rest)) if host in here else chrome

    return replace(member, chromes=tuple(map(named, member.chromes)))
