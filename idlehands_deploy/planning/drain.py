"""End gateways, each when its work is done, and tell the truth about how it ended."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from idlehands_deploy.engine.compose import HASTE, end_arguments
from idlehands_deploy.fleet.values import seconds
from idlehands_deploy.planning.compose import run_compose
from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.engine.events import DeathWatch
    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.fleet.model import Fleet

# What a process ends with that was sent SIGKILL, as the engine does when the grace is over.
KILLED = 137
# What a gateway (2026.9.6) logs when its own limit is over; its exit code is 0 all the same.
CUT_OFF = "active-work drain timeout reached"
# The end of a log in which that line stands, written a second or two before the end.
LAST_LINES = 50
# How long the engine's event of a death may take when the death itself is certain; seconds.
EVENT = 2.0


def drain(
    look: Look, watch: DeathWatch, command: str, profiles: Sequence[str], *, now: bool, holding: Sequence[int] = ()
) -> None:
    """Run the Compose command that ends these containers; tell of each end as it comes, and what was lost.

    Args:
        watch: begun before, so that no death is missed.
        command: stop or restart.
        now: whether each gets no more than a few seconds.
        holding: descriptors of locks that Compose keeps until it ends.
    """
    graces = {
        look.containers[name].id: _grace(look.fleet, name, now) for name in profiles if look.state(name) == "running"
    }
    running = [facts for facts in look.containers.values() if facts.id in graces]
    arguments = end_arguments(command, profiles, now=now)
    _end(look, watch, running, graces, lambda: run_compose(look, arguments, holding), is_fixed=now)


def drain_orphans(look: Look, watch: DeathWatch, names: Sequence[str], *, now: bool) -> None:
    """The same as stopping, for containers that no profile names: Compose knows nothing of them."""
    orphans = [facts for facts in look.orphans if facts.profile in names]
    limits = {facts.id: HASTE if now else facts.stop_timeout for facts in orphans}

    def stop() -> None:
        with ThreadPoolExecutor(max_workers=len(orphans)) as pool:
            list(pool.map(lambda facts: look.engine.stop(facts.id, limits[facts.id]), orphans))

    running = [facts for facts in orphans if facts.state == "running"]
    # No setting of a profile makes their grace longer.
    _end(look, watch, running, {container: f"{limit}s" for container, limit in limits.items()}, stop, is_fixed=True)


def _end(
    look: Look,
    watch: DeathWatch,
    running: Sequence[ContainerFacts],
    graces: Mapping[str, str],
    end: Callable[[], None],
    *,
    is_fixed: bool,
) -> None:
    """End containers, and tell of each.

    Args:
        graces: how long each may take, by container.
        end: ends them all; returns when that is done.
    """
    progress = look.session.progress
    began = time.time()
    names = {facts.id: facts.profile for facts in running}
    for facts in running:
        progress.update(facts.profile, f"finishing its work, for at most {graces[facts.id]}")
    watch.report_deaths(lambda container: progress.update(names[container], "ended"), set(names))
    end()
    for facts in running:
        death = watch.wait_for_death(facts.id, facts.started, EVENT)
        killed = death is not None and death.exit_code == KILLED
        if killed or any(CUT_OFF in line for line in look.engine.last_logs(facts.id, LAST_LINES, since=began)):
            grace = graces[facts.id]
            is_early = killed and death is not None and death.at < began + seconds(grace)
            progress.say(cut_off(facts.profile, grace, killed=killed, is_early=is_early, is_fixed=is_fixed))


def cut_off(profile: str, grace: str, *, killed: bool, is_early: bool, is_fixed: bool) -> str:
    """What is said of a gateway that did not end by itself.

    Args:
        killed: by SIGKILL, and not by its own limit.
        is_early: before the grace was over, so that the engine was not the one.
        is_fixed: whether no setting makes its grace longer.
    """
    if not killed:
        return f"{profile} reached its own limit of 315 s before it had finished: the replies in progress were lost."
    if is_early:
        logs = Remedy.run("logs", profile, "--tail", "50")
        return f"{profile} was killed before its {grace} were over: unfinished work was lost. See why: {logs}"
    said = f"{profile} had not finished after {grace} and was killed: unfinished work was lost."
    return said if is_fixed else f"{said} To give it longer, raise profiles.{profile}.stop_grace_period."


def _grace(fleet: Fleet, profile: str, now: bool) -> str:
    return f"{HASTE}s" if now else fleet.profiles[profile].stop_grace_period
