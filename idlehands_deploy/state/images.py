"""Which gateway a profile has, which one it is to have, and the names under which both are found."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idlehands_deploy.contract import KEPT_REPOSITORY
from idlehands_deploy.engine.details import short_id
from idlehands_deploy.errors import Problem
from idlehands_deploy.fleet.text.image_edits import with_fleet_image, with_image
from idlehands_deploy.planning.draft import draft_edited

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.planning.draft import Draft


@dataclass(frozen=True)
class ImageChange:
    """From one image to another.

    Attributes:
        reference: the name of the new image.
        said: what happens, as a past participle.
        setting: the profile's `image` in the fleet file from now on; empty for none.
        old: the name of the old image, which the fleet file gets if the profile goes back; empty if there is none.
        keeping: the ids of images by the names that keep them, as far as they have no lasting one.
        is_missing: whether the engine does not have the new image yet.
        failed: the record of what a gateway that was not ready leaves.
    """

    reference: str
    said: str
    setting: str
    old: str
    keeping: Mapping[str, str] = field(default_factory=dict)
    is_missing: bool = False
    failed: Mapping[str, object] = field(default_factory=dict)


def lasting_name(engine: Engine, image_id: str, name: str, version: str) -> tuple[str, dict[str, str]]:
    """A name of an image that stays its own.

    Args:
        name: the one that it was used by, which may be another's now.

    Returns:
        The name, and the image's id by it if it has still to be given that name.
    """
    found = engine.image(name) if name else None
    if found and found.id == image_id:
        return name, {}
    told = re.sub(r"[^A-Za-z0-9.]", "-", version).strip("-.") or "unknown"
    kept = f"{KEPT_REPOSITORY}:{told}-{short_id(image_id).rpartition(':')[2]}"
    return kept, {kept: image_id}


def draft_with_image(session: Session, name: str, image: str | None) -> Draft:
    """The draft with another image for a profile, not yet written; None for the fleet's.

    Raises:
        FleetError: a file of this form cannot be edited so.
    """
    said = f"write `image: {image}` here" if image else "take `image` out"
    return draft_edited(
        session,
        lambda text: with_image(text, name, image),
        lambda fleet: fleet.with_image(name, image),
        Problem(f"profiles.{name}", f"{said} yourself: the tool cannot in a file of this form"),
    )


def draft_with_fleet_image(session: Session, image: str) -> Draft:
    """The draft with another image for the fleet, and none of its own for any profile.

    Raises:
        FleetError: a file of this form cannot be edited so.
    """
    return draft_edited(
        session,
        lambda text: with_fleet_image(text, image, session.fleet().profiles),
        lambda fleet: fleet.with_one_image(image),
        Problem("image", f"write {image} here yourself: the tool cannot in a file of this form"),
    )
