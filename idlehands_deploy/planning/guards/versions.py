"""No gateway takes over the state of another version by accident: that has no way back without a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.errors import StateRefusedError
from idlehands_deploy.gateway.versions import is_version, order, state_version
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.engine.facts import ImageFacts
    from idlehands_deploy.planning.steps import Plan


def same_version(look: Look, plan: Plan, images: Mapping[str, ImageFacts]) -> Plan:
    """The plan, if each gateway that it brings up is of the version that its state is of.

    Args:
        images: those that the engine has, by name.

    Raises:
        StateRefusedError: for one that would migrate a state, or that is older than it.
    """
    for name in [step.subject for step in plan.changes if step.verb == "up"]:
        image = images.get(look.fleet.image_of(name))
        if image and image.version:
            refuse_other(name, version_of(look, name), image.version)
    return plan


def refuse_other(name: str, old: str, new: str) -> None:
    """See that a gateway is of the version that its state is of, as far as both are known.

    Raises:
        StateRefusedError: it would migrate the state, or is older than it.
    """
    if not (old and new) or old == new:
        return
    refuse_older(name, old, new)
    raise StateRefusedError(
        f"{name} is gateway {old}, and its image is {new}, which would migrate its state for good.",
        Remedy("Upgrade it, with a way back: ", ours("upgrade", name)),
    )


def version_of(look: Look, name: str) -> str:
    """The version of the gateway that used a profile's state last; empty if it is not known."""
    deployment, facts = look.session.deployment, look.containers.get(name)
    if facts and facts.version and facts.started_at:
        return facts.version
    # One that nobody has started here may be an import, whose original is still where it was.
    return state_version(deployment.state_directory(name)) if deployment.start_file(name).exists() else ""


def refuse_older(name: str, old: str, new: str) -> None:
    """See that a gateway is not older than the state that it would get.

    Raises:
        StateRefusedError: it is.
    """
    if is_version(old) and is_version(new) and order(new) < order(old):
        raise StateRefusedError(
            f"Gateway {new} is older than the state of {name}, which {old} has migrated: it would refuse to start, or "
            "begin empty.",
            Remedy("Go back to a snapshot with its gateway: ", ours("snapshots", "list", name)),
        )
