"""What a plan does not touch and a person should know: mounts that undo isolation, and what has no effect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.directory import FLEET_FILE
from idlehands_deploy.deployment.file_systems import check_file_systems
from idlehands_deploy.deployment.leftovers import find_leftovers
from idlehands_deploy.findings import Finding
from idlehands_deploy.host.file_facts import names_in
from idlehands_deploy.host.systemd import unit_texts
from idlehands_deploy.isolation.additions import check_additions
from idlehands_deploy.isolation.overrides import check_missing_browsers
from idlehands_deploy.isolation.setups import read_setup
from idlehands_deploy.planning.leftovers import check_leftovers
from idlehands_deploy.remedies import Remedy
from idlehands_deploy.targets.boot_units import watch_unit_name, watched_directory
from idlehands_deploy.targets.compose import secret_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.facts import ImageFacts
    from idlehands_deploy.fleet.model import Fleet, Profile
    from idlehands_deploy.planning.draft import Draft


def find_notes(session: Session, drafted: Draft) -> tuple[Finding, ...]:
    """What a person should know: mounts that undo isolation, and what has no effect."""
    return tuple(_notes(session, drafted))


def noted(finding: Finding) -> Remedy:
    """A finding as the lines that a plan says of it."""
    return Remedy(f"Note: {finding.place}: {finding.what}; {finding.why}\n  ").then(finding.fix)


def find_renewal(engine: Engine, fleet: Fleet, images: Mapping[str, ImageFacts]) -> Iterator[Remedy]:
    """How to renew the fleet's image, if that is to be done.

    Args:
        images: those that the engine has, by name.
    """
    from idlehands_deploy.engine.images.build import renewal  # noqa: PLC0415 - only `up` pays for it

    base = engine.image(fleet.image) if fleet.packages else None
    image = images.get(fleet.container_image)
    if image and (remedy := renewal(fleet.container_image, image, base)):
        yield remedy


def check_watch_unit(session: Session, project: str) -> Iterator[Finding]:
    """A watch's unit that names a directory which is no deployment any more, as after a move."""
    home = Path(session.environ.get("HOME", "/"))
    for path, text in unit_texts(watch_unit_name(project), home).items():
        directory = watched_directory(text)
        if directory and not (Path(directory) / FLEET_FILE).exists():
            yield Finding(
                "warning", str(path), f"watches {directory}, which is no deployment any more",
                "hung gateways are not restarted, and nobody is notified",
                Remedy.run("install", "--watch", as_root=not path.is_relative_to(home)),
            )  # fmt: skip


def unused_secrets(deployment: Deployment, name: str, profile: Profile) -> tuple[str, ...]:
    """The files in a profile's secrets directory that the fleet file does not name."""
    named = secret_names(profile)
    found = names_in(deployment.secrets_directory(name))
    return tuple(other for other in found if other not in named and not other.startswith("."))


def check_unused_secret(profile: str, secret: str) -> Finding:
    """What is said of such a file."""
    return Finding(
        "warning", f"secrets/{profile}/{secret}", "is not listed as a secret of this profile",
        "the gateway does not get it", Remedy(f"add it to profiles.{profile}.secrets in fleet.yaml, or delete it"),
    )  # fmt: skip


def _notes(session: Session, drafted: Draft) -> Iterator[Finding]:
    fleet = drafted.fleet
    yield from check_additions(session, fleet, list(fleet.profiles), drafted.user)
    yield from check_file_systems(session.deployment, fleet.profiles)
    yield from check_watch_unit(session, fleet.name)
    yield from check_leftovers(find_leftovers(session.deployment, fleet.profiles))
    for name, profile in fleet.profiles.items():
        for secret in unused_secrets(session.deployment, name, profile):
            yield check_unused_secret(name, secret)
        # Only these are worth reading a config for.
        if profile.browser.profiles and name not in drafted.new:
            setup = read_setup(session, fleet, name, drafted.ports)
            if setup.config and not setup.config.unreadable and setup.config.values:
                yield from check_missing_browsers(setup, setup.config)
