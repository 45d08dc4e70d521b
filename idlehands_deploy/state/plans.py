"""The plans of what is done to a profile's state. Pure: nothing here touches a file, the engine or the clock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from idlehands_deploy.planning.plans import UP, haste
from idlehands_deploy.planning.steps import SAID, Plan, Step
from idlehands_deploy.state.journal import COMMIT
from idlehands_deploy.text import file_size, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idlehands_deploy.state.images import ImageChange
    from idlehands_deploy.state.snapshots import Snapshot
    from idlehands_deploy.state.subject import Subject

# What a person reads; the same in each plan.
DIRECTORIES = "state, workspace and home"


def plan_snapshot(subject: Subject) -> Plan:
    """Copy a profile's directories; a running gateway is frozen meanwhile, so that its databases are whole."""
    name = subject.profile
    before, after, downtime = _still(subject)
    copied = Step(
        name, f"snapshot {subject.new} taken of {DIRECTORIES} ({file_size(subject.size)})", "",
        ("copy", subject.here, subject.making, str(subject.size)), downtime,
    )  # fmt: skip
    return Plan((_make(subject), *before, copied, *after, _note(subject), _commit(subject), _place(subject)))


def plan_rollback(subject: Subject, to: Snapshot, timeout: float, change: ImageChange | None = None) -> Plan:
    """Put a snapshot in the place of a profile's directories, which become a snapshot themselves.

    Args:
        timeout: how long the gateway may take to be ready; seconds.
        change: to the gateway that used the snapshot; None if the profile has it.
    """
    name, source = subject.profile, f"snapshots/{subject.profile}/{to.id}"
    copied = Step(
        name, f"snapshot {to.id} copied ({file_size(to.size)})", "",
        ("copy", source, subject.incoming, str(to.size)),
    )  # fmt: skip
    exchanged = Step(
        name, f"{DIRECTORIES} exchanged for those of {to.id}; what is there now becomes snapshot {subject.new}", "",
        ("exchange", *_ways(subject)), undo=("exchange-back", *_ways(subject)),
    )  # fmt: skip
    before = (*_keep(subject, change), _make(subject), _make_incoming(subject), copied, *_away(subject, change))
    after = (*_gateway(subject, change), *_back(subject, timeout, change))
    return Plan((*before, exchanged, _note(subject), *after, *_end(subject)))


def plan_upgrade(
    subject: Subject, change: ImageChange, timeout: float, contents: Mapping[str, int] | None, *, deep: bool
) -> Plan:
    """Let another gateway take over a copy of a profile's state; the original becomes a snapshot.

    Args:
        timeout: how long the gateway may take to be ready; seconds.
        contents: what it must have at least, as in `count_contents`; None if that is not to be counted.
        deep: whether it must pass a deep check, too.
    """
    name = subject.profile
    image = Step(change.reference, "image pulled or built", "the engine does not have it", ("image",))
    copied = Step(
        name, f"{DIRECTORIES} copied ({file_size(subject.size)}); the originals become snapshot {subject.new}", "",
        ("copy", subject.here, subject.incoming, str(subject.size)),
    )  # fmt: skip
    exchanged = _quiet(subject, ("exchange", *_ways(subject)), ("exchange-back", *_ways(subject)))
    to = Step(name, change.said, "", ("set-image", change.setting), undo=("set-image", change.old))
    made = "container recreated" if subject.state else "container created"
    # Without the container, whoever starts it later gets one of the old image.
    created = Step(name, made, "", UP, undo=_stop_now() if subject.runs else ("down", *haste(now=True)))
    again = None if subject.runs else Step(name, "stopped again", "it did not run before", ("stop",))
    steps = (
        image if change.is_missing else None, *_keep(subject, change), _make(subject), _make_incoming(subject),
        *_away(subject, change), copied, exchanged, _note(subject), to, _mark(subject, change.failed), created,
        *_proofs(subject, timeout, contents, deep=deep), again, *_end(subject),
    )  # fmt: skip
    return Plan(tuple(step for step in steps if step))


def _keep(subject: Subject, change: ImageChange | None) -> tuple[Step, ...]:
    """The old image, and the new one, under names of their own."""
    kept = change.keeping if change else {}
    return tuple(_quiet(subject, ("keep-image", image, name)) for name, image in kept.items())


def _gateway(subject: Subject, change: ImageChange | None) -> tuple[Step, ...]:
    if change is None:
        return ()
    to = Step(subject.profile, change.said, "", ("set-image", change.setting), undo=("set-image", change.old))
    if subject.runs or not subject.state:
        return (to,)
    return to, Step(subject.profile, "container removed", "it is of the other image", ("down",))


def _away(subject: Subject, change: ImageChange | None) -> tuple[Step, ...]:
    if not subject.runs:
        return ()
    undo = ("back", subject.image_id, change.old if change else "")
    return (Step(subject.profile, SAID["stop"], "", ("stop",), subject.downtime, undo),)


def _back(subject: Subject, timeout: float, change: ImageChange | None) -> tuple[Step, ...]:
    if not subject.runs:
        return ()
    what, how = ("container recreated", UP) if change else (SAID["start"], ("start",))
    started = Step(subject.profile, what, "", how, undo=_stop_now())
    record = {**subject.record, "reason": "what a gateway made of a rollback that was undone", "proven": False}
    return _mark(subject, record), started, *_proofs(subject, timeout, None, deep=False)


def _still(subject: Subject) -> tuple[tuple[Step, ...], tuple[Step, ...], str]:
    """What keeps a gateway from writing during a copy, what lets it go on, and what that means for those who use it."""
    if subject.state == "running":
        frozen = "its gateway is frozen meanwhile"
        return (_quiet(subject, ("pause",), ("unpause",)),), (_quiet(subject, ("unpause",)),), frozen
    if subject.state == "restarting":  # it would start again in the middle
        back = ("back", subject.image_id, "")
        return (_quiet(subject, ("stop",), back),), (_quiet(subject, back),), "its gateway is stopped meanwhile"
    return (), (), ""


def _proofs(subject: Subject, timeout: float, contents: Mapping[str, int] | None, *, deep: bool) -> tuple[Step, ...]:
    wanted = [f"be ready within {timeout:.0f} s"]
    wanted += ["pass `health --deep`"] if deep else []
    wanted += ["have no fewer sessions and jobs"] if contents is not None else []
    proven = Step(subject.profile, f"must {listed(wanted)}, or all is put back as it was", "", ("prove", str(timeout)))
    also = [_quiet(subject, ("prove-deep",))] if deep else []
    also += [_quiet(subject, ("prove-contents", json.dumps(contents)))] if contents else []
    return proven, *also


def _stop_now() -> tuple[str, ...]:
    return ("stop", *haste(now=True))


def _quiet(subject: Subject, how: tuple[str, ...], undo: tuple[str, ...] = ()) -> Step:
    """A step that nobody needs to read."""
    return Step(subject.profile, "", "", how, undo=undo)


def _make(subject: Subject) -> Step:
    return _quiet(subject, ("make", subject.making), ("delete", subject.making))


def _note(subject: Subject) -> Step:
    return _quiet(subject, ("note", subject.making, json.dumps(subject.record)))


def _commit(subject: Subject) -> Step:
    """From here on it is finished, and not undone."""
    return _quiet(subject, (COMMIT,))


def _place(subject: Subject) -> Step:
    return _quiet(subject, ("place", subject.making, subject.made))


def _make_incoming(subject: Subject) -> Step:
    """The place of what comes in. What a gateway made of it is worth a look, if it was not kept."""
    return _quiet(subject, ("make", subject.incoming), ("set-aside", subject.incoming, f"{subject.made}-failed"))


def _mark(subject: Subject, record: Mapping[str, object]) -> Step:
    return _quiet(subject, ("mark", subject.incoming, json.dumps(record)))


def _end(subject: Subject) -> tuple[Step, ...]:
    return _commit(subject), _place(subject), _quiet(subject, ("delete", subject.incoming))


def _ways(subject: Subject) -> tuple[str, str]:
    return subject.incoming, subject.making
