"""`upgrade`: another gateway takes over a state, and both go back together if it is not ready with it."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy import __version__
from idlehands_deploy.deployment.locks import locked
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import DeployError, FleetError, StateRefusedError, UsageError
from idlehands_deploy.fleet.values import extended_name, is_image
from idlehands_deploy.gateway.versions import is_version
from idlehands_deploy.health.deep_check.checked import prove_all
from idlehands_deploy.health.observe import observe
from idlehands_deploy.health.readiness import wait_for
from idlehands_deploy.operations.lifecycle import Prepared, UpResult, tell, watched
from idlehands_deploy.operations.state.snapshots import prune_after, tell_of_return
from idlehands_deploy.planning.draft import make_draft, store
from idlehands_deploy.planning.guards.refusals import refuse_conflicts, refuse_moved
from idlehands_deploy.planning.guards.versions import refuse_older, version_of
from idlehands_deploy.planning.plans import NOTHING
from idlehands_deploy.planning.steps import Plan, Step
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.state.contents import count_contents
from idlehands_deploy.state.images import ImageChange, draft_with_fleet_image, draft_with_image, lasting_name
from idlehands_deploy.state.plans import plan_upgrade
from idlehands_deploy.state.subject import find_subject
from idlehands_deploy.state.transaction import UndoError, carry_out_whole, state_locked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.events import DeathWatch
    from idlehands_deploy.engine.facts import ImageFacts
    from idlehands_deploy.fleet.model import Fleet


@dataclass(frozen=True)
class Target:
    """The image that a gateway is to have.

    Attributes:
        base: what is pulled or built.
        reference: the same, or what is made from it with the fleet's packages.
    """

    base: str
    reference: str


@dataclass(frozen=True)
class Working:
    """How well a gateway works before its upgrade, and so must work after it.

    Attributes:
        deep: whether it passes a deep check.
        contents: as in `count_contents`; None if it does not tell.
    """

    deep: bool
    contents: dict[str, int] | None


def find_target(fleet: Fleet, to: str | None) -> Target:
    """What a profile is upgraded to.

    Args:
        to: a version of the fleet's image, or another image; None for the fleet's image as it is.

    Raises:
        UsageError: it is neither.
    """
    if to is not None and (not is_image(to) or (re.fullmatch(r"v?[\d.]+", to) and not is_version(to))):
        raise UsageError(f"--to: {to!r} is neither a version nor the name of an image.", "Give one, such as 2026.9.6.")
    if to is None:
        base = fleet.image
    elif is_version(to):
        name = fleet.image.partition("@")[0]
        base = f"{name.rsplit(':', 1)[0] if ':' in name.rpartition('/')[2] else name}:{to}"
    else:
        base = to
    return Target(base, extended_name(base, fleet.packages) if fleet.packages else base)


def order_of(fleet: Fleet, names: Sequence[str]) -> list[str]:
    """The profiles in the order of their upgrade: those that repair others come last."""
    return sorted(select(fleet, names), key=lambda name: bool(fleet.profiles[name].rescues))


def prepare_upgrade(
    session: Session,
    name: str,
    to: str | None,
    timeout: float,
    engine: Engine | None = None,
    *,
    works: Working | None = None,
) -> Prepared:
    """What `upgrade` would do for one profile.

    Args:
        to: as in `find_target`.
        timeout: how long the gateway may take to be ready; seconds.
        works: how well the old gateway works; None if that has still to be seen.

    Raises:
        StateRefusedError: the image is older than the state, the gateway is paused, or its directories cannot be
            copied as they are.
        PortConflictError: a port is taken.
        FleetError: the fleet file cannot be edited so.
    """
    drafted = make_draft(session, session.fleet_text())
    look = take_look(session, drafted.fleet, drafted.ports, engine)
    target = find_target(look.fleet, to)
    image = look.engine.image(target.reference)
    facts = look.containers.get(name)
    old, new = version_of(look, name), image.version if image else to if to and is_version(to) else ""
    if image and (facts.image_id == image.id if facts else _would_start(look, name, old) == image.id):
        cause = f"it is gateway {old or image.version} already" if facts or old else "it has never run"
        return Prepared(look, Plan((Step(name, NOTHING, cause),)), [])
    _refuse(look, name, old, new or "")
    change = _change(look, name, target, image, old)
    draft_with_image(session, name, change.setting or None)  # before anything is stopped
    draft_with_image(session, name, change.old or None)
    reason = f"before an upgrade to {new or target.reference}"
    subject = find_subject(look, name, reason, reference=change.old)
    works = works or Working(deep=subject.record["proven"] is True, contents={} if subject.record["proven"] else None)
    return Prepared(look, plan_upgrade(subject, change, timeout, works.contents, deep=works.deep), [name])


def plan_all(session: Session, names: Sequence[str], to: str | None, timeout: float) -> Plan:
    """What `upgrade` would do, one profile after the other."""
    order = order_of(session.fleet(), names)
    return Plan(tuple(step for name in order for step in prepare_upgrade(session, name, to, timeout).plan.steps))


def upgrade(session: Session, names: Sequence[str], to: str | None, timeout: float) -> UpResult:
    """Upgrade profiles one after the other; a gateway that is not ready afterwards goes back, with its state.

    Args:
        to, timeout: as in `prepare_upgrade`.

    Raises:
        StateRefusedError, PortConflictError, FleetError: as in `prepare_upgrade`; nothing was changed for this one.
        NotReadyError: one was not ready; it is as it was before, and those after it were not begun.
    """
    fleet = session.fleet()
    done: list[str] = []
    for name in order_of(fleet, names):
        try:
            _upgrade(session, name, to, timeout)
        except DeployError:
            if left := [other for other in order_of(fleet, names) if other not in {*done, name}]:
                session.progress.say(f"Not begun: {', '.join(left)}.")
            raise
        done.append(name)
    _settle(session, find_target(session.fleet(), to))
    with watched(session, session.fleet()) as (engine, watch):
        drafted = make_draft(session, session.fleet_text())
        look = take_look(session, drafted.fleet, drafted.ports, engine)
        running = [name for name in done if look.state(name) == "running"]
        waited = wait_for(look, watch, running, timeout)
        return UpResult(look.ports, waited.seen, waited.failure)


def _upgrade(session: Session, name: str, to: str | None, timeout: float) -> None:
    with watched(session, session.fleet()) as (engine, watch):
        if to and is_version(to):  # before it is built
            refuse_older(name, _version_now(session, name, engine), to)
        _make_image(session, engine, find_target(session.fleet(), to))
        works = _see_working(session, name, engine)
        with state_locked(session, name) as held:
            prepared = tell(prepare_upgrade(session, name, to, timeout, engine, works=works))
            if prepared.profiles:
                _carry_out(prepared, name, watch, timeout, held)
        if prepared.profiles:
            prune_after(session, name)


def _carry_out(prepared: Prepared, name: str, watch: DeathWatch, timeout: float, held: Sequence[int]) -> None:
    look, progress = prepared.look, prepared.look.session.progress
    try:
        carry_out_whole(look, watch, "upgrade", name, prepared.plan.without("image"), held)
    except UndoError:
        raise
    except DeployError:
        if look.state(name) in {"running", "restarting"}:
            tell_of_return(look, watch, name, timeout)
        progress.say(Remedy("What the new gateway made of the state, if it started: ", ours("snapshots", "list", name)))
        raise


def _settle(session: Session, target: Target) -> None:
    """Where every profile has the same image of its own now, make it the fleet's."""
    fleet = session.fleet()
    if {profile.image for profile in fleet.profiles.values()} != {target.reference}:
        return
    # Left as it is where the file cannot be edited so: it means the same.
    with suppress(FleetError), locked(session.deployment):
        store(session, draft_with_fleet_image(session, target.base))


def _make_image(session: Session, engine: Engine, target: Target) -> None:
    """Pull or build it while the old gateway runs."""
    from idlehands_deploy.engine.images.build import ensure_image  # noqa: PLC0415 - only an upgrade pays for it
    from idlehands_deploy.engine.images.extension import extend_image  # noqa: PLC0415

    ensure_image(engine, target.base, session.environ, session.progress, session.may_install)
    if target.reference != target.base and not engine.image(target.reference):
        packages = session.fleet().packages
        extend_image(engine, target.base, packages, target.reference, session.environ, session.progress)


def _see_working(session: Session, name: str, engine: Engine) -> Working:
    """How well the gateway that is there works; the new one cannot be asked for more."""
    drafted = make_draft(session, session.fleet_text())
    look = take_look(session, drafted.fleet, drafted.ports, engine)
    facts = look.containers.get(name)
    seen = observe(look, [name])
    if not seen[0].verdict.usable or facts is None:
        return Working(deep=False, contents=None)
    session.progress.update(name, "checking that it works now")
    (checked,) = prove_all(look, seen)
    broken = [step for step in checked.steps or () if step.status == "failed"]
    for step in broken:
        session.progress.say(f"{name} fails its deep check now ({step.name}: {step.said}), so the new one may too.")
    return Working(not broken, count_contents(engine, facts.id) or None)


def _version_now(session: Session, name: str, engine: Engine) -> str:
    return version_of(take_look(session, session.fleet(), None, engine), name)


def _would_start(look: Look, name: str, old: str) -> str:
    """The id of the image that a profile without a container is brought up with; empty where `up` would refuse."""
    image = look.engine.image(look.fleet.image_of(name))
    return image.id if image and old in {"", image.version} else ""


def _refuse(look: Look, name: str, old: str, new: str) -> None:
    refuse_moved(look, [name])
    refuse_conflicts(look, [name])
    refuse_older(name, old, new)
    if look.state(name) == "paused":
        raise StateRefusedError(
            f"{name} is paused, and has its files open.", Remedy("Let it end: ", ours("stop", name))
        )


def _change(look: Look, name: str, target: Target, image: ImageFacts | None, old: str) -> ImageChange:
    facts = look.containers.get(name)
    new = image.version if image else ""
    said = f"gateway upgraded from {old or 'an unknown version'} to {new or target.reference}"
    if old and old == new:
        said = f"gateway {old} exchanged for another build of it"
    setting = "" if target.reference == look.fleet.container_image else target.reference
    current = look.fleet.profiles[name].image or ""
    name_of_old, keeping = current, dict[str, str]()
    if facts:
        name_of_old, keeping = lasting_name(look.engine, facts.image_id, facts.image, facts.version)
    failed = {
        "tool": __version__, "profile": name, "taken_at": time.time(),
        "reason": f"what gateway {new or 'of another image'} made of it, and was not kept",
        "version": new, "image": image.id if image else "", "reference": target.reference, "label": "", "proven": False,
    }  # fmt: skip
    return ImageChange(target.reference, said, setting, name_of_old, keeping, image is None, failed)
