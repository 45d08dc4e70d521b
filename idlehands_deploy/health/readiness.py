"""Look at gateways, and wait until they are ready or it is certain that they will not be."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from idlehands_deploy.contract import WARNING, WARNING_SECONDS
from idlehands_deploy.errors import NotReadyError
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
    from idlehands_deploy.gateway.probe import GatewayProbe
    from idlehands_deploy.health.verdict import Verdict

LOG_LINES = 6


@dataclass(frozen=True)
class Waited:
    """What a wait came to.

    Attributes:
        failure: why not every profile is usable; None if each is.
    """

    seen: list[Observation]
    failure: NotReadyError | None = None


def wait_for(look: Look, watch: DeathWatch, profiles: Sequence[str], timeout: float) -> Waited:
    """Wait for all profiles at once, each until its verdict is final or the time is up.

    Args:
        look: taken after the containers were started.
        watch: begun before that, so that no death is missed.
        timeout: seconds, for each.

    Returns:
        What was seen; where not every profile is usable, with why, the last log lines and what to type.
    """
    engine = look.engine
    observer = Observer(look)
    began = watch.began
    interrupted = threading.Event()

    def sleep(seconds: float) -> None:
        if interrupted.wait(seconds):
            raise KeyboardInterrupt

    def wait(profile: str) -> Observation:
        gateway = _Gateway(look, watch, profile, observer.probe(profile))
        verdict = wait_until_final(
            gateway.look,
            timeout,
            clock=time.monotonic,
            sleep=sleep,
            on_change=lambda seen: look.session.progress.update(profile, describe(seen)),
        )
        return Observation(verdict, gateway.facts, _warnings(engine, gateway.facts, began) if verdict.usable else ())

    with ThreadPoolExecutor(max_workers=len(profiles)) as pool:
        try:
            seen = list(pool.map(wait, profiles))
        finally:
            interrupted.set()  # after Ctrl-C the waiters end now and not at their timeout
    usable = all(item.verdict.usable for item in seen)
    return Waited(seen, None if usable else _not_ready(engine, seen, timeout))


class _Gateway:
    """One gateway under observation: the engine's word once, then its events and the gateway's answers."""

    def __init__(self, look: Look, watch: DeathWatch, profile: str, probe: GatewayProbe) -> None:
        self.facts = look.containers.get(profile)
        self._look = look
        self._watch = watch
        self._profile = profile
        self._probe = probe

    def look(self, within: float) -> Verdict:
        """The verdict at this moment, after at most so many seconds that the gateway may take to answer."""
        if self._watch.lost:
            self.facts = self._look.again().containers.get(self._profile)
        elif self.facts and (death := self._watch.death(self.facts.id, self.facts.started)):
            self.facts = _after(death, self.facts, self._look.engine.container(self.facts.id))
        if self.facts is None or self.facts.state != "running":
            return _without_patience(assess(self._profile, self.facts, None), self.facts)
        return assess(self._profile, self.facts, self._probe.ask(within))


def _without_patience(verdict: Verdict, facts: ContainerFacts | None) -> Verdict:
    """The verdict for somebody who waits: what dies while it starts does so again, and is not waited for."""
    if facts is None or facts.state != "restarting" or verdict.state != "starting":
        return verdict
    remedy = Remedy.run("logs", verdict.profile, "--tail", "50")
    return replace(verdict, state="crash-looping", remedy=remedy)


def _after(death: Death, before: ContainerFacts, now: ContainerFacts | None) -> ContainerFacts | None:
    """A container that died, however far the restart policy has got with it by now."""
    if now is None or now.state == "exited":
        return now
    # The start is that of the run which died: its log is the one that says why.
    return replace(now, state="restarting", exit_code=death.exit_code, health=None, started_at=before.started_at)


def _not_ready(engine: Engine, seen: Sequence[Observation], timeout: float) -> NotReadyError:
    lines: list[str] = []
    remedies: list[Remedy] = []
    for item in seen:
        verdict = item.verdict
        if verdict.usable:
            lines.append(f"{verdict.profile} is {describe(verdict)}.")
            continue
        late = f" after {timeout:.0f} s" if verdict.state in {"starting", "draining", "hung", "unreachable"} else ""
        lines.append(f"{verdict.profile} is not ready{late}: {describe(verdict)}.")
        lines += _log_lines(engine, item.facts)
        remedies.append(verdict.remedy or Remedy.run("logs", verdict.profile, "--follow"))
    return NotReadyError("\n".join(lines), Remedy().then(*_each_on_a_line(remedies)))


def _each_on_a_line(remedies: Sequence[Remedy]) -> Iterator[str | Remedy]:
    for number, remedy in enumerate(remedies):
        yield "\nNext: " if number else "Next: "
        yield remedy


def _warnings(engine: Engine, facts: ContainerFacts | None, began: float) -> tuple[str, ...]:
    """What the container warned of when it started; nothing for one that was up before, which has said it then."""
    return start_warnings(engine, facts) if facts and facts.started >= began else ()


def start_warnings(engine: Engine, facts: ContainerFacts | None) -> tuple[str, ...]:
    """What a container warned of when it was last started."""
    if facts is None:
        return ()
    lines = engine.first_logs(facts.id, facts.started, WARNING_SECONDS)
    return tuple(printable(line.removeprefix(WARNING)) for line in lines if line.startswith(WARNING))


def _log_lines(engine: Engine, facts: ContainerFacts | None) -> Iterator[str]:
    if facts is None:
        return
    for line in engine.last_logs(facts.id, LOG_LINES, since=facts.started):
        yield f"  | {printable(line)}"
