"""The facts that a plan is computed from, besides the containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idlehands_deploy.deployment.profile_files import absent_parts
from idlehands_deploy.deployment.session import meant
from idlehands_deploy.deployment.starts import secret_change
from idlehands_deploy.health.observe import observe
from idlehands_deploy.host.files import read_text
from idlehands_deploy.planning.causes import Recipe
from idlehands_deploy.planning.draft import generated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.facts import ImageFacts
    from idlehands_deploy.planning.draft import Draft


@dataclass(frozen=True)
class FileFacts:
    """What differs between the deployment directory and a draft.

    Attributes:
        added: the profiles that are new, each with a guess at which was meant, or nothing.
        pinned: the profiles whose port is to be written into the fleet file.
        missing: names of files that do not exist.
        stale: names of generated files that do, with another content.
        absent: what is missing of each profile's own files, in words.
    """

    added: Mapping[str, str]
    pinned: Sequence[str]
    missing: list[str]
    stale: list[str]
    absent: Mapping[str, list[str]]


def look_at_files(session: Session, draft: Draft) -> FileFacts:
    """Compare the deployment directory with a draft."""
    missing = [] if session.deployment.fleet_file.exists() else [session.deployment.fleet_file.name]
    stale = []
    for path, text in generated(session, draft):
        if (now := read_text(path)) is None:
            missing.append(path.name)
        elif now != text:
            stale.append(path.name)
    absent = {name: absent_parts(session.deployment, name, one) for name, one in draft.fleet.profiles.items()}
    return FileFacts(
        {name: meant(name, draft.fleet) for name in draft.new},
        draft.pinned,
        missing,
        stale,
        {name: parts for name, parts in absent.items() if parts},
    )


def find_images(look: Look) -> dict[str, ImageFacts]:
    """The images that the fleet's containers are made from, by name; without those that the engine has not."""
    names = dict.fromkeys(look.fleet.image_of(name) for name in look.fleet.profiles)
    return {name: image for name in names if (image := look.engine.image(name))}


def find_recipe(look: Look, services: Mapping[str, Mapping[str, Any]], images: Mapping[str, ImageFacts]) -> Recipe:
    """What the containers are compared with.

    Args:
        services: of the Compose document.
        images: as in `find_images`.
    """
    deployment, fleet = look.session.deployment, look.fleet
    secrets = {
        name: change
        for name, facts in look.containers.items()
        if (change := secret_change(deployment, fleet.profiles[name], facts))
    }
    return Recipe(services, read_text(deployment.compose_file), images, secrets)


def find_held(look: Look, profiles: Sequence[str]) -> frozenset[str]:
    """The profiles whose gateway waits in its container for something to be fixed."""
    running = [name for name in profiles if look.state(name) == "running"]
    return frozenset(item.verdict.profile for item in observe(look, running) if item.verdict.is_held)
