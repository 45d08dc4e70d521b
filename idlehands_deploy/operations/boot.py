"""Start the engine and the watch at boot, through systemd."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.session import select
from idlehands_deploy.engine.compose import ENGINE_VARIABLES
from idlehands_deploy.errors import UsageError
from idlehands_deploy.host.systemd import may_use, name_of
from idlehands_deploy.targets.boot_units import ENGINE_UNIT, unit_name, unit_text, watch_unit_name, watch_unit_text
from idlehands_deploy.watch.sender import check_notify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.host.systemd import Systemd


def install(session: Session, names: Sequence[str]) -> dict[str, str]:
    """Start the engine at boot for each profile, unless it already starts by itself.

    Returns:
        The result for each profile, as the rest of a sentence that starts with its name.

    Raises:
        UsageError: no systemd runs here, it cannot start the engine, or this user may not write its units.
    """
    fleet = session.fleet()
    profiles = select(fleet, names)
    systemd = session.systemd()
    _refuse_what_cannot_start(systemd)
    comes_back = f"comes back after a reboot{_once(systemd)} if it was up then"
    done = {}
    for name in profiles:
        unit = unit_name(fleet.name, name)
        if not (systemd.units / unit).exists() and systemd.starts_at_boot(ENGINE_UNIT):
            done[name] = f"{comes_back}: its engine starts by itself"
            continue
        text = unit_text(fleet.name, name, session.deployment.root, user=systemd.user)
        systemd.install(unit, text)
        done[name] = f"{comes_back}: {unit} starts its engine"
    return done


def install_watch(session: Session, metrics: str | None, dashboard: str | None = None) -> str:
    """Run the watch as a service, from now on and after each boot.

    Args:
        metrics: the address and port for metrics, as in `watch --metrics`.
        dashboard: the address and port for the page, as in `watch --dashboard`.

    Returns:
        The result, as a sentence.

    Raises:
        UsageError: no systemd runs here, or this user may not write its units.
        FleetError: the fleet file is wrong, or names a receiver of notifications that cannot be used.
    """
    fleet = session.fleet()
    select(fleet, [])
    systemd = session.systemd()
    run_as = _watch_user(session, systemd)
    check_notify(session, fleet, run_as)
    unit = watch_unit_name(fleet.name)
    command = [sys.executable, "-P", "-m", "idlehands_deploy", "-C", str(session.deployment.root), "watch"]
    command += ["--metrics", metrics] if metrics else []
    command += ["--dashboard", dashboard] if dashboard else []
    environ = {name: session.environ[name] for name in ENGINE_VARIABLES if name in session.environ}
    person = "" if run_as == os.geteuid() else name_of(run_as)
    text = watch_unit_text(fleet.name, session.deployment.root, command, environ, person, user=systemd.user)
    systemd.install(unit, text, start=True)
    whose = " --user" if systemd.user else ""
    if fleet.watch.notify.command:
        session.progress.say(
            f"watch.notify.command runs within the limits of {unit}. If it needs more (docs/health.md): "
            f"{'systemctl --user' if systemd.user else 'sudo systemctl'} edit {unit}"
        )
    return f"{unit} runs the watch now and after each boot{_once(systemd)}. Read its log: journalctl{whose} -u {unit}"


def uninstall_watch(session: Session) -> bool:
    """Stop the watch's service and remove its unit; returns whether there was one.

    Raises:
        UsageError: no systemd runs here, or this user may not write its units.
    """
    return session.systemd().uninstall(watch_unit_name(session.fleet().name))


def _watch_user(session: Session, systemd: Systemd) -> int:
    """The uid that runs the watch: the fleet file's owner if they may use the engine, so that root is the exception."""
    owner = session.deployment.fleet_file.stat().st_uid
    if systemd.user or os.geteuid() != 0:
        return os.geteuid()
    from idlehands_deploy.engine.connection import local_address  # noqa: PLC0415 - docker is slow to load

    socket = Path(local_address(session.environ).removeprefix("http+").removeprefix("unix://"))
    return owner if may_use(socket, owner) else 0


def uninstall(session: Session, names: Sequence[str]) -> dict[str, str]:
    """Remove the units that ``install`` wrote; no gateway is stopped.

    An engine that starts at boot by itself still does. Names of removed profiles are accepted, and no name means all
    profiles, with the removed ones.

    Raises:
        UsageError: no systemd runs here, or this user may not write its units.
    """
    fleet = session.fleet()
    systemd = session.systemd()
    left = _installed(systemd, fleet.name) - set(fleet.profiles)
    if known := [name for name in names if name not in left]:
        select(fleet, known)
    done = {}
    for name in dict.fromkeys(names) or [*fleet.profiles, *sorted(left)] or select(fleet, []):
        there = systemd.uninstall(unit_name(fleet.name, name))
        done[name] = "no longer starts its engine at boot" if there else "had no unit"
    return done


def _installed(systemd: Systemd, project: str) -> set[str]:
    """The profiles that have a unit, removed ones too."""
    before, _, after = unit_name(project, "*").partition("*")
    return {unit.removeprefix(before).removesuffix(after) for unit in systemd.matching(unit_name(project, "*"))}


def _refuse_what_cannot_start(systemd: Systemd) -> None:
    state = systemd.load_state(ENGINE_UNIT)
    if state == "loaded":
        return
    if state == "not-found":
        raise UsageError(
            f"systemd has no {ENGINE_UNIT}, so it cannot start the engine.",
            "Start the engine at boot in its own way: it then restarts each gateway that was up.",
        )
    command = "systemctl --user" if systemd.user else "sudo systemctl"
    if state == "masked":
        raise UsageError(
            f"{ENGINE_UNIT} is masked, so systemd refuses to start it.", f"Permit it: {command} unmask {ENGINE_UNIT}"
        )
    raise UsageError(
        f"systemd cannot start {ENGINE_UNIT}: its state is {state}.", f"See why: {command} status {ENGINE_UNIT}"
    )


def _once(systemd: Systemd) -> str:
    """The login that systemd waits for at boot, if it does."""
    if (person := systemd.waits_for) is None:
        return ""
    return f", once {person} has logged in (or at boot, after: sudo loginctl enable-linger {person}),"
