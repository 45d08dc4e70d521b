"""Observe gateways: the engine's facts and the gateways' responses, as one observation per profile."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from idlehands_deploy.deployment.profile_files import read_cdp_token, read_token
from idlehands_deploy.deployment.published import as_published
from idlehands_deploy.fleet.addresses import LOOPBACK
from idlehands_deploy.fleet.ports import CONTROL_OFFSET
from idlehands_deploy.health.held import told_for_host
from idlehands_deploy.health.verdict import REFUSED, assess, assess_unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.facts import ContainerFacts, Death
    from idlehands_deploy.engine.usage import Usage
    from idlehands_deploy.errors import DeployError
    from idlehands_deploy.fleet.ports import PortPlan, ProfilePorts
    from idlehands_deploy.gateway.probe import Answer, GatewayAnswers, GatewayProbe
    from idlehands_deploy.health.verdict import Verdict

BrowserState = Literal["running", "off", "frozen"]
# `off` if nothing responds, for example in a gateway without browsers.
ControlState = Literal["answers", "refuses", "off", "frozen"]
# How long a death can explain a gateway's state, and in how short a time several deaths are a crash loop: in a slow
# loop each start takes 20 seconds and each pause a minute; seconds.
REMEMBERED = 3600
RECENT = 600
# What one observation may take, whatever the gateway answers; seconds. Enough for it to be asked twice, and for one
# browser that is frozen.
SECONDS = 20.0


@dataclass(frozen=True)
class Observation:
    """One profile at one time.

    Attributes:
        warnings: what the container warned of when it started.
        control: the state of its browser control; None if it was not asked.
        browsers: the state of each browser that was asked.
        usage: of memory and CPU; None if it was not read, or the container does not run.
        latency: seconds that the gateway took to respond; None if it did not.
        unasked: what there was no time left for, by name.
    """

    verdict: Verdict
    facts: ContainerFacts | None
    warnings: tuple[str, ...] = ()
    browsers: Mapping[str, BrowserState] = field(default_factory=dict)
    control: ControlState | None = None
    usage: Usage | None = None
    latency: float | None = None
    unasked: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Budget:
    """The time that is left for an observation: none when nobody waits for it any more."""

    deadline: float
    stopped: Callable[[], bool]

    def left(self) -> float:
        """Seconds."""
        return 0.0 if self.stopped() else self.deadline - time.monotonic()


class Observer:
    """Observes the gateways of one fleet, again and again."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._engine = look.engine
        self._probes: dict[str, tuple[tuple[str | None, str | None, ProfilePorts], GatewayProbe]] = {}

    def look(
        self,
        profile: str,
        facts: ContainerFacts | None,
        *,
        details: bool = False,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Observation:
        """Observe one profile once, within ``SECONDS``.

        Args:
            facts: its container's facts; None if it has no container.
            details: also ask its browsers, and read the container's usage.
            stopped: whether nobody waits for it any more; then nothing further is asked.
        """
        if facts is None or facts.state != "running":
            return Observation(assess(profile, facts, None), facts)
        budget = _Budget(time.monotonic() + SECONDS, stopped)
        before = self._engine.counters(facts) if details else None
        probe = self.probe(profile, facts)
        answers = probe.ask()
        unasked: tuple[str, ...] = ()
        has_gone = answers.ready.status is None and not answers.ready.silent
        if has_gone and facts.health == "healthy" and not stopped():
            # That is up to half a minute old. A gateway that restarts inside its container closes its port for seconds.
            now = "healthy" if self._engine.is_healthy_now(facts.id) else "starting"
            facts, answers = replace(facts, health=now), probe.ask()
        if facts.restart_count and not (answers.is_ready or answers.has_started):
            # A container in a crash loop looks like one that is starting; only its earlier deaths show the difference.
            facts = with_deaths(facts, self._engine.deaths(facts.id, REMEMBERED), time.time())
        if answers.is_ready:
            facts = replace(facts, at_limit=self._engine.limits(facts))
        if details and answers.is_ready:
            answers, unasked = _with_doors(probe, answers, budget)
        return Observation(
            told_for_host(assess(profile, facts, answers), self._look.session.deployment),
            facts,
            control=_control_state(answers.control),
            browsers={name: state for name, answer in answers.browsers.items() if (state := _browser_state(answer))},
            usage=self._engine.usage(facts, before) if details else None,
            latency=None if answers.ready.status is None else answers.ready.seconds,
            unasked=unasked,
        )

    def probe(self, profile: str, facts: ContainerFacts | None) -> GatewayProbe:
        """A probe of a profile's gateway and browsers where they are published, with its current token."""
        ports = as_published(self._look.ports.profiles[profile], facts)
        deployment = self._look.session.deployment
        target = read_token(deployment, profile), read_cdp_token(deployment, profile), ports
        known = self._probes.get(profile)
        if known is None or known[0] != target:
            known = self._probes[profile] = target, make_probe(ports, *target[:2])
        return known[1]


def observe(look: Look, profiles: Sequence[str], *, details: bool = False) -> list[Observation]:
    """Observe several profiles once, all at the same time.

    Args:
        details: also ask the browsers, and read the containers' usage.
    """
    observer = Observer(look)
    with ThreadPoolExecutor(max_workers=max(1, len(profiles))) as pool:
        return list(pool.map(lambda name: observer.look(name, look.containers.get(name), details=details), profiles))


def make_probe(ports: ProfilePorts, token: str | None, cdp_token: str | None = None) -> GatewayProbe:
    """A probe of a profile's gateway and browsers over their published ports."""
    from idlehands_deploy.gateway.probe import GatewayProbe  # noqa: PLC0415 - requests is slow to load

    published = {port.port for port in ports.published}
    browsers = {name: cdp for name, cdp in ports.cdp.items() if cdp in published}
    control = ports.base + CONTROL_OFFSET
    return GatewayProbe(ports.host, ports.base, token, browsers, control if control in published else None, cdp_token)


def unknown(session: Session, plan: PortPlan, profile: str, error: DeployError) -> Observation:
    """What is known of a profile without the engine."""
    answers = make_probe(plan.profiles[profile], read_token(session.deployment, profile)).ask()
    return Observation(assess_unknown(profile, error.what.rstrip("."), answers), None)


def probe_control(look: Look, profile: str) -> GatewayProbe:
    """A probe of a gateway's browser control, which is published on loopback."""
    from idlehands_deploy.gateway.probe import GatewayProbe  # noqa: PLC0415 - requests is slow to load

    port = look.published(profile).base + CONTROL_OFFSET
    return GatewayProbe(LOOPBACK, port, read_token(look.session.deployment, profile))


def describe(verdict: Verdict) -> str:
    """A verdict in one line."""
    return f"{verdict.state}: {verdict.reason}" if verdict.reason else verdict.state


def as_entry(seen: Observation) -> dict[str, Any]:
    """A verdict and the facts behind it, for the journal."""
    verdict, facts = seen.verdict, seen.facts
    evidence: dict[str, Any] = {"latency": seen.latency, "browsers": dict(seen.browsers), "control": seen.control}
    if facts is not None:
        evidence |= {
            "container": facts.id, "docker_state": facts.state, "docker_health": facts.health,
            "exit_code": facts.exit_code, "last_exit_code": facts.last_exit_code, "oom_killed": facts.oom_killed,
            "restarts": facts.restart_count, "started_at": facts.started_at, "error": facts.error,
            "memory": seen.usage.memory if seen.usage else None,
        }  # fmt: skip
    return {
        "profile": verdict.profile, "state": verdict.state, "usable": verdict.usable, "reason": verdict.reason,
        "failing": list(verdict.failing), "evidence": evidence,
    }  # fmt: skip


def with_deaths(facts: ContainerFacts, deaths: Sequence[Death], now: float) -> ContainerFacts:
    """A container's facts, completed with its earlier deaths.

    Args:
        deaths: of this container, oldest first.
        now: seconds since 1970.
    """
    if not deaths:
        return facts
    return replace(
        facts,
        last_exit_code=deaths[-1].exit_code,
        lacked_memory=deaths[-1].lacked_memory,
        recent_deaths=sum(death.at > now - RECENT for death in deaths),
    )


def _with_doors(
    probe: GatewayProbe, answers: GatewayAnswers, budget: _Budget
) -> tuple[GatewayAnswers, tuple[str, ...]]:
    """Ask the browsers and browser control as well; with the names of those for which there is no time left."""
    from idlehands_deploy.gateway.probe import LIMIT  # noqa: PLC0415 - requests is slow to load

    browsers = probe.ask_browsers(budget.left)
    unasked = tuple(f"browser {name}" for name in probe.browsers if name not in browsers)
    if budget.left() < LIMIT:
        return replace(answers, browsers=browsers), (*unasked, "browser control")
    return replace(answers, browsers=browsers, control=probe.ask_control()), unasked


def _control_state(answer: Answer | None) -> ControlState | None:
    if answer is None:
        return None
    if answer.status is None:
        return "frozen" if answer.silent else "off"
    return "refuses" if answer.status in REFUSED else "answers"


def _browser_state(answer: Answer) -> BrowserState | None:
    """None if its port does not know our token: that says nothing about the browser behind it."""
    if answer.silent:
        return "frozen"
    if answer.status in REFUSED:
        return None
    return "off" if answer.status is None else "running"
