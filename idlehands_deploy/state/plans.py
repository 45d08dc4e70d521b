"""The plans of what is done to a profile's state. Pure: nothing here touches a file, the engine or the clock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from idlehands_deploy.planning.plans import haste
from idlehands_deploy.planning.steps import SAID, Plan, Step
from idlehands_deploy.text import file_size

if TYPE_CHECKING:
    from idlehands_deploy.state.snapshots import Snapshot
    from idlehands_deploy.state.subject import Subject

# What a person reads; the same in each plan.
DIRECTORIES = "state, workspace and home"


def plan_snapshot(subject: Subject) -> Plan:
    """Copy a profile's directories; a running gateway is frozen meanwhile, so that its databases are whole."""
    name, freezes = subject.profile, subject.state == "running"
    pause = (_quiet(subject, ("pause",), ("unpause",)),) if freezes else ()
    go_on = (_quiet(subject, ("unpause",)),) if freezes else ()
    copied = Step(
        name, f"snapshot {subject.new} taken of {DIRECTORIES} ({file_size(subject.size)})", "",
        ("copy", subject.here, subject.making, str(subject.size)),
        downtime="its gateway is frozen meanwhile" if freezes else "",
    )  # fmt: skip
    return Plan((_make(subject), *pause, copied, *go_on, _note(subject), _place(subject)))


def plan_rollback(subject: Subject, to: Snapshot, timeout: float) -> Plan:
    """Put a snapshot in the place of a profile's directories, which become a snapshot themselves.

    Args:
        timeout: how long the gateway may take to be ready; seconds.
    """
    name, source = subject.profile, f"snapshots/{subject.profile}/{to.id}"
    copied = Step(
        name, f"snapshot {to.id} copied ({file_size(to.size)})", "",
        ("copy", source, subject.incoming, str(to.size)),
    )  # fmt: skip
    exchanged = Step(
        name, f"{DIRECTORIES} exchanged for those of {to.id}; what is there now becomes snapshot {subject.new}", "",
        ("exchange", subject.incoming, subject.making), undo=("exchange-back", subject.incoming, subject.making),
    )  # fmt: skip
    incoming = _quiet(subject, ("make", subject.incoming), ("delete", subject.incoming))
    ends = _quiet(subject, ("delete", subject.incoming), ("make", subject.incoming))
    before = (_make(subject), incoming, copied, *_away(subject))
    return Plan((*before, exchanged, _note(subject), *_back(subject, timeout), _place(subject), ends))


def _quiet(subject: Subject, how: tuple[str, ...], undo: tuple[str, ...] = ()) -> Step:
    """A step that nobody needs to read."""
    return Step(subject.profile, "", "", how, undo=undo)


def _make(subject: Subject) -> Step:
    return _quiet(subject, ("make", subject.making), ("delete", subject.making))


def _note(subject: Subject) -> Step:
    return _quiet(subject, ("note", subject.making, json.dumps(subject.record)))


def _place(subject: Subject) -> Step:
    return _quiet(subject, ("place", subject.making, subject.made), ("place", subject.made, subject.making))


def _away(subject: Subject) -> tuple[Step, ...]:
    if not subject.runs:
        return ()
    return (Step(subject.profile, SAID["stop"], "", ("stop",), subject.downtime, ("start",)),)


def _back(subject: Subject, timeout: float) -> tuple[Step, ...]:
    if not subject.runs:
        return ()
    started = Step(subject.profile, SAID["start"], "", ("start",), undo=("stop", *haste(now=True)))
    proven = Step(
        subject.profile, f"must be ready within {timeout:.0f} s, or all is put back as it was", "",
        ("prove", str(timeout)),
    )  # fmt: skip
    return started, proven
