"""What each verb of a transaction's step means, and nothing that decides."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.locks import locked
from idlehands_deploy.engine.compose import HASTE
from idlehands_deploy.errors import NotReadyError, StateRefusedError
from idlehands_deploy.health.deep_check.checked import prove_all
from idlehands_deploy.health.observe import observe
from idlehands_deploy.health.readiness import wait_for
from idlehands_deploy.host.trees.space import Meter
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.planning.draft import store
from idlehands_deploy.planning.executor import carry_out
from idlehands_deploy.planning.plans import UP
from idlehands_deploy.planning.steps import Plan, Step
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.state import trees
from idlehands_deploy.state.contents import count_contents, lost
from idlehands_deploy.state.images import draft_with_image
from idlehands_deploy.state.journal import COMMIT
from idlehands_deploy.state.snapshots import write_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.events import DeathWatch

How = tuple[str, ...]


@dataclass
class Run:
    """What every verb gets.

    Attributes:
        held: descriptors of the profile's container lock.
        look, watch: of the engine; None where no step needs it.
    """

    session: Session
    profile: str
    held: Sequence[int]
    look: Look | None = None
    watch: DeathWatch | None = None

    def path(self, relative: str) -> Path:
        """A path of the journal, which must be of this profile.

        Raises:
            StateRefusedError: it leads elsewhere.
        """
        parts = relative.split("/")
        if parts[:2] not in (["profiles", self.profile], ["snapshots", self.profile]) or not {"", ".", ".."}.isdisjoint(
            parts
        ):
            raise StateRefusedError(
                f"{relative} is no path of {self.profile}.", "Look at the journal in .transactions/."
            )
        return self.session.deployment.root / relative

    def hidden(self, relative: str) -> Path:
        """The same for what is being made, and may be deleted: a name with a dot among the profile's snapshots.

        Raises:
            StateRefusedError: it is something else.
        """
        parts = relative.split("/")
        if len(parts) != 3 or parts[0] != "snapshots" or not parts[2].startswith("."):
            raise StateRefusedError(f"{relative} must not be deleted.", "Look at the journal in .transactions/.")
        return self.path(relative)

    @property
    def here(self) -> Path:
        """The profile's directory."""
        return self.path(f"profiles/{self.profile}")

    @property
    def engine_side(self) -> tuple[Look, DeathWatch]:
        """The look, and the deaths since it was taken."""
        assert self.look is not None  # noqa: S101 - for the type checker
        assert self.watch is not None  # noqa: S101
        return self.look, self.watch


def do(run: Run, how: How) -> None:
    """Do a step, or undo one. Each may be repeated.

    Raises:
        DeployError: it failed.
    """
    _VERBS[how[0]](run, how)


def _copy(run: Run, how: How) -> None:
    source, target = run.path(how[1]), run.path(how[2])
    trees.refuse_incomplete(source, may_lack=() if how[1].startswith("snapshots/") else ("workspace", "home"))
    meter = Meter(run.session.progress, run.profile, int(how[3]))
    trees.copy_parts(source, target, meter.add)


def _make(run: Run, how: How) -> None:
    trees.make_directory(run.session.deployment, run.profile)
    trees.make_durable(run.hidden(how[1]))


def _delete(run: Run, how: How) -> None:
    trees.delete_copy(run.here, run.hidden(how[1]))


def _exchange(run: Run, how: How) -> None:
    trees.exchange(run.here, run.path(how[1]), run.path(how[2]))


def _exchange_back(run: Run, how: How) -> None:
    trees.exchange_back(run.here, run.path(how[1]), run.path(how[2]))


def _note(run: Run, how: How) -> None:
    write_record(run.path(how[1]), json.loads(how[2]))


def _place(run: Run, how: How) -> None:
    trees.place(run.path(how[1]), run.path(how[2]))


def _mark(run: Run, how: How) -> None:
    """A gateway is about to use what came in: if it fails, its state is kept for study."""
    trees.write_mark(run.path(how[1]), how[2])


def _set_aside(run: Run, how: How) -> None:
    """Keep what a gateway made of its state, or delete what none has used."""
    source, target = run.hidden(how[1]), run.path(how[2])
    record = trees.read_mark(source)
    if record is None:
        trees.delete_copy(run.here, source)
    else:
        write_record(source, json.loads(record))
        trees.place(source, target)
        trees.delete_mark(target)


def _keep_image(run: Run, how: How) -> None:
    look, _watch = run.engine_side
    look.engine.tag(how[1], *how[2].rsplit(":", 1))


def _set_image(run: Run, how: How) -> None:
    look, _watch = run.engine_side
    if run.profile not in look.fleet.profiles:  # it was taken out meanwhile
        return
    with locked(run.session.deployment):
        store(run.session, draft_with_image(run.session, run.profile, how[1] or None))
    fleet = run.session.fleet()
    run.look = look.with_fleet(fleet, plan_here(run.session, fleet))


def _prove_deep(run: Run, _: How) -> None:
    look, _watch = run.engine_side
    look = look.again()
    (checked,) = prove_all(look, observe(look, [run.profile]))
    if broken := [step for step in checked.steps or () if step.status == "failed"]:
        step = broken[0]
        raise NotReadyError(
            f"{run.profile} is ready, but its deep check failed: {step.name}: {step.said}"
            + (f" ({step.why})" if step.why else ""),
            step.fix,
        )


def _prove_contents(run: Run, how: How) -> None:
    look, _watch = run.engine_side
    facts = look.again().containers[run.profile]
    run.session.progress.update(run.profile, "counting its sessions and jobs")
    if said := lost(json.loads(how[1]), count_contents(look.engine, facts.id)):
        raise NotReadyError(
            f"{run.profile} is ready, but has lost something: {said}.",
            Remedy("What is left is kept as a snapshot: ", ours("snapshots", "list", run.profile)),
        )


def _pause(run: Run, _: How) -> None:
    look, _watch = run.engine_side
    if facts := look.containers.get(run.profile):
        look.engine.pause(facts.id, on=True)


def _unpause(run: Run, _: How) -> None:
    look, _watch = run.engine_side
    if facts := look.containers.get(run.profile) or look.orphan(run.profile):
        look.engine.pause(facts.id, on=False)


def _planned(run: Run, how: How) -> None:
    """A verb of the executor."""
    look, watch = run.engine_side
    look = look.again()  # its container was started or stopped by the steps before
    if run.profile in look.fleet.profiles:
        carry_out(look, watch, Plan((Step(run.profile, "", "", how),)), run.held)
    elif (orphan := look.orphan(run.profile)) and how[0] == "stop":  # the profile was taken out meanwhile
        look.engine.stop(orphan.id, HASTE)


def _back(run: Run, how: How) -> None:
    """Start the container that was there, or one like it: of the image with this id, and else of this name."""
    look, _watch = run.engine_side
    facts = look.again().containers.get(run.profile)
    if facts and facts.image_id == how[1]:
        _planned(run, ("start",))
    elif run.profile in look.fleet.profiles:
        if how[2]:
            _set_image(run, ("set-image", how[2]))
        _planned(run, UP)


def _commit(_: Run, __: How) -> None:
    """That this is begun says all: from now on nothing is undone."""


def _prove(run: Run, how: How) -> None:
    look, watch = run.engine_side
    waited = wait_for(look.again(), watch, [run.profile], float(how[1]))
    if waited.failure:
        raise waited.failure


_ENGINE: dict[str, Callable[[Run, How], None]] = {
    "pause": _pause,
    "unpause": _unpause,
    "stop": _planned,
    "down": _planned,
    "start": _planned,
    "up": _planned,
    "back": _back,
    "prove": _prove,
    "prove-deep": _prove_deep,
    "prove-contents": _prove_contents,
    "keep-image": _keep_image,
    "set-image": _set_image,
}
NEED_ENGINE = frozenset(_ENGINE)
_VERBS: dict[str, Callable[[Run, How], None]] = _ENGINE | {
    "make": _make,
    "copy": _copy,
    "delete": _delete,
    "exchange": _exchange,
    "exchange-back": _exchange_back,
    "note": _note,
    "place": _place,
    COMMIT: _commit,
    "mark": _mark,
    "set-aside": _set_aside,
}
