"""Commands that look into a profile's container."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.session import select
from idlehands_deploy.engine.compose import LogLines, exec_arguments, interleaved, log_arguments
from idlehands_deploy.errors import UsageError
from idlehands_deploy.health.verdict import assess
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.text import printable_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.facts import ContainerFacts

__all__ = ["LogLines", "execute", "logs", "look_at", "shell"]


def logs(
    session: Session,
    names: Sequence[str],
    lines: LogLines,
    *,
    follow: bool,
    show: Callable[[str], None],
    raw: bool,
) -> int:
    """Show the logs of several profiles, interleaved by time.

    With ``raw``, for ``follow`` or one profile, Compose takes this process over and this never returns.

    Args:
        show: prints a line.
        raw: whether lines keep what is not printable; on a terminal it could change what a person sees and types.

    Returns:
        Compose's exit code.

    Raises:
        UsageError: none of the profiles has a container.
        EngineFailedError: Compose failed.
    """
    look, profiles = look_at(session, names)
    there = [name for name in profiles if look.state(name)]
    if not there:
        raise UsageError(
            f"No container yet: {' '.join(profiles)}",
            Remedy("Make and start it: ", ours("up", *profiles)),
        )
    compose = session.compose(look.fleet)
    if follow or len(there) == 1:
        arguments = log_arguments(there, lines, follow=follow)
        if raw:
            compose.become(*arguments)
        return compose.relay(*arguments, show=lambda line: show(printable_line(line)))
    # One Compose a profile: each sorts its own, so that nothing is kept of logs that gateways can fill.
    timed = replace(lines, timestamps=True)
    logs_of = {f"{name}-1": compose.lines(*log_arguments([name], timed, follow=False, bare=True)) for name in there}
    for line in interleaved(logs_of, timestamps=lines.timestamps):
        show(line if raw else printable_line(line))
    return 0


def execute(session: Session, name: str, command: Sequence[str], *, terminal: bool) -> NoReturn:
    """Run a command in a profile's container on this terminal; Compose takes this process over.

    Raises:
        UsageError: the container does not run.
    """
    look, _ = running(session, name)
    session.compose(look.fleet).become(*exec_arguments(name, command, terminal=terminal))


def shell(session: Session, name: str, *, terminal: bool) -> NoReturn:
    """A shell in a profile's container, as the gateway's user.

    Raises:
        UsageError: the container does not run.
    """
    execute(session, name, ["bash"], terminal=terminal)


def look_at_all(session: Session, names: Sequence[str]) -> tuple[Look, list[str]]:
    """As `look_at`, with the containers whose name no profile has (any more)."""
    fleet = session.fleet()
    look = take_look(session, fleet)
    orphans = list(dict.fromkeys(facts.profile for facts in look.orphans))
    if names:
        profiles = [name for name in names if name not in orphans]
        return look, [*(select(fleet, profiles) if profiles else ()), *(name for name in orphans if name in names)]
    return look, [*(select(fleet, []) if fleet.profiles or not orphans else ()), *orphans]


def running(session: Session, name: str) -> tuple[Look, ContainerFacts]:
    """A look without ports, and a profile's container.

    Raises:
        UsageError: it does not run.
    """
    look, _ = look_at(session, [name])
    facts = look.containers.get(name)
    if facts is None or facts.state != "running":
        verdict = assess(name, facts, None)
        raise UsageError(f"{name} does not run: {verdict.reason}.", Remedy("Next: ").then(verdict.remedy))
    return look, facts


def look_at(session: Session, names: Sequence[str]) -> tuple[Look, list[str]]:
    """A look without ports, and the profiles that are asked for."""
    fleet = session.fleet()
    profiles = select(fleet, names)
    return take_look(session, fleet), profiles
