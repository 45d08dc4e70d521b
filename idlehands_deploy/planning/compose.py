"""Compose commands of a deployment, run to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.deployment.locks import containers_locked
from idlehands_deploy.errors import EngineFailedError, EngineUnreachableError
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.look import Look


WAITING = "waiting for another command to be done with its container"


def remake(look: Look, arguments: Sequence[str], profiles: Sequence[str]) -> None:
    """Run a Compose command that makes or removes the containers of these profiles, when no other one does.

    Two that make the same container anew at once leave none, or one of another name; and the one of a command
    that was killed goes on.

    Raises:
        EngineFailedError, EngineUnreachableError: as in run_compose.
    """

    def waits(profile: str) -> None:
        look.session.progress.update(profile, WAITING)

    with containers_locked(look.session.deployment, profiles, waits) as held:
        run_compose(look, arguments, held)


def run_compose(look: Look, arguments: Sequence[str], holding: Sequence[int] = ()) -> None:
    """Run a Compose command of this deployment to its end.

    Args:
        holding: file descriptors whose locks it keeps until then.

    Raises:
        EngineFailedError: it failed.
        EngineUnreachableError: it failed because the engine went away.
    """
    try:
        look.session.compose(look.fleet).run(*arguments, holding=holding)
    except EngineFailedError:
        if look.engine.alive():
            raise
        raise EngineUnreachableError(
            f"The Docker Engine went away during `{arguments[0]}`.",
            Remedy("Start it (sudo systemctl start docker), then run again: ", ours(arguments[0])),
        ) from None
