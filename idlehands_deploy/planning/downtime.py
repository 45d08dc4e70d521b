"""How long a gateway will be away while a plan is carried out, as far as its last start tells."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from idlehands_deploy.engine.compose import HASTE
from idlehands_deploy.planning.steps import Plan

if TYPE_CHECKING:
    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.planning.steps import Step

# The end of the line that a gateway (2026.9.6) logs when it is ready, and how long after its start; seconds.
READY = "[gateway] ready"
LONGEST_START = 600


def with_downtimes(look: Look, plan: Plan) -> Plan:
    """The plan with what it means for each gateway that runs and is started again."""
    ended = [step for step in plan.steps if step.verb in {"up", "restart"} and look.state(step.subject) == "running"]
    if not ended:
        return plan
    with ThreadPoolExecutor(max_workers=8) as pool:
        said = dict(zip(ended, pool.map(lambda step: _downtime(look, step), ended), strict=True))
    return Plan(tuple(replace(step, downtime=said.get(step, "")) for step in plan.steps))


def _downtime(look: Look, step: Step) -> str:
    facts = look.containers[step.subject]
    seconds = look.engine.seconds_to_line(facts.id, facts.started, READY, LONGEST_START)
    down = "down until it has started" if seconds is None else f"down for about {max(1, round(seconds))} s"
    if "--timeout" in step.how:
        return f"{down}, and unfinished work gets {HASTE} s"
    return f"{down}, once its work is finished (at most {look.fleet.profiles[step.subject].stop_grace_period})"
