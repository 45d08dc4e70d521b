"""Carry a plan out: what each verb of a step means, and nothing that decides."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from idlehands_deploy.contract import TOKEN_SECRET
from idlehands_deploy.deployment.locks import locked
from idlehands_deploy.deployment.profile_files import new_token
from idlehands_deploy.host.files import PRIVATE_FILE, remove_tree, write_atomic
from idlehands_deploy.planning.compose import remake, run_compose
from idlehands_deploy.planning.draft import drop
from idlehands_deploy.planning.drain import drain
from idlehands_deploy.planning.rename_files import rename_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.engine.events import DeathWatch
    from idlehands_deploy.planning.steps import Plan

How = tuple[str, ...]


def carry_out(look: Look, watch: DeathWatch, plan: Plan) -> None:
    """Do the steps in their order, those that follow each other and are done alike at once.

    Args:
        watch: begun before, so that no death is missed.

    Raises:
        DeployError: a step failed; those after it are not done.
    """
    for how, steps in groupby(plan.changes, key=lambda step: step.how):
        _VERBS[how[0]](look, watch, how, [step.subject for step in steps])


def _up(look: Look, _: DeathWatch, how: How, profiles: Sequence[str]) -> None:
    for profile in profiles:
        look.session.progress.update(profile, "bringing its container up")
    remake(look, [*how, *profiles], profiles)


def _start(look: Look, _: DeathWatch, how: How, profiles: Sequence[str]) -> None:
    run_compose(look, [*how, *profiles])


def _end(look: Look, watch: DeathWatch, how: How, profiles: Sequence[str]) -> None:
    drain(look, watch, how[0], profiles, now="--timeout" in how)


def _down(look: Look, _: DeathWatch, how: How, profiles: Sequence[str]) -> None:
    remake(look, [*how, *profiles], profiles)


def _image(look: Look, _: DeathWatch, __: How, references: Sequence[str]) -> None:
    from idlehands_deploy.engine.image import ensure_image  # noqa: PLC0415 - slow to load, seldom needed

    session = look.session
    for reference in references:
        ensure_image(look.engine, reference, session.environ, session.progress, session.may_install)


def _token(look: Look, _: DeathWatch, __: How, profiles: Sequence[str]) -> None:
    deployment = look.session.deployment
    with locked(deployment):
        for profile in profiles:
            write_atomic(deployment.secret_file(profile, TOKEN_SECRET), new_token() + "\n", PRIVATE_FILE)


def _drop(look: Look, _: DeathWatch, __: How, profiles: Sequence[str]) -> None:
    for profile in profiles:
        drop(look.session, profile)


def _rename(look: Look, _: DeathWatch, how: How, profiles: Sequence[str]) -> None:
    for profile in profiles:
        rename_files(look.session, profile, how[1])


def _delete(look: Look, _: DeathWatch, __: How, paths: Sequence[str]) -> None:
    for path in paths:
        remove_tree(look.session.deployment.root / path)


_VERBS: dict[str, Callable[[Look, DeathWatch, How, Sequence[str]], None]] = {
    "up": _up,
    "start": _start,
    "stop": _end,
    "restart": _end,
    "down": _down,
    "image": _image,
    "token": _token,
    "drop": _drop,
    "rename": _rename,
    "delete": _delete,
}
