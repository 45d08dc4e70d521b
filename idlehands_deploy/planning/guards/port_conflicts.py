"""Ports of the plan against what listens on this host now."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from idlehands_deploy.errors import PortConflictError
from idlehands_deploy.host.network.sockets import listen_error, process_on
from idlehands_deploy.host.programs.tools import listener_command
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from idlehands_deploy.engine.facts import PortHolder
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.fleet.ports import PortPlan, PublishedPort


def refuse_taken_ports(
    fleet: Fleet, plan: PortPlan, profiles: Sequence[str], holders: Mapping[int, Sequence[PortHolder]]
) -> None:
    """See that each profile can have its ports, or has them already.

    Raises:
        PortConflictError: naming every port that is taken and who holds it.
    """
    conflicts = [
        f"{port.host_ip}:{port.port} ({port.purpose} of {name}): {problem}"
        for name in profiles
        for port, problem in taken_ports(fleet, plan, name, holders)
    ]
    if conflicts:
        raise PortConflictError(
            "Ports that the plan needs are taken:\n" + "\n".join(f"  {line}" for line in conflicts),
            _remedy(_orphans(fleet, plan, profiles, holders)),
        )


def _orphans(
    fleet: Fleet, plan: PortPlan, profiles: Sequence[str], holders: Mapping[int, Sequence[PortHolder]]
) -> list[str]:
    """The names without a profile whose containers hold a port that is needed."""
    ports = [port.port for name in profiles for port in plan.profiles[name].published]
    held = [holder for port in ports for holder in holders.get(port, ()) if holder.project == fleet.name]
    return list(dict.fromkeys(holder.profile for holder in held if holder.profile not in fleet.profiles))


def _remedy(orphans: Sequence[str]) -> Remedy:
    other = "give the profile another `port` in fleet.yaml."
    if not orphans:
        return Remedy(f"Stop what holds them, or {other}")
    return Remedy("Remove the container that no profile names: ", ours("down", *orphans), f"   (or {other})")


def taken_ports(
    fleet: Fleet, plan: PortPlan, profile: str, holders: Mapping[int, Sequence[PortHolder]]
) -> Iterator[tuple[PublishedPort, str]]:
    """The ports that a profile cannot have now, each with who holds it."""
    for port in plan.profiles[profile].published:
        if problem := _problem(fleet, profile, port, holders):
            yield port, problem


def _problem(
    fleet: Fleet, profile: str, port: PublishedPort, holders: Mapping[int, Sequence[PortHolder]]
) -> str | None:
    others = holders.get(port.port, [])
    if any((holder.project, holder.profile) == (fleet.name, profile) for holder in others):
        return None
    error = listen_error(port.host_ip, port.port)
    if error is None:
        return None
    if error == errno.EADDRNOTAVAIL:
        return "this host has no such address; see `bind` in fleet.yaml"
    if others:
        is_orphan = others[0].project == fleet.name and others[0].profile not in fleet.profiles
        return f"held by container {others[0].container}" + (", which no profile names" if is_orphan else "")
    if process := process_on(port.port):
        return f"held by {process}"
    command = listener_command(port.port)
    return "held by a process that cannot be seen from here" + (f"; see for yourself: {command}" if command else "")
