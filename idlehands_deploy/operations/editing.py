"""Commands that change the fleet file and what is generated from it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.directory import locked, read_text, staged
from idlehands_deploy.deployment.profile_files import check_files, container_user, make_files
from idlehands_deploy.errors import FleetError, Problem, StaleError, UsageError
from idlehands_deploy.fleet.file import (
    new_fleet_text,
    parse_text,
    schema_text,
    with_ports,
    with_profile,
    without_profile,
)
from idlehands_deploy.fleet.model import json_schema
from idlehands_deploy.fleet.ports import MAIN
from idlehands_deploy.fleet.rules import check_profile_name
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.targets.compose import build_document, render
from idlehands_deploy.targets.seccomp import seccomp_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.fleet.ports import PortPlan

NEW_NAME = "idlehands"


@dataclass(frozen=True)
class Plan:
    """A fleet with everything that follows from it, not yet written."""

    text: str
    fleet: Fleet
    ports: PortPlan
    user: str

    @property
    def compose_text(self) -> str:
        """The compose file's text."""
        return render(build_document(self.fleet, self.ports, self.user))


def make_plan(session: Session, text: str, new: Collection[str] = ()) -> Plan:
    """Plan a fleet file's text, with ports that it does not hold yet written into it.

    Args:
        new: the profiles in it that have never run.
    """
    source = str(session.deployment.fleet_file)
    fleet = parse_text(text, source)
    ports = plan_here(session, fleet, new)
    pinned = {
        name: ports.profiles[name].base
        for name, profile in fleet.profiles.items()
        if profile.port is None and (name != MAIN or ports.profiles[name].base != fleet.base_port)
    }
    if pinned:
        without_settings = {name for name in pinned if not fleet.profiles[name].model_fields_set}
        text = _pinned(text, source, fleet, pinned, without_settings)
        fleet = fleet.with_ports(pinned)
    return Plan(text, fleet, ports, container_user(fleet, session.deployment))


def _pinned(text: str, source: str, fleet: Fleet, ports: dict[str, int], without_settings: set[str]) -> str:
    """The text with these ports in it, seen to mean what it meant before: aliases can share a profile."""
    try:
        pinned = with_ports(text, ports, without_settings)
        if parse_text(pinned, source) == fleet.with_ports(ports):
            return pinned
    except (FleetError, TypeError):
        pass
    problems = [
        Problem(f"profiles.{name}.port", f"write {port} here: the tool cannot in a file of this form")
        for name, port in ports.items()
    ]
    raise FleetError(source, problems)


def store(session: Session, plan: Plan) -> bool:
    """Write what differs, all or nothing, and make the profiles' missing files. Call it locked.

    Returns:
        Whether anything that a person reads was changed.

    Raises:
        FleetError: a secret is missing, or a file or directory is somebody else's; nothing is written.
        DirectoryError: something cannot be written.
    """
    deployment = session.deployment
    check_files(deployment, plan.fleet, plan.user)
    # The fleet file may be a link into somebody's dotfiles; the others are ours.
    wanted = [(deployment.fleet_file.resolve(), plan.text), *generated(session, plan)]
    changed = [(path, text) for path, text in wanted if read_text(path) != text]
    with staged(changed):
        make_files(deployment, plan.fleet, plan.ports, plan.user)
    return bool(changed)


def generated(session: Session, plan: Plan) -> list[tuple[Path, str]]:
    """The generated files, with the texts that they must have."""
    deployment = session.deployment
    return [
        (deployment.schema_file, schema_text(json_schema())),
        (deployment.seccomp_file, seccomp_text()),
        (deployment.compose_file, plan.compose_text),
    ]


def edit(session: Session, change: Callable[[str], str], new: Collection[str]) -> Plan:
    """Change the fleet file, made if it is missing, and generate what follows from it.

    Args:
        new: the profiles that the change adds.
    """
    with locked(session.deployment):
        plan = make_plan(session, change(_text(session)), new)
        store(session, plan)
    return plan


def init(session: Session, names: Sequence[str]) -> Plan:
    """Make a deployment with these profiles.

    Raises:
        UsageError: there is one already.
    """
    if session.deployment.fleet_file.exists():
        raise UsageError(
            f"There is a fleet file already: {session.deployment.fleet_file}",
            Remedy("Add to it: ", ours("add", "NAME"), "   (or make another with -C DIRECTORY)"),
        )
    for name in names:
        check_name(name)
    plan = edit(session, lambda text: with_profiles(text, names), names)
    if MAIN in names and (port := plan.ports.profiles[MAIN].base) != plan.fleet.base_port:
        session.progress.say(
            Remedy(
                f"{MAIN} is on {port}: {plan.fleet.base_port} is that of a native gateway, see `",
                ours("ports"),
                "`.",
            )
        )
    return plan


def add(session: Session, name: str, port: int | None, rescues: Sequence[str]) -> Plan:
    """Add a profile; it takes the lowest free slot unless a port is given.

    Raises:
        UsageError: there is one of that name, or the name cannot be.
    """
    check_name(name)

    def change(text: str) -> str:
        if name in parse_text(text, str(session.deployment.fleet_file)).profiles:
            raise UsageError(f"There is a profile {name} already.", Remedy("Start it: ", ours("up", name)))
        settings = {"port": port, "rescues": list(rescues) or None}
        return with_profile(text, name, {key: value for key, value in settings.items() if value is not None})

    return edit(session, change, [name])


def plan_without(session: Session, name: str) -> Plan:
    """The plan without a profile, not yet written.

    Raises:
        FleetError: the profile cannot be taken out of a file of this form.
    """
    text = session.fleet_text()
    source = str(session.deployment.fleet_file)
    fleet = parse_text(text, source)
    try:
        shorter = without_profile(text, name)
        if parse_text(shorter, source) == fleet.without(name):
            return make_plan(session, shorter)
    except (FleetError, TypeError, AttributeError):
        pass
    raise FleetError(
        source, [Problem(f"profiles.{name}", "take it out yourself: the tool cannot in a file of this form")]
    )


def drop(session: Session, name: str) -> None:
    """Take a profile out of the fleet file; its files stay."""
    with locked(session.deployment):
        store(session, plan_without(session, name))


def generate(session: Session) -> bool:
    """Bring the generated files up to date.

    Returns:
        Whether anything changed.
    """
    session.fleet_text()  # a directory without a fleet file is not even locked
    with locked(session.deployment):
        return store(session, make_plan(session, session.fleet_text()))


def check_generated(session: Session) -> None:
    """See that the generated files are what the fleet file says; writes nothing.

    Raises:
        StaleError: they are not; the message holds the difference.
    """
    differences: list[str] = []
    for path, text in generated(session, make_plan(session, session.fleet_text())):
        old = (read_text(path) or "").splitlines(keepends=True)
        new = text.splitlines(keepends=True)
        differences += difflib.unified_diff(old, new, path.name, f"{path.name} as generated")
    if differences:
        raise StaleError(
            f"{session.deployment.compose_file} is stale:\n{''.join(differences)}",
            Remedy("Renew it: ", ours("generate")),
        )


def refuse_stale(session: Session, plan: Plan) -> None:
    """See that containers can be started from the compose file as it is.

    Raises:
        StaleError: it is older than the fleet file.
    """
    if read_text(session.deployment.compose_file) != plan.compose_text:
        raise StaleError(
            f"{session.deployment.fleet_file} was changed since compose.yaml was generated from it.",
            Remedy("Apply the change: ", ours("up")),
        )


def with_profiles(text: str, names: Sequence[str]) -> str:
    """Add profiles that take the slots which are theirs."""
    for name in names:
        text = with_profile(text, name, {})
    return text


def check_name(name: str) -> None:
    """See that a profile may have this name, before anything is locked or written.

    Raises:
        UsageError: it may not.
    """
    if problem := check_profile_name(name):
        raise UsageError(str(Problem(name, problem)), "Choose another name, such as rescue.")


def _text(session: Session) -> str:
    text = read_text(session.deployment.fleet_file)
    return new_fleet_text(NEW_NAME) if text is None else text
