"""What containers were made from, against what they would be made from now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.deployment.directory import read_text
from idlehands_deploy.deployment.profile_files import secrets_changed_at
from idlehands_deploy.doctor.checks.running import check_drift
from idlehands_deploy.engine.compose import HASH_ARGUMENTS, read_hashes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.facts import ContainerFacts, ImageFacts
    from idlehands_deploy.findings import Finding
    from idlehands_deploy.fleet.model import Fleet


def find_drift(
    session: Session,
    fleet: Fleet,
    running: Mapping[str, ContainerFacts],
    hashes: Mapping[str, str],
    image: ImageFacts | None,
) -> Iterator[Finding]:
    """Running containers against compose.yaml, the image and the secrets.

    Args:
        running: by profile.
        hashes: Compose's digest of each profile's service as the file now has it; empty where it cannot tell.
        image: the fleet's, as the engine has it now.
    """
    newer = {
        name
        for name, facts in running.items()
        if secrets_changed_at(session.deployment, fleet.profiles[name], name) > facts.started
    }
    return check_drift(running, hashes, image, newer)


def compose_hashes(session: Session, fleet: Fleet, compose_text: str) -> dict[str, str]:
    """Compose's digest of each profile's service; empty where compose.yaml is not what the fleet file says.

    Args:
        compose_text: what the file should be.
    """
    if read_text(session.deployment.compose_file) != compose_text:
        return {}  # which is to be told for itself, and another's file need not even parse
    return read_hashes(session.compose(fleet).run(*HASH_ARGUMENTS))
