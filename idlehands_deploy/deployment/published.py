"""Where a gateway can be reached: at what its container publishes, even if the fleet file says otherwise by now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.fleet.ports import ProfilePorts


def as_published(planned: ProfilePorts, facts: ContainerFacts | None) -> ProfilePorts:
    """A profile's ports as its container has them; the planned ones if there is no container.

    Args:
        planned: what the fleet file says now, which names the ports.
    """
    if facts is None or not facts.base:
        return planned
    moved = facts.base - planned.base
    named = {port.port + moved: port for port in planned.published}
    return replace(
        planned,
        base=facts.base,
        cdp={name: port + moved for name, port in planned.cdp.items()},
        published=tuple(
            replace(named[port], host_ip=host_ip, port=port)
            for port, host_ip in sorted(facts.published.items())
            if port in named
        ),
    )
