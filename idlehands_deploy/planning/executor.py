"""Carry a plan out: what each verb of a step means, and nothing that decides."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.locks import locked, refuse_interrupted
from idlehands_deploy.deployment.profile_files import new_token
from idlehands_deploy.host.files import PRIVATE_FILE, remove, write_atomic
from idlehands_deploy.planning.compose import remake, run_compose
from idlehands_deploy.planning.draft import drop
from idlehands_deploy.planning.drain import drain, drain_orphans
from idlehands_deploy.planning.rename_files import rename_files
from idlehands_deploy.targets.compose import made_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.engine.events import DeathWatch
    from idlehands_deploy.planning.steps import Plan

How = tuple[str, ...]


@dataclass(frozen=True)
class _Run:
    """What every verb gets.

    Attributes:
        held: descriptors of the container locks that the caller holds; None where each verb takes its own.
    """

    look: Look
    watch: DeathWatch
    held: Sequence[int] | None

    def compose(self, arguments: Sequence[str], profiles: Sequence[str]) -> None:
        """Run a Compose command that makes or removes the containers of these profiles."""
        if self.held is None:
            remake(self.look, [*arguments, *profiles], profiles)
        else:
            run_compose(self.look, [*arguments, *profiles], self.held)


def carry_out(look: Look, watch: DeathWatch, plan: Plan, held: Sequence[int] | None = None) -> None:
    """Do the steps in their order, those that follow each other and are done alike at once.

    Args:
        watch: begun before, so that no death is missed.
        held: descriptors of the container locks of all that the plan touches; None to take them as needed.

    Raises:
        DeployError: a step failed; those after it are not done.
    """
    for how, steps in groupby(plan.changes, key=lambda step: step.how):
        _VERBS[how[0]](_Run(look, watch, held), how, [step.subject for step in steps])


def _up(run: _Run, how: How, profiles: Sequence[str]) -> None:
    for profile in profiles:
        run.look.session.progress.update(profile, "bringing its container up")
    run.compose(how, profiles)


def _start(run: _Run, how: How, profiles: Sequence[str]) -> None:
    run.compose(how, profiles)


def _end(run: _Run, how: How, profiles: Sequence[str]) -> None:
    if run.held is None:
        # Without the lock: whoever waits for an end in one terminal may hasten it in another.
        refuse_interrupted(run.look.session.deployment, profiles)
    drain(run.look, run.watch, how[0], profiles, now="--timeout" in how, holding=run.held or ())


def _down(run: _Run, how: How, profiles: Sequence[str]) -> None:
    run.compose(how, profiles)


def _stop_orphans(run: _Run, how: How, names: Sequence[str]) -> None:
    drain_orphans(run.look, run.watch, names, now="--timeout" in how)


def _remove_orphans(run: _Run, _: How, names: Sequence[str]) -> None:
    look = run.look
    for facts in look.orphans:
        if facts.profile in names:
            look.engine.remove(facts.id, look.fleet.name, facts.profile)


def _image(run: _Run, _: How, references: Sequence[str]) -> None:
    from idlehands_deploy.engine.images.build import ensure_image  # noqa: PLC0415
    from idlehands_deploy.engine.images.extension import extend_image  # noqa: PLC0415 - slow to load, seldom needed

    look, session = run.look, run.look.session
    base, packages = look.fleet.image, look.fleet.packages
    for reference in references:
        is_extended = bool(packages) and reference == look.fleet.container_image
        made = base if is_extended else reference
        ensure_image(look.engine, made, session.environ, session.progress, session.may_install)
        if is_extended:
            extend_image(look.engine, base, packages, reference, session.environ, session.progress)


def _token(run: _Run, _: How, profiles: Sequence[str]) -> None:
    deployment = run.look.session.deployment
    with locked(deployment):
        for profile in profiles:
            for made in made_secrets(run.look.fleet.profiles[profile]):
                write_atomic(deployment.secret_file(profile, made), new_token() + "\n", PRIVATE_FILE)


def _drop(run: _Run, _: How, profiles: Sequence[str]) -> None:
    for profile in profiles:
        drop(run.look.session, profile)


def _rename(run: _Run, how: How, profiles: Sequence[str]) -> None:
    for profile in profiles:
        rename_files(run.look.session, profile, how[1])


def _delete(run: _Run, how: How, paths: Sequence[str]) -> None:
    for path in how[1:] or paths:
        remove(run.look.session.deployment.root / path)


def _unit(run: _Run, _: How, units: Sequence[str]) -> None:
    systemd = run.look.session.systemd()
    for unit in units:
        systemd.uninstall(unit)


def _network(run: _Run, _: How, networks: Sequence[str]) -> None:
    look = run.look
    for network, reason in look.engine.leftovers.remove_networks(look.fleet.name, networks).items():
        look.session.progress.say(f"{network} stays: {reason}")


_VERBS: dict[str, Callable[[_Run, How, Sequence[str]], None]] = {
    "up": _up,
    "start": _start,
    "stop": _end,
    "restart": _end,
    "down": _down,
    "stop-orphan": _stop_orphans,
    "remove-orphan": _remove_orphans,
    "image": _image,
    "token": _token,
    "drop": _drop,
    "rename": _rename,
    "delete": _delete,
    "unit": _unit,
    "network": _network,
}
