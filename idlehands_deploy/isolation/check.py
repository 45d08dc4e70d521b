"""Whether the gateways on this host are isolated from each other: the documentation's checklist, as findings.

A profile's claims follow from the fleet file. A person's own config can still undo what the plan avoids, and native
gateways do not follow the plan at all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idlehands_deploy.fleet.addresses import HOST
from idlehands_deploy.isolation.claims import native_claims, profile_claims
from idlehands_deploy.isolation.conflicts import conflicts_between, conflicts_within
from idlehands_deploy.isolation.index import pairs_in_common
from idlehands_deploy.isolation.overrides import check_overrides
from idlehands_deploy.isolation.paths import shared_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from idlehands_deploy.findings import Finding
    from idlehands_deploy.isolation.claims import Chrome, Claims, Native, Setup


def check_isolation(
    setups: Sequence[Setup], natives: Sequence[Native], own_addresses: Callable[[], Collection[str]] = tuple
) -> list[Finding]:
    """Everything that one gateway shares with another, or that differs from the plan.

    One mistake is one finding: a conflict with another gateway is not reported as a difference from the plan too.

    Args:
        own_addresses: returns the addresses of this host, because a Chrome at one of them is the same at any other.
            Called only if there is a Chrome to compare.
    """
    gateways = [*map(_claims, setups), *map(native_claims, natives)]
    if any(gateway.chromes for gateway in gateways):
        addresses = own_addresses()
        gateways = [_with_host_name(gateway, addresses) for gateway in gateways]
    found = [finding for gateway in gateways for finding in conflicts_within(gateway)]
    found += [finding for one, other in pairs_in_common(gateways) for finding in conflicts_between(one, other)]
    reported = {finding.place for finding in found}
    return found + [finding for setup in setups for finding in check_overrides(setup) if finding.place not in reported]


def _claims(setup: Setup) -> Claims:
    claims = profile_claims(setup)
    return replace(claims, folders=(*claims.folders, *shared_folders(setup)))


def _with_host_name(gateway: Claims, addresses: Collection[str]) -> Claims:
    """The claims with each Chrome on this host under the same host name."""

    def renamed(chrome: Chrome) -> Chrome:
        host, port, rest = chrome.endpoint
        return chrome._replace(endpoint=(HOST, port, rest)) if host in addresses else chrome

    return replace(gateway, chromes=tuple(map(renamed, gateway.chromes)))
