"""The plan of `up` for the containers, with what it means for those who use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.planning.downtime import with_downtimes
from idlehands_deploy.planning.guards.versions import same_version
from idlehands_deploy.planning.plans import plan_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.planning.causes import Recipe
    from idlehands_deploy.planning.steps import Plan


def plan_containers(look: Look, recipe: Recipe, profiles: Sequence[str]) -> Plan:
    """Bring each profile's container to what it would be made from now.

    Raises:
        StateRefusedError: a gateway would migrate a state, or is older than it.
    """
    return with_downtimes(look, same_version(look, plan_up(look.containers, recipe, profiles), recipe.images))
