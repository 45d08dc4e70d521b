"""See that gateways come back with the host, where the engine does not by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.boot_unit import ENGINE_UNIT, unit_name, unit_text
from idlehands_deploy.engine.systemd import Systemd
from idlehands_deploy.errors import UsageError
from idlehands_deploy.operations.session import select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.operations.session import Session


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
