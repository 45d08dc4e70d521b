"""A fleet file with everything that follows from it, before and when it is written."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from idlehands_deploy.deployment.locks import locked
from idlehands_deploy.deployment.profile_files import check_files, container_user, make_files
from idlehands_deploy.errors import FleetError, Problem, StaleError, UsageError
from idlehands_deploy.fleet.file import (
    new_fleet_text,
    parse_text,
    project_name,
    schema_text,
    with_ports,
    with_profile,
    with_renamed_profile,
    without_profile,
)
from idlehands_deploy.fleet.model import DEFAULT_BASE_PORT
from idlehands_deploy.fleet.ports import MAIN
from idlehands_deploy.fleet.rules import check_profile_name
from idlehands_deploy.fleet.schema import json_schema
from idlehands_deploy.fleet.time_zones import zone_problems
from idlehands_deploy.host.files import read_text, staged
from idlehands_deploy.host.systemd import name_of
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.planning.leftovers import known_ports, refuse_hand_renames
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.targets.compose import build_document, render
from idlehands_deploy.targets.seccomp import seccomp_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.fleet.ports import PortPlan

# A new deployment's project, if its directory's name has no letter or digit.
NEW_NAME = "idlehands"


@dataclass(frozen=True)
class Draft:
    """A fleet with everything that follows from it, not yet written.

    Attributes:
        pinned: the profiles whose port was written into the text.
        new: the profiles that the command adds.
    """

    text: str
    fleet: Fleet
    ports: PortPlan
    user: str
    pinned: tuple[str, ...] = ()
    new: tuple[str, ...] = ()

    @cached_property
    def document(self) -> dict[str, Any]:
        """The Compose document."""
        return build_document(self.fleet, self.ports, self.user)

    @cached_property
    def compose_text(self) -> str:
        """The compose file's text."""
        return render(self.document)


def new_text(session: Session, name: str | None = None, base_port: int | None = None) -> str:
    """A fleet file without profiles for a new deployment.

    Args:
        name: of the Compose project; by default that of the directory, so that two deployments have two names.
    """
    root = session.deployment.root
    # The per-user default has the same name in every home directory.
    directory = f"{NEW_NAME}-{name_of(os.geteuid())}" if session.deployment.is_default else root.name
    return new_fleet_text(name or project_name(directory) or NEW_NAME, base_port or DEFAULT_BASE_PORT)


def make_draft(session: Session, text: str, new: Collection[str] = ()) -> Draft:
    """Draft a fleet file's text, with ports that it does not hold yet written into it.

    Args:
        new: the profiles in it that have never run.
    """
    source = str(session.deployment.fleet_file)
    fleet = parse_text(text, source, zone_problems)
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
    return Draft(text, fleet, ports, container_user(fleet, session.deployment), tuple(pinned), tuple(new))


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


def store(session: Session, drafted: Draft, *, empty_is_meant: bool = False) -> bool:
    """Write what differs, all or nothing, and make the profiles' missing files. Call it locked.

    Args:
        empty_is_meant: whether a profile that looks renamed by hand is to begin without files.

    Returns:
        Whether anything that a person reads was changed.

    Raises:
        StateRefusedError: a profile was renamed in the fleet file alone.
        FleetError: a secret is missing, or a file or directory is somebody else's; nothing is written.
        DirectoryError: something cannot be written.
    """
    deployment = session.deployment
    if not empty_is_meant:
        refuse_hand_renames(deployment, drafted.fleet, drafted.ports, drafted.new)
    check_files(deployment, drafted.fleet, drafted.user)
    # The fleet file may be a link into somebody's dotfiles; the others are ours.
    wanted = [(deployment.fleet_file.resolve(), drafted.text), *generated(session, drafted)]
    changed = [(path, text) for path, text in wanted if read_text(path) != text]
    is_new = not deployment.fleet_file.exists()
    with staged(changed):
        make_files(deployment, drafted.fleet, drafted.ports, drafted.user)
    if is_new and os.geteuid() == 0:
        session.progress.say(_whose(drafted.user))
    return bool(changed)


def _whose(user: str) -> str:
    uid = user.partition(":")[0]
    person = "" if (name := name_of(int(uid))) == uid else f" ({name})"
    return (
        f"You are root: the gateways run as {user}{person}, who owns their files. `user:` in fleet.yaml changes that."
    )


def generated(session: Session, drafted: Draft) -> list[tuple[Path, str]]:
    """The generated files, with the texts that they must have."""
    deployment = session.deployment
    return [
        (deployment.schema_file, schema_text(json_schema())),
        (deployment.seccomp_file, seccomp_text()),
        (deployment.compose_file, drafted.compose_text),
    ]


def draft_without(session: Session, name: str) -> Draft:
    """The draft without a profile, not yet written.

    Raises:
        FleetError: the profile cannot be taken out of a file of this form.
    """
    return draft_edited(
        session,
        lambda text: without_profile(text, name),
        lambda fleet: fleet.without(name),
        Problem(f"profiles.{name}", "take it out yourself: the tool cannot in a file of this form"),
    )


def draft_edited(
    session: Session, edit: Callable[[str], str], change: Callable[[Fleet], Fleet], otherwise: Problem
) -> Draft:
    """The draft of an edited fleet file, not yet written.

    Args:
        edit: edits the text.
        change: gives the fleet that the edited text must mean.
        otherwise: what to say where it does not: aliases, for one, can share a part of the file.

    Raises:
        FleetError: the edit cannot be made in a file of this form.
    """
    source, text = str(session.deployment.fleet_file), session.fleet_text()
    wanted = change(parse_text(text, source))
    with suppress(FleetError, TypeError, AttributeError, ValueError, LookupError, StopIteration):
        edited = edit(text)
        if parse_text(edited, source) == wanted:
            text = edited
    if parse_text(text, source) != wanted:
        raise FleetError(source, [otherwise])
    return make_draft(session, text)


def draft_renamed(session: Session, old: str, new: str) -> Draft:
    """The draft with another name for a profile, which keeps its port.

    Raises:
        FleetError: a file of this form cannot be edited so.
    """
    source = str(session.deployment.fleet_file)
    text = session.fleet_text()
    before = make_draft(session, text)
    wanted = before.fleet.with_ports({old: before.ports.profiles[old].base}).renamed(old, new)
    try:
        renamed = with_renamed_profile(before.text, old, new)
        if before.fleet.profiles[old].port is None:
            no_settings = not before.fleet.profiles[old].model_fields_set
            renamed = with_ports(renamed, {new: before.ports.profiles[old].base}, {new} if no_settings else ())
        if parse_text(renamed, source) == wanted:
            return make_draft(session, renamed)
    except (FleetError, TypeError, AttributeError, KeyError):
        pass
    raise FleetError(
        source, [Problem(f"profiles.{old}", f"write {new} here yourself: the tool cannot in a file of this form")]
    )


def draft_kept_port(session: Session, old: str, new: str) -> Draft:
    """The draft of a fleet file in which a person has written the new name, with the port of the old one."""
    text = session.fleet_text()
    source = str(session.deployment.fleet_file)
    fleet = parse_text(text, source)
    port = known_ports(session.deployment).get(old)
    if port is None or fleet.profiles[new].port is not None or (new == MAIN and port == fleet.base_port):
        return make_draft(session, text)
    without_settings = set() if fleet.profiles[new].model_fields_set else {new}
    return make_draft(session, _pinned(text, source, fleet, {new: port}, without_settings))


def drop(session: Session, name: str) -> None:
    """Take a profile out of the fleet file; its files stay."""
    with locked(session.deployment):
        store(session, draft_without(session, name))


def refuse_stale(session: Session, drafted: Draft) -> None:
    """See that containers can be started from the compose file as it is.

    Raises:
        StaleError: it is older than the fleet file.
    """
    if read_text(session.deployment.compose_file) != drafted.compose_text:
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
