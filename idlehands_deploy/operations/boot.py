"""See that gateways come back with the host, where the engine does not by itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import UsageError
from idlehands_deploy.host.systemd import Systemd, may_use, name_of
from idlehands_deploy.targets.boot_units import ENGINE_UNIT, unit_name, unit_text, watch_unit_name, watch_unit_text
from idlehands_deploy.watch.sender import check_notify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.session import Session

# What says which engine is meant, and how it is reached.
ENGINE_VARIABLES = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


def install(session: Session, names: Sequence[str]) -> dict[str, str]:
    """Let each profile start the engine at boot, unless something does already.

    Returns:
        What was done for each profile, as a sentence's end.

    Raises:
        UsageError: no systemd runs here, it cannot start the engine, or this user may not write its units.
    """
    fleet = session.fleet()
    profiles = select(fleet, names)
    systemd = _systemd(session)
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


def install_watch(session: Session, metrics: str | None) -> str:
    """Let the host's service manager keep watch, from now on and after each boot.

    Args:
        metrics: as ``watch`` takes it.

    Returns:
        What was done.

    Raises:
        UsageError: no systemd runs here, or this user may not write its units.
        FleetError: the fleet file is wrong, or names a receiver of news that cannot be used.
    """
    fleet = session.fleet()
    select(fleet, [])
    systemd = _systemd(session)
    run_as = _watchman(session, systemd)
    check_notify(session, fleet, run_as)
    unit = watch_unit_name(fleet.name)
    command = [sys.executable, "-P", "-m", "idlehands_deploy", "-C", str(session.deployment.root), "watch"]
    command += ["--metrics", metrics] if metrics else []
    environ = {name: session.environ[name] for name in ENGINE_VARIABLES if name in session.environ}
    person = "" if run_as == os.geteuid() else name_of(run_as)
    text = watch_unit_text(fleet.name, session.deployment.root, command, environ, person, user=systemd.user)
    systemd.install(unit, text, start=True)
    whose = " --user" if systemd.user else ""
    return f"{unit} watches from now on, and after each boot{_once(systemd)}. Read it: journalctl{whose} -u {unit}"


def uninstall_watch(session: Session) -> bool:
    """Take away what ``install_watch`` wrote, and end that watch; says whether there was one.

    Raises:
        UsageError: no systemd runs here, or this user may not write its units.
    """
    return _systemd(session).uninstall(watch_unit_name(session.fleet().name))


def _watchman(session: Session, systemd: Systemd) -> int:
    """Who is to watch: whose the fleet file is if they may use the engine, so that root does no more than it must."""
    owner = session.deployment.fleet_file.stat().st_uid
    if systemd.user or os.geteuid() != 0:
        return os.geteuid()
    from idlehands_deploy.engine.connection import local_address  # noqa: PLC0415 - docker is slow to load

    socket = Path(local_address(session.environ).removeprefix("http+").removeprefix("unix://"))
    return owner if may_use(socket, owner) else 0


def uninstall(session: Session, names: Sequence[str]) -> dict[str, str]:
    """Take away what ``install`` wrote; running gateways go on, and an engine that starts by itself still does.

    A profile that has left the fleet since may be named too, and no name means those as well.

    Raises:
        UsageError: no systemd runs here, or this user may not write its units.
    """
    fleet = session.fleet()
    systemd = _systemd(session)
    left = _installed(systemd, fleet.name) - set(fleet.profiles)
    if known := [name for name in names if name not in left]:
        select(fleet, known)
    done = {}
    for name in dict.fromkeys(names) or [*fleet.profiles, *sorted(left)] or select(fleet, []):
        there = systemd.uninstall(unit_name(fleet.name, name))
        done[name] = "no longer starts its engine at boot" if there else "had no unit"
    return done


def _systemd(session: Session) -> Systemd:
    from idlehands_deploy.engine.connection import local_address  # noqa: PLC0415 - docker is slow to load

    return Systemd.of(local_address(session.environ), Path(session.environ.get("HOME", "/")))


def _installed(systemd: Systemd, project: str) -> set[str]:
    """The profiles that have a unit, whether they are in the fleet or not."""
    before, _, after = unit_name(project, "*").partition("*")
    return {unit.removeprefix(before).removesuffix(after) for unit in systemd.matching(unit_name(project, "*"))}


def _refuse_what_cannot_start(systemd: Systemd) -> None:
    state = systemd.load_state(ENGINE_UNIT)
    if state == "loaded":
        return
    if state == "not-found":
        raise UsageError(
            f"systemd knows no {ENGINE_UNIT}, so nothing can be told to start it.",
            "Let whatever runs your engine start it at boot: that brings back each gateway that was up.",
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
    """What else a gateway's return hangs on."""
    if (person := systemd.waits_for) is None:
        return ""
    return f", once {person} has logged in (or at boot, after: sudo loginctl enable-linger {person}),"
