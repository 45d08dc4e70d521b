"""`ports` and `list`: the fleet file, and the ports in use on this host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.session import select
from idlehands_deploy.host.network.sockets import own_addresses
from idlehands_deploy.isolation.check import check_isolation
from idlehands_deploy.isolation.setups import find_natives, plan_here, read_setups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.findings import Finding
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.fleet.ports import ProfilePorts
    from idlehands_deploy.isolation.claims import Native, Setup


@dataclass(frozen=True)
class PortsReport:
    """The gateways' ports on this host.

    Attributes:
        natives: gateways without a container; empty if profiles were named.
        findings: conflicts, and configs that differ from the plan; empty if profiles were named.
    """

    setups: list[Setup]
    natives: list[Native]
    findings: list[Finding]


@dataclass(frozen=True)
class Listing:
    """The profiles of the fleet file."""

    fleet: Fleet
    plans: list[ProfilePorts]


def ports(session: Session, names: Sequence[str]) -> PortsReport:
    """The ports of the profiles and of native gateways, with conflicts."""
    fleet = session.fleet()
    plan = plan_here(session, fleet)
    chosen = select(fleet, names)
    setups = {setup.name: setup for setup in read_setups(session, fleet, plan)}
    natives = [] if names else find_natives(session)
    findings = [] if names else check_isolation(list(setups.values()), natives, own_addresses)
    return PortsReport([setups[name] for name in chosen], natives, findings)


def listing(session: Session) -> Listing:
    """The profiles of the fleet file, with their ports."""
    fleet = session.fleet()
    return Listing(fleet, list(plan_here(session, fleet).profiles.values()))
