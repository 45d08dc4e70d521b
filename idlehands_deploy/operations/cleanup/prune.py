"""`image prune`: what builds have left on the engine is deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.errors import UsageError
from idlehands_deploy.planning.steps import Plan, Step
from idlehands_deploy.text import count, file_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.leftovers import UnnamedImage


@dataclass(frozen=True)
class Pruning:
    """What `image prune` would delete."""

    engine: Engine
    images: list[UnnamedImage]

    @property
    def plan(self) -> Plan:
        """One step an image."""
        return Plan(tuple(_removal(image) for image in self.images))

    @property
    def size(self) -> int:
        """The bytes that the images hold."""
        return sum(image.size for image in self.images)


def prepare_prune(session: Session) -> Pruning:
    """What `image prune` would do."""
    engine = session.engine()
    return Pruning(engine, engine.leftovers.images())


def prune(session: Session, confirm: Callable[[str], bool]) -> int | None:
    """Delete the unnamed images that builds have left.

    Args:
        confirm: asked before anything is deleted, after the plan was told.

    Returns:
        The bytes that were freed; None if there was nothing to delete.

    Raises:
        UsageError: it was not confirmed; nothing was deleted.
    """
    found = prepare_prune(session)
    if not found.images:
        return None
    for line in found.plan.lines:
        session.progress.say(line)
    unnamed = f"{count(len(found.images), 'unnamed image')} with {file_size(found.size)}"
    if not confirm(f"Delete {unnamed}? The next `image build` then takes minutes again."):
        raise UsageError(f"Nothing was deleted: {unnamed}.", "To delete without being asked, add --yes.")
    freed = 0
    for image in found.images:
        if reason := found.engine.leftovers.remove_image(image.id):
            session.progress.say(f"{_named(image)} stays: {reason}")
        else:
            freed += image.size
    return freed


def _removal(image: UnnamedImage) -> Step:
    why = "only the next build would use it" if image.is_stage else "a newer image has its name"
    return Step(_named(image), f"deleted, with {file_size(image.size)}", why, ("remove-image",))


def _named(image: UnnamedImage) -> str:
    what = "unnamed build stage" if image.is_stage else "earlier image"
    return f"{what} {image.id.removeprefix('sha256:')[:12]}"
