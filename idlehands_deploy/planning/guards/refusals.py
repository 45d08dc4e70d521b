"""What would fail halfway is refused before anything is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.errors import StateRefusedError
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.look import Look


def refuse_conflicts(look: Look, profiles: Sequence[str]) -> None:
    """See that each profile can have its ports, or has them already.

    Raises:
        PortConflictError: naming every port that is taken and who holds it.
    """
    from idlehands_deploy.planning.guards.port_conflicts import refuse_taken_ports  # noqa: PLC0415

    refuse_taken_ports(look.fleet, look.ports, profiles, look.engine.holders())


def refuse_moved(look: Look, profiles: Sequence[str]) -> None:
    """See that each profile's container can start again as it is: its mounts are where they were.

    Raises:
        StateRefusedError: the deployment directory was moved.
    """
    moved = [name for name in profiles if (facts := look.containers.get(name)) and facts.moved]
    if moved:
        raise StateRefusedError(
            f"The deployment directory was moved from {look.containers[moved[0]].directory}, "
            f"and containers still use that path: {' '.join(moved)}",
            Remedy("Make them again from here, with all their files: ", ours("up", *moved)),
        )
