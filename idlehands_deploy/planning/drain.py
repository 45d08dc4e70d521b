"""End gateways, each when its work is done, and tell the truth about how it ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from idlehands_deploy.engine.compose import HASTE, end_arguments
from idlehands_deploy.fleet.values import seconds
from idlehands_deploy.planning.compose import run_compose
from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.engine.events import DeathWatch
    from idlehands_deploy.fleet.model import Fleet

# What a process ends with that was sent SIGKILL, as the engine does when the grace is over.
KILLED = 137
# What a gateway (2026.9.6) logs when its own limit is over; its exit code is 0 all the same.
CUT_OFF = "active-work drain timeout reached"
# The end of a log in which that line stands, written a second or two before the end.
LAST_LINES = 50
# How long the engine's event of a death may take when the death itself is certain; seconds.
EVENT = 2.0


def drain(look: Look, watch: DeathWatch, command: str, profiles: Sequence[str], *, now: bool) -> None:
    """Run the Compose command that ends these containers; tell of each end as it comes, and what was lost.

    Args:
        watch: begun before, so that no death is missed.
        command: stop or restart.
        now: whether each gets no more than a few seconds.
    """
    progress = look.session.progress
    began = time.time()
    running = {look.containers[name].id: look.containers[name] for name in profiles if look.state(name) == "running"}
    for facts in running.values():
        progress.update(facts.profile, f"finishing its work, for at most {_grace(look.fleet, facts.profile, now)}")
    watch.report_deaths(lambda container: progress.update(running[container].profile, "ended"), set(running))
    run_compose(look, end_arguments(command, profiles, now=now))
    for facts in running.values():
        death = watch.wait_for_death(facts.id, facts.started, EVENT)
        killed = death is not None and death.exit_code == KILLED
        if killed or any(CUT_OFF in line for line in look.engine.last_logs(facts.id, LAST_LINES, since=began)):
            grace = _grace(look.fleet, facts.profile, now)
            is_early = killed and death is not None and death.at < began + seconds(grace)
            progress.say(cut_off(facts.profile, grace, killed=killed, is_early=is_early, now=now))


def cut_off(profile: str, grace: str, *, killed: bool, is_early: bool, now: bool) -> str:
    """What is said of a gateway that did not end by itself.

    Args:
        killed: by SIGKILL, and not by its own limit.
        is_early: before the grace was over, so that the engine was not the one.
        now: whether its grace was made short.
    """
    if not killed:
        return f"{profile} reached its own limit of 315 s before it had finished: the replies in progress were lost."
    if is_early:
        logs = Remedy.run("logs", profile, "--tail", "50")
        return f"{profile} was killed before its {grace} were over: unfinished work was lost. See why: {logs}"
    said = f"{profile} had not finished after {grace} and was killed: unfinished work was lost."
    return said if now else f"{said} To give it longer, raise profiles.{profile}.stop_grace_period."


def _grace(fleet: Fleet, profile: str, now: bool) -> str:
    return f"{HASTE}s" if now else fleet.profiles[profile].stop_grace_period
