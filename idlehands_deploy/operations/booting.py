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
        UsageError: no systemd runs here, or this user may not write its units.
    """
    fleet = session.fleet()
    profiles = select(fleet, names)
    systemd = _systemd(session)
    if not systemd.knows(ENGINE_UNIT):
        raise UsageError(
            f"systemd knows no {ENGINE_UNIT}, so nothing can be told to start it.",
            "Let whatever runs your engine start it at boot: that brings back each gateway that was up.",
        )
    done = {}
    for name in profiles:
        unit = unit_name(fleet.name, name)
        if not (systemd.units / unit).exists() and systemd.starts_at_boot(ENGINE_UNIT):
            done[name] = "comes back after a reboot if it was up then: its engine starts at boot by itself"
            continue
        text = unit_text(fleet.name, name, session.deployment.root, user=systemd.user)
        systemd.install(unit, text)
        done[name] = f"comes back after a reboot if it was up then: {unit} starts its engine"
    return done


def uninstall(session: Session, names: Sequence[str]) -> dict[str, str]:
    """Take away what ``install`` wrote; running gateways go on, and an engine that starts by itself still does.

    Raises:
        UsageError: no systemd runs here, or this user may not write its units.
    """
    fleet = session.fleet()
    profiles = select(fleet, names)
    systemd = _systemd(session)
    done = {}
    for name in profiles:
        there = systemd.uninstall(unit_name(fleet.name, name))
        done[name] = "no longer starts its engine at boot" if there else "had no unit"
    return done


def _systemd(session: Session) -> Systemd:
    return Systemd.of(session.environ, Path(session.environ.get("HOME", "/")))
