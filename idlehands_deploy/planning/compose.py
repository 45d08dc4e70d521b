"""Compose commands of a deployment, run to their end."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.locks import containers_locked
from idlehands_deploy.deployment.starts import is_same_start, read_values, record_start
from idlehands_deploy.errors import EngineFailedError, EngineUnreachableError
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from idlehands_deploy.deployment.look import Look


# What gives a container's process the secrets as they are.
STARTS = {"up", "start", "restart"}
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
    starting = [name for name in look.fleet.profiles if name in arguments[1:]] if arguments[0] in STARTS else []
    # Read before: a value that is written during the start may be too late for it.
    values = {name: read_values(look.session.deployment, look.fleet.profiles[name], name) for name in starting}
    try:
        look.session.compose(look.fleet).run(*arguments, holding=holding)
    except EngineFailedError:
        if look.engine.alive():
            raise
        raise EngineUnreachableError(
            f"The Docker Engine went away during `{arguments[0]}`.",
            Remedy("Start it (sudo systemctl start docker), then run again: ", ours(arguments[0])),
        ) from None
    if starting:
        _record_starts(look, values)


def _record_starts(look: Look, values: Mapping[str, bytes | None]) -> None:
    with suppress(EngineUnreachableError):  # whoever needs the engine next will say so
        for facts in look.engine.containers(look.fleet.name):
            before, value = look.containers.get(facts.profile), values.get(facts.profile)
            # Compose leaves a container alone in which it sees no difference.
            if value is not None and not (before and is_same_start(before, facts)):
                record_start(look.session.deployment, facts, value)
