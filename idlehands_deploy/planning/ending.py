"""Commands that end gateways, each when its work is done, and the truth about how it ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.session import select
from idlehands_deploy.engine.compose import HASTE, end_arguments
from idlehands_deploy.fleet.values import seconds
from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.events import DeathWatch
    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.fleet.model import Fleet

# What a process ends with that was sent SIGKILL, as the engine does when the grace is over.
KILLED = 137
# What a gateway (2026.9.6) logs when its own limit is over; its exit code is 0 all the same.
CUT_OFF = "active-work drain timeout reached"
# The end of a log in which that line stands, written a second or two before the end.
LAST_LINES = 50
# How long the engine's news of a death may take when the death itself is certain; seconds.
NEWS = 2.0


def stop(session: Session, names: Sequence[str], *, now: bool = False) -> list[str]:
    """Stop profiles, letting each finish its work first unless it must be now; they stay stopped."""
    return _end(session, names, "stop", now=now)


def down(session: Session, names: Sequence[str], *, now: bool = False) -> list[str]:
    """Stop profiles and remove their containers and networks; their files stay."""
    return _end(session, names, "down", now=now)


def end(
    session: Session,
    engine: Engine,
    watch: DeathWatch,
    fleet: Fleet,
    containers: Sequence[ContainerFacts],
    command: str,
    *,
    now: bool,
) -> None:
    """Run the Compose command that ends these containers, telling of each end as it comes, and what was lost.

    Args:
        watch: begun before, so that no death is missed.
        command: stop, restart or down.
        now: whether each gets no more than a few seconds.
    """
    began = time.time()
    running = {facts.id: facts for facts in containers if facts.state == "running"}
    for facts in running.values():
        session.progress.update(facts.profile, f"finishing its work, for at most {_grace(fleet, facts.profile, now)}")
    watch.tell(lambda container: session.progress.update(running[container].profile, "ended"), set(running))
    profiles = [facts.profile for facts in containers]
    # The logs, which tell how a gateway ended, go with the container.
    session.run_compose(engine, fleet, end_arguments("stop" if command == "down" else command, profiles, now=now))
    for facts in running.values():
        death = watch.wait_for_death(facts.id, facts.started, NEWS)
        killed = death is not None and death.exit_code == KILLED
        if killed or any(CUT_OFF in line for line in engine.last_logs(facts.id, LAST_LINES, since=began)):
            grace = _grace(fleet, facts.profile, now)
            is_early = killed and death is not None and death.at < began + seconds(grace)
            session.progress.say(cut_off(facts.profile, grace, killed=killed, is_early=is_early, now=now))
    if command == "down":
        session.remake(engine, fleet, ["down", *profiles], profiles)


def cut_off(profile: str, grace: str, *, killed: bool, is_early: bool, now: bool) -> str:
    """What is said of a gateway that did not end by itself.

    Args:
        killed: by SIGKILL, and not by its own limit.
        is_early: before the grace was over, so that the engine was not the one.
        now: whether its grace was made short.
    """
    if not killed:
        return f"{profile} had not finished after its own limit of 315 s: it cut off the replies in the making."
    if is_early:
        logs = Remedy.run("logs", profile, "--tail", "50")
        return f"{profile} was killed before its {grace} were over: what it was at is lost. See why: {logs}"
    said = f"{profile} had not finished after {grace} and was killed: what it was at is lost."
    return said if now else f"{said} How long it may take is profiles.{profile}.stop_grace_period."


def _end(session: Session, names: Sequence[str], command: str, *, now: bool) -> list[str]:
    fleet = session.fleet()
    profiles = select(fleet, names)
    engine = session.engine_for(fleet)
    existing = {facts.profile: facts for facts in engine.containers(fleet.name)}
    there = [existing[name] for name in profiles if name in existing]
    for name in profiles:
        if name not in existing:
            session.progress.update(name, "has no container")
    if there:
        with engine.watch_deaths(fleet.name) as watch:
            end(session, engine, watch, fleet, there, command, now=now)
    return [facts.profile for facts in there]


def _grace(fleet: Fleet, profile: str, now: bool) -> str:
    if now:
        return f"{HASTE}s"
    return fleet.profiles[profile].stop_grace_period
