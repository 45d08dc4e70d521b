"""Commands that start and stop gateways: each prepares a plan, carries it out, and waits for the gateways."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.additions import refuse_missing
from idlehands_deploy.deployment.locks import locked
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.profile_files import check_files
from idlehands_deploy.deployment.secret_values import refuse_flawed
from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import UsageError
from idlehands_deploy.health.readiness import wait_for
from idlehands_deploy.host.files import read_text
from idlehands_deploy.operations.containers import look_at_all
from idlehands_deploy.planning import draft as drafts
from idlehands_deploy.planning.containers import plan_containers
from idlehands_deploy.planning.downtime import with_downtimes
from idlehands_deploy.planning.executor import carry_out
from idlehands_deploy.planning.facts import find_held, find_images, find_recipe, look_at_files
from idlehands_deploy.planning.guards.config import accepted, note_broken
from idlehands_deploy.planning.guards.refusals import refuse_conflicts, refuse_moved
from idlehands_deploy.planning.leftovers import confirm_old_files, nobody, refuse_hand_renames
from idlehands_deploy.planning.notes import find_notes, find_renewal, noted
from idlehands_deploy.planning.plans import plan_down, plan_files, plan_restart, plan_start, plan_stop
from idlehands_deploy.planning.reach import plan_reach, record_reach
from idlehands_deploy.planning.steps import Plan
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.events import DeathWatch
    from idlehands_deploy.errors import NotReadyError
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.fleet.ports import PortPlan
    from idlehands_deploy.health.observe import Observation
    from idlehands_deploy.planning.draft import Draft


@dataclass(frozen=True)
class Prepared:
    """A command that was thought through and has changed nothing yet.

    Attributes:
        profiles: those that it is about.
        notes: what a person should know that is no reason to do anything.
    """

    look: Look
    plan: Plan
    profiles: list[str]
    notes: tuple[Remedy, ...] = ()


@dataclass(frozen=True)
class UpResult:
    """What `up` and its kin came to.

    Attributes:
        failure: why not every profile is usable; None if each is.
    """

    ports: PortPlan
    seen: list[Observation]
    failure: NotReadyError | None = None

    def usable(self) -> UpResult:
        """This, if every profile is usable.

        Raises:
            NotReadyError: not all of them are.
        """
        if self.failure:
            raise self.failure
        return self


def prepare_up(session: Session, names: Sequence[str], *, yes: bool = False, force: bool = False) -> Prepared:
    """What `up` would do.

    Args:
        yes: whether a profile that looks renamed by hand is to begin empty.

    Raises:
        PortConflictError: a port is taken.
        StateRefusedError: a profile was renamed in the fleet file alone.
        ConfigError: a gateway that would be started refuses its config, and it is not forced.
    """
    drafted = _checked_draft(session, names, yes=yes)
    look = take_look(session, drafted.fleet, drafted.ports)
    return _prepare_up(look, drafted, names, find_held(look, select(drafted.fleet, names)), force=force)


def up(
    session: Session,
    names: Sequence[str],
    timeout: float,
    confirm: Callable[[str], bool] = nobody,
    *,
    yes: bool = False,
    force: bool = False,
) -> UpResult:
    """Bring profiles up, adding those that do not exist, and wait until they are usable.

    Args:
        confirm: asked before a new profile takes up files that lie under its name.
        yes: as in `prepare_up`.

    Raises:
        PortConflictError, StateRefusedError, ConfigError: as for `prepare_up`; nothing was changed.
        UsageError: it was not confirmed; nothing was changed.
    """
    drafted = _checked_draft(session, names, yes=yes)  # a wrong fleet file is told before anything is installed
    confirm_old_files(session.deployment, drafted.new, confirm)
    with watched(session, drafted.fleet) as (engine, watch):
        look = take_look(session, drafted.fleet, drafted.ports, engine)
        # Before the lock: a hung gateway takes seconds, and other commands must not wait for it.
        held = find_held(look, select(drafted.fleet, names))
        prepared = _prepare_up(look, drafted, names, held, force=force)
        with locked(session.deployment):
            before, drafted = drafted, _draft_with(session, names)
            if drafted != before:  # the fleet file changed meanwhile
                look = look.with_fleet(drafted.fleet, drafted.ports)
                prepared = _prepare_up(look, drafted, names, held, force=force)
            tell(prepared)
            drafts.store(session, drafted, empty_is_meant=yes)
        result = finish(_with_image(prepared, drafted, held, watch, force), watch, timeout)
        record_reach(session.deployment, drafted.fleet)
        return result


def prepare_start(
    session: Session, names: Sequence[str], engine: Engine | None = None, *, force: bool = False
) -> Prepared:
    """What `start` would do."""
    look, profiles = _existing(session, names, engine)
    return Prepared(look, accepted(look, plan_start(look, profiles), force=force), profiles)


def start(session: Session, names: Sequence[str], timeout: float, *, force: bool = False) -> UpResult:
    """Start stopped profiles and wait until they are usable."""
    with watched(session, session.fleet()) as (engine, watch):
        return finish(tell(prepare_start(session, names, engine, force=force)), watch, timeout)


def prepare_restart(
    session: Session, names: Sequence[str], engine: Engine | None = None, *, now: bool = False, force: bool = False
) -> Prepared:
    """What `restart` would do."""
    look, profiles = _existing(session, names, engine)
    plan = with_downtimes(look, plan_restart(profiles, now=now))
    return Prepared(look, accepted(look, plan, force=force), profiles)


def restart(
    session: Session, names: Sequence[str], timeout: float, *, now: bool = False, force: bool = False
) -> UpResult:
    """Restart profiles, letting each finish its work first unless it must be now, and wait until they are usable."""
    with watched(session, session.fleet()) as (engine, watch):
        return finish(tell(prepare_restart(session, names, engine, now=now, force=force)), watch, timeout)


def prepare_stop(session: Session, names: Sequence[str], *, now: bool = False) -> Prepared:
    """What `stop` would do."""
    look, profiles = look_at_all(session, names)
    plan = plan_stop(look, profiles, now=now)
    return Prepared(look, plan, profiles, note_broken(look, plan))


def stop(session: Session, names: Sequence[str], *, now: bool = False) -> list[str]:
    """Stop profiles, letting each finish its work first unless it must be now; they stay stopped."""
    return end(tell(prepare_stop(session, names, now=now)))


def prepare_down(session: Session, names: Sequence[str], *, now: bool = False) -> Prepared:
    """What `down` would do."""
    look, profiles = look_at_all(session, names)
    return Prepared(look, plan_down(look, profiles, now=now), profiles)


def down(session: Session, names: Sequence[str], *, now: bool = False) -> list[str]:
    """Stop profiles and remove their containers and networks; their files stay."""
    return end(tell(prepare_down(session, names, now=now)))


def end(prepared: Prepared) -> list[str]:
    """Carry out a plan that was told and ends with no gateway to wait for.

    Returns:
        The profiles that had a container.
    """
    look = prepared.look
    if prepared.plan.changes:
        with look.engine.watch_deaths(look.fleet.name) as watch:
            carry_out(look, watch, prepared.plan)
    return [name for name in prepared.profiles if look.state(name)]


def tell(prepared: Prepared) -> Prepared:
    """Say what is about to be done, and hand it on."""
    progress = prepared.look.session.progress
    said: list[str | Remedy] = [*prepared.plan.lines, *prepared.notes]
    for line in said:
        progress.say(line)
    return prepared


def finish(prepared: Prepared, watch: DeathWatch, timeout: float) -> UpResult:
    """Carry a plan out, but for its files, and wait until its profiles are usable.

    Args:
        watch: begun before the look was taken, so that no death is missed.
    """
    look, changes = prepared.look, prepared.plan.without("store")
    if changes.changes:
        carry_out(look, watch, changes)
        look = look.again()
    waited = wait_for(look, watch, prepared.profiles, timeout)
    return UpResult(look.ports, waited.seen, waited.failure)


@contextmanager
def watched(session: Session, fleet: Fleet) -> Iterator[tuple[Engine, DeathWatch]]:
    """The engine, and every death of the fleet's containers from now on."""
    engine = session.engine()
    with engine.watch_deaths(fleet.name) as watch:
        yield engine, watch


def _prepare_up(look: Look, drafted: Draft, names: Sequence[str], held: frozenset[str], *, force: bool) -> Prepared:
    profiles = select(drafted.fleet, names)
    check_files(look.session.deployment, drafted.fleet, drafted.user, profiles)
    refuse_conflicts(look, profiles)
    recipe = replace(find_recipe(look, drafted.document["services"], find_images(look)), held=held)
    plan = plan_reach(look, drafted.fleet) + plan_files(look_at_files(look.session, drafted), drafted.ports)
    plan += plan_containers(look, recipe, profiles)
    notes = (*map(noted, find_notes(look.session, drafted)), *find_renewal(look.engine, drafted.fleet, recipe.images))
    return Prepared(look, accepted(look, plan, force=force), profiles, notes)


def _checked_draft(session: Session, names: Sequence[str], *, yes: bool) -> Draft:
    for name in names:
        drafts.check_name(name)
    if not names:
        session.fleet_text()
    drafted = _draft_with(session, names)
    select(drafted.fleet, names)
    if not yes:
        refuse_hand_renames(session.deployment, drafted.fleet, drafted.ports, drafted.new)
    return drafted


def _draft_with(session: Session, names: Sequence[str]) -> Draft:
    """The draft with these profiles in it."""
    text = read_text(session.deployment.fleet_file)
    if text is None:
        text = drafts.new_text(session)
    existing = drafts.make_draft(session, text)
    new = [name for name in dict.fromkeys(names) if name not in existing.fleet.profiles]
    return drafts.make_draft(session, drafts.with_profiles(text, new), new) if new else existing


def _with_image(prepared: Prepared, drafted: Draft, held: frozenset[str], watch: DeathWatch, force: bool) -> Prepared:
    """What is left to do once the image is there, which may be the very one that a container was made from."""
    look, plan = prepared.look, prepared.plan
    if not (missing := [step for step in plan.steps if step.verb == "image"]):
        return prepared
    carry_out(look, watch, Plan(tuple(missing)))
    recipe = replace(find_recipe(look, drafted.document["services"], find_images(look)), held=held)
    after = plan_containers(look, recipe, prepared.profiles)
    for line in after.lines:
        if line not in plan.lines:
            look.session.progress.say(line)
    return replace(prepared, plan=accepted(look, after, force=force))


def _existing(session: Session, names: Sequence[str], engine: Engine | None) -> tuple[Look, list[str]]:
    """A look at profiles whose containers can be started as they are."""
    drafted = drafts.make_draft(session, session.fleet_text())
    profiles = select(drafted.fleet, names)
    look = take_look(session, drafted.fleet, drafted.ports, engine)
    if missing := [name for name in profiles if not look.state(name)]:
        raise UsageError(
            f"No container yet: {' '.join(missing)}",
            Remedy("Make and start it: ", ours("up", *missing)),
        )
    drafts.refuse_stale(session, drafted)
    refuse_moved(look, profiles)
    refuse_missing(session.deployment, drafted.fleet, profiles)
    refuse_flawed(session.deployment, drafted.fleet, profiles)
    refuse_conflicts(look, profiles)
    return look, profiles
