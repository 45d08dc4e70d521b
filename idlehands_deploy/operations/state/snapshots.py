"""`snapshots` and `rollback`: what a gateway can go back to, and going back."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import DeployError, StateRefusedError
from idlehands_deploy.fleet.values import age_seconds
from idlehands_deploy.health.readiness import wait_for
from idlehands_deploy.operations.lifecycle import Prepared, UpResult, tell, watched
from idlehands_deploy.planning.draft import make_draft
from idlehands_deploy.planning.guards.refusals import refuse_moved
from idlehands_deploy.planning.steps import Plan, Step
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.state import snapshots as store
from idlehands_deploy.state.images import ImageChange, draft_with_image, lasting_name
from idlehands_deploy.state.plans import plan_rollback, plan_snapshot
from idlehands_deploy.state.subject import find_subject
from idlehands_deploy.state.transaction import UndoError, carry_out_whole, recover, state_locked
from idlehands_deploy.state.trees import measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.events import DeathWatch
    from idlehands_deploy.state.snapshots import Snapshot


def list_snapshots(session: Session, names: Sequence[str]) -> list[Snapshot]:
    """Every snapshot of these profiles, the oldest of each first."""
    return [one for name in select(session.fleet(), names) for one in store.find_snapshots(session.deployment, name)]


def prepare_create(session: Session, name: str, label: str = "") -> Prepared:
    """What `snapshots create` would do for one profile.

    Raises:
        StateRefusedError: its directories cannot be copied as they are, or the disk has no space.
    """
    look = _look(session, name)
    return Prepared(look, plan_snapshot(find_subject(look, name, "by hand", label=label)), [name])


def plan_all(session: Session, names: Sequence[str], label: str = "") -> Plan:
    """What `snapshots create` would do, one profile after the other."""
    order = select(session.fleet(), names)
    return Plan(tuple(step for name in order for step in prepare_create(session, name, label).plan.steps))


def create(session: Session, names: Sequence[str], label: str = "") -> list[Snapshot]:
    """Take a snapshot of each profile; a running gateway is frozen while its files are copied.

    Returns:
        The new snapshots.

    Raises:
        StateRefusedError: as in `prepare_create`.
    """
    made = []
    for name in select(session.fleet(), names):
        with state_locked(session, name) as held:
            prepared = tell(prepare_create(session, name, label))
            look = prepared.look
            with look.engine.watch_deaths(look.fleet.name) as watch:
                carry_out_whole(look, watch, "snapshot", name, prepared.plan, held)
        made.append(_chosen(session, name, prepared.plan.changes[-1].how[2].rpartition("/")[2]))
        prune_after(session, name)
    return made


def prepare_prune(session: Session, names: Sequence[str]) -> tuple[Plan, list[Snapshot]]:
    """What is deleted by the fleet file's rules, as a plan and as values."""
    fleet = session.fleet()
    oldest = time.time() - age_seconds(fleet.snapshots.age) if fleet.snapshots.age else 0.0
    found = [
        snapshot
        for name in select(fleet, names)
        for snapshot in store.superfluous(store.find_snapshots(session.deployment, name), fleet.snapshots.keep, oldest)
    ]
    cause = f"the {fleet.snapshots.keep} newest are kept" + (
        f", for {fleet.snapshots.age}" if fleet.snapshots.age else ""
    )
    steps = [Step(one.profile, f"snapshot {one.id} deleted", cause, ("forget", one.id)) for one in found]
    return Plan(tuple(steps)), found


def prune(session: Session, names: Sequence[str]) -> list[Snapshot]:
    """Delete the snapshots of these profiles that the fleet file's rules do not keep, and say so.

    Returns:
        Those that were deleted.
    """
    deleted = []
    for name in select(session.fleet(), names):
        # A rollback may be copying one of them.
        with state_locked(session, name):
            plan, found = prepare_prune(session, [name])
            for line in plan.lines:
                session.progress.say(line)
            store.delete(session.deployment, found)
            store.delete_leftovers(session.deployment, name)
        deleted += found
    return deleted


def prune_after(session: Session, name: str) -> None:
    """The same after a snapshot was made, which is a success whatever becomes of the older ones."""
    try:
        prune(session, [name])
    except DeployError as error:
        session.progress.say(Remedy(f"Old snapshots of {name} stay: {error.what}\n").then(error.remedy))


def relabel(session: Session, name: str, wanted: str, label: str) -> Snapshot:
    """Give a snapshot a label; an empty one takes it away."""
    with state_locked(session, name):
        snapshot = _chosen(session, name, wanted)
        store.relabel(session.deployment, snapshot, label)
    return _chosen(session, name, snapshot.id)


def prepare_rollback(
    session: Session, name: str, wanted: str | None, timeout: float, engine: Engine | None = None
) -> Prepared:
    """What `rollback` would do.

    Args:
        wanted: a snapshot's id, the beginning of it, or its label; None for the newest.
        timeout: how long the gateway may take to be ready; seconds.

    Raises:
        UsageError: there is no such snapshot.
        StateRefusedError: the gateway is frozen, or of another version than the snapshot's; or as in `prepare_create`.
    """
    to = _chosen(session, name, wanted)
    look = _look(session, name, engine)
    facts = look.containers.get(name)
    if facts and facts.state == "paused":
        raise StateRefusedError(
            f"{name} is paused, and has its files open.", Remedy("Let it end: ", ours("stop", name))
        )
    change = _image_of(look, name, to)
    if change:
        draft_with_image(session, name, change.setting)  # before anything is stopped
    subject = find_subject(look, name, f"before a rollback to {to.id}", copied=to.size or _size(session, to))
    return Prepared(look, plan_rollback(subject, to, timeout, change), [name])


def rollback(session: Session, name: str, wanted: str | None, timeout: float) -> UpResult | None:
    """Put a snapshot in the place of a profile's state, which becomes a snapshot itself.

    A gateway that ran must be ready with it, or everything is put back.

    Args:
        wanted, timeout: as in `prepare_rollback`.

    Returns:
        How its gateway is now; None if it did not run.

    Raises:
        UsageError, StateRefusedError: as in `prepare_rollback`; nothing was changed.
        NotReadyError: the gateway was not ready with it; everything is as it was before.
    """
    with watched(session, session.fleet()) as (engine, watch), state_locked(session, name) as held:
        prepared = tell(prepare_rollback(session, name, wanted, timeout, engine))
        look = prepared.look
        runs = any(step.verb == "prove" for step in prepared.plan.steps)
        try:
            carry_out_whole(look, watch, "rollback", name, prepared.plan, held)
        except UndoError:
            raise
        except DeployError:
            if runs:
                tell_of_return(look, watch, name, timeout)
            raise
        if not runs:
            return None
        waited = wait_for(look.again(), watch, [name], timeout)
        return UpResult(look.ports, waited.seen, waited.failure)


def tell_of_return(look: Look, watch: DeathWatch, name: str, timeout: float) -> None:
    """Wait for a gateway that was put back, and say how it is."""
    with suppress(DeployError):  # the failure that it was put back for is told, not this one
        seen = wait_for(look.again(), watch, [name], timeout).seen[0]
        look.session.progress.say(f"{name}: put back, with its gateway and its state; it is {seen.verdict.state}")


def recover_interrupted(session: Session, *, must: bool) -> None:
    """Undo what was being done to profiles' states when the tool was ended, and say so.

    Args:
        must: whether it is an error that something cannot be undone; otherwise that is only said.

    Raises:
        DeployError: something cannot be undone.
    """
    try:
        for said in recover(session):
            session.progress.say(said)
    except DeployError as error:
        if must:
            raise
        session.progress.say(Remedy(f"{error.what}\n").then(error.remedy))


def _chosen(session: Session, name: str, wanted: str | None) -> Snapshot:
    select(session.fleet(), [name])
    return store.choose(store.find_snapshots(session.deployment, name), name, wanted)


def _size(session: Session, snapshot: Snapshot) -> int:
    """What a snapshot with a damaged record takes; bytes."""
    return measure(session.deployment.snapshots_directory(snapshot.profile) / snapshot.id).size


def _image_of(look: Look, name: str, to: Snapshot) -> ImageChange | None:
    """The change to the gateway that used a snapshot; None if it is of the version that the profile has."""
    facts = look.containers.get(name)
    configured = look.engine.image(look.fleet.image_of(name))
    now_id = facts.image_id if facts else configured.id if configured else ""
    now = (facts.version if facts else configured.version if configured else "") or "an unknown version"
    if to.image == now_id or (to.version and now == to.version) or not (to.image or to.version):
        return None
    image = (look.engine.image(to.image) if to.image else None) or look.engine.image(to.reference)
    if image is None:
        raise StateRefusedError(
            f"Snapshot {to.id} is of gateway {to.version or to.reference}, {name} is {now}, and the engine no longer "
            "has that image.",
            Remedy("Build it: ", ours("image", "build", "--tag", to.reference)),
        )
    setting, keeping = lasting_name(look.engine, image.id, to.reference, to.version)
    old = look.fleet.profiles[name].image or ""
    if facts:
        old, also = lasting_name(look.engine, facts.image_id, facts.image, facts.version)
        keeping |= also
    return ImageChange(setting, f"gateway {now} exchanged for {to.version or setting}", setting, old, keeping)


def _look(session: Session, name: str, engine: Engine | None = None) -> Look:
    drafted = make_draft(session, session.fleet_text())
    look = take_look(session, drafted.fleet, drafted.ports, engine)
    refuse_moved(look, [name])
    return look
