"""What a secret may be named, whose it is, and whether something still needs it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from idlehands_deploy.contract import CONFIG_NAME, MADE_SECRETS, SECRETS_TARGET, TOKEN_SECRET
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.profile_files import container_user, user_problems
from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import EngineUnreachableError, FleetError, UsageError
from idlehands_deploy.fleet.rules import check_secret_name
from idlehands_deploy.host.file_facts import Limits, read_ordinary
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet


def check_key(name: str, key: str) -> None:
    """See that a secret may have this name. The name is not repeated: it may be the value, in the wrong place.

    Raises:
        UsageError: it may not.
    """
    if key in MADE_SECRETS:
        whose = "the gateway's own token" if key == TOKEN_SECRET else "the token of its CDP ports"
        raise UsageError(f"{key} is {whose}.", Remedy("Replace it: ", ours("token", name, "--rotate")))
    if problem := check_secret_name(key):
        raise UsageError(f"KEY cannot be that: {problem}.", "Give the profile, then the name; never the value.")


def check(session: Session, name: str, key: str) -> Fleet:
    """See that a profile may have such a secret, before anybody is asked for its value.

    Raises:
        UsageError: there is no such profile, or the name of the secret cannot be.
    """
    check_key(name, key)
    fleet = session.fleet()
    select(fleet, [name])
    if key in fleet.profiles[name].environment:
        raise UsageError(
            f"{key} is in the environment of {name} already, in plain text.",
            f"Remove it under profiles.{name}.environment in fleet.yaml, and give it a new value here.",
        )
    return fleet


def owner_of(session: Session, fleet: Fleet, name: str) -> tuple[int, int]:
    """The user and group that a profile's secrets belong to.

    Raises:
        FleetError: this user cannot give them files.
    """
    user = fleet.profiles[name].user_or(container_user(fleet, session.deployment))
    if problems := list(user_problems(name, user)):
        raise FleetError(str(session.deployment.fleet_file), problems)
    uid, gid = user.split(":")
    return int(uid), int(gid)


def refuse_used(session: Session, fleet: Fleet, name: str, key: str, *, then_up: bool) -> None:
    """See that nothing needs a secret's file.

    Raises:
        UsageError: something does.
    """
    notify = fleet.watch.notify
    for setting, target in (("webhook", notify.webhook), ("ntfy", notify.ntfy)):
        if target == f"secrets/{name}/{key}":
            raise UsageError(
                f"watch.notify.{setting} in fleet.yaml names secrets/{name}/{key}.", "Remove it there first."
            )
    if then_up:
        return
    try:
        facts = take_look(session, fleet).containers.get(name)
    except EngineUnreachableError:
        if key in fleet.profiles[name].secrets:
            raise
        return
    if facts is None or f"{SECRETS_TARGET}/{key}" not in facts.mounts:
        return
    stopped = () if facts.state == "running" else ("   (or remove its container first: ", ours("down", name), ")")
    raise UsageError(
        f"The container of {name} mounts {key}, and could not start again without its file.",
        Remedy("Recreate it without: ", ours("secret", "rm", name, key, "--up"), *stopped),
    )


def config_note(session: Session, name: str, key: str) -> str:
    """What to think of before a key is removed; empty if the profile's config does not name it."""
    state = session.deployment.state_directory(name)
    try:
        config = read_ordinary(state / CONFIG_NAME, Limits((state,))) or ""
    except OSError:
        return ""
    found = re.search(rf"(?<!\w){re.escape(key)}(?!\w)", config)
    return f"The config of {name} names {key}, and may need it." if found else ""
