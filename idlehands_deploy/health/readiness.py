"""Wait until gateways are ready, or until it is certain that they will not be."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from idlehands_deploy.contract import ENTRYPOINT, WARNING, WARNING_SECONDS
from idlehands_deploy.errors import NotReadyError
from idlehands_deploy.health.held import host_text, told_for_host
from idlehands_deploy.health.observe import Observation, Observer, describe
from idlehands_deploy.health.verdict import assess
from idlehands_deploy.health.wait import wait_until_final
from idlehands_deploy.remedies import Remedy
from idlehands_deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.events import DeathWatch
    from idlehands_deploy.engine.facts import ContainerFacts, Death
    from idlehands_deploy.health.verdict import Verdict

LOG_LINES = 6


@dataclass(frozen=True)
class WaitResult:
    """The result of a wait.

    Attributes:
        seen: the last observation of each profile.
        failure: why not every profile is usable; None if every one is.
    """

    seen: list[Observation]
    failure: NotReadyError | None = None


def wait_for(look: Look, watch: DeathWatch, profiles: Sequence[str], timeout: float) -> WaitResult:
    """Wait for all profiles at the same time, each until its verdict is final or the time is up.

    Args:
        look: taken after the containers were started.
        watch: started before that, so that no death is missed.
        timeout: seconds, for each.

    Returns:
        What was observed. If a profile is not usable, the failure holds the reason, its last log lines and a remedy.
    """
    if not profiles:
        return WaitResult([])
    engine = look.engine
    observer = Observer(look)
    began = watch.began
    interrupted = threading.Event()

    def sleep(seconds: float) -> None:
        if interrupted.wait(seconds):
            raise KeyboardInterrupt

    def wait(profile: str) -> Observation:
        gateway = _Gateway(look, watch, profile, observer)
        verdict = wait_until_final(
            gateway.look,
            timeout,
            clock=time.monotonic,
            sleep=sleep,
            # Why a gateway is held back is told once, at the end.
            on_change=lambda seen: look.session.progress.update(
                profile, seen.state if seen.state == "misconfigured" else describe(seen)
            ),
        )
        return Observation(verdict, gateway.facts, _warnings(engine, gateway.facts, began) if verdict.usable else ())

    with ThreadPoolExecutor(max_workers=len(profiles)) as pool:
        try:
            seen = list(pool.map(wait, profiles))
        finally:
            interrupted.set()  # after Ctrl-C the waits end now, not at their timeout
    usable = all(item.verdict.usable for item in seen)
    return WaitResult(seen, None if usable else _not_ready(look, seen, timeout))


class _Gateway:
    """One gateway during the wait: its container's facts once, then the engine's events and its own responses."""

    def __init__(self, look: Look, watch: DeathWatch, profile: str, observer: Observer) -> None:
        self.facts = look.containers.get(profile)
        self._look = look
        self._watch = watch
        self._profile = profile
        self._observer = observer

    def look(self, within: float) -> Verdict:
        """The current verdict; the gateway has ``within`` seconds to respond."""
        if self._watch.lost:
            self.facts = self._look.again().containers.get(self._profile)
        elif self.facts and (death := self._watch.death(self.facts.id, self.facts.started)):
            self.facts = _after(death, self.facts, self._look.engine.container(self.facts.id))
        if self.facts is None or self.facts.state != "running":
            return _final_if_it_died(assess(self._profile, self.facts, None), self.facts)
        answers = self._observer.probe(self._profile, self.facts).ask(within)
        if answers.is_ready:
            self.facts = replace(self.facts, at_limit=self._look.engine.limits(self.facts))
        verdict = assess(self._profile, self.facts, answers)
        return told_for_host(verdict, self._look.session.deployment)


def _final_if_it_died(verdict: Verdict, facts: ContainerFacts | None) -> Verdict:
    """A gateway that died while it started is crash-looping for a waiting user: it would die again."""
    if facts is None or facts.state != "restarting" or verdict.state != "starting":
        return verdict
    remedy = Remedy.run("logs", verdict.profile, "--tail", "50")
    return replace(verdict, state="crash-looping", remedy=remedy)


def _after(death: Death, before: ContainerFacts, now: ContainerFacts | None) -> ContainerFacts | None:
    """The facts of a container that died, whether or not its restart policy has started it again since."""
    if now is None or now.state == "exited":
        return now
    # The start time is that of the run that died, because its log holds the reason.
    return replace(now, state="restarting", exit_code=death.exit_code, health=None, started_at=before.started_at)


def _not_ready(look: Look, seen: Sequence[Observation], timeout: float) -> NotReadyError:
    lines: list[str] = []
    remedies: list[Remedy] = []
    for item in seen:
        verdict = item.verdict
        if verdict.usable:
            lines.append(f"{verdict.profile} is {describe(verdict)}.")
            continue
        late = f" after {timeout:.0f} s" if verdict.state in {"starting", "draining", "hung", "unreachable"} else ""
        lines.append(f"{verdict.profile} is not ready{late}: {describe(verdict)}.")
        lines += _log_lines(look, item)
        remedies.append(verdict.remedy or Remedy.run("logs", verdict.profile, "--follow"))
    return NotReadyError("\n".join(lines), Remedy().then(*_one_per_line(remedies)))


def _one_per_line(remedies: Sequence[Remedy]) -> Iterator[str | Remedy]:
    for number, remedy in enumerate(remedies):
        yield "\nNext: " if number else "Next: "
        yield remedy


def _warnings(engine: Engine, facts: ContainerFacts | None, began: float) -> tuple[str, ...]:
    """What a container warned of when it started; nothing if it was already up before the wait."""
    return start_warnings(engine, facts) if facts and facts.started >= began else ()


def start_warnings(engine: Engine, facts: ContainerFacts | None) -> tuple[str, ...]:
    """What a container warned of at its last start."""
    if facts is None:
        return ()
    lines = engine.first_logs(facts.id, facts.started, WARNING_SECONDS)
    return tuple(printable(line.removeprefix(WARNING)) for line in lines if line.startswith(WARNING))


def _log_lines(look: Look, item: Observation) -> Iterator[str]:
    facts, verdict = item.facts, item.verdict
    if facts is None or (verdict.is_held and "config" not in verdict.failing):
        return
    for line in look.engine.last_logs(facts.id, LOG_LINES, since=facts.started):
        # The verdict has the entrypoint's reason already.
        if verdict.is_held and line.startswith(ENTRYPOINT):
            continue
        told = host_text(line, verdict.profile, look.session.deployment) if verdict.is_held else line
        yield f"  | {printable(told)}"
