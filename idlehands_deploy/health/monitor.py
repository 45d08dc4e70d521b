"""Observe gateways without end: containers through the engine's events, gateways by probing them at intervals."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.errors import EngineFailedError, EngineUnreachableError
from idlehands_deploy.health.observe import Observer, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.fleet.ports import PortPlan
    from idlehands_deploy.health.observe import Observation

# Verdicts that will change soon.
UNSETTLED = {"starting", "draining", "hung", "unreachable"}
# Seconds until the next attempt to reach an engine that stopped responding.
RECONNECT = 1.0


@dataclass(frozen=True)
class Pace:
    """Seconds between two probes of a gateway: when its verdict will change soon, and otherwise."""

    unsettled: float = 0.2
    settled: float = 2.0


class Monitor:
    """Observes the profiles of a fleet until it is stopped.

    The engine is asked about a container only after an event about it. A container that does not run is not looked at
    again before such an event.

    Args:
        on_observation: called with each observation, from several threads, one at a time.
    """

    def __init__(
        self,
        session: Session,
        fleet: Fleet,
        plan: PortPlan,
        profiles: Sequence[str],
        on_observation: Callable[[Observation], None],
        pace: Pace,
    ) -> None:
        self._session = session
        self._fleet = fleet
        self._plan = plan
        self._profiles = profiles
        self._on_observation = on_observation
        self._pace = pace
        self._reporting = threading.Lock()
        self._changed = {profile: threading.Event() for profile in profiles}

    def run(self, stopped: threading.Event) -> None:
        """Observe until ``stopped`` is set; an engine that stops responding is tried again until it responds.

        Raises:
            DeployError: the user may not use the engine, or it runs another deployment of this name.
        """
        while not stopped.is_set():
            try:
                self._run_with(take_look(self._session, self._fleet, self._plan), stopped)
            except (EngineUnreachableError, EngineFailedError) as error:
                for profile in self._profiles:
                    self._report(unknown(self._session, self._plan, profile, error))
                stopped.wait(RECONNECT)

    def run_until(self, stopped: threading.Event, every: float, tick: Callable[[], bool]) -> bool:
        """Observe in another thread until ``stopped`` is set, or until ``tick`` says so; returns whether it was that.

        Args:
            every: seconds from one call of ``tick`` to the next.

        Raises:
            DeployError: as ``run`` does.
        """
        ended = threading.Event()
        with ThreadPoolExecutor(max_workers=1) as pool:
            watching = pool.submit(self.run, ended)
            try:
                while not stopped.wait(every) and not watching.done():
                    if tick():
                        return True
            finally:
                ended.set()
            watching.result()
        return False

    def _run_with(self, look: Look, stopped: threading.Event) -> None:
        """Observe until the engine's event stream ends."""
        ended = threading.Event()
        with (
            look.engine.follow(self._fleet.name, self._mark_changed, self._stream_ended(ended)),
            ThreadPoolExecutor(max_workers=len(self._profiles)) as pool,
        ):
            observer = Observer(look)
            followed = [pool.submit(self._follow, look.engine, observer, name, ended) for name in self._profiles]
            try:
                # If one thread fails, all start again: its gateway must not stay unobserved.
                while not stopped.wait(RECONNECT) and not ended.is_set() and not any(one.done() for one in followed):
                    pass
            finally:
                ended.set()
                self._wake()
            for one in followed:
                one.result()

    def _follow(self, engine: Engine, observer: Observer, profile: str, ended: threading.Event) -> None:
        facts: ContainerFacts | None = None
        changed = self._changed[profile]
        changed.set()
        while not ended.is_set():
            if changed.is_set():
                changed.clear()
                facts = next(iter(engine.containers(self._fleet.name, profile)), None)
            seen = observer.look(profile, facts, details=True, stopped=ended.is_set)
            if ended.is_set():
                return
            self._report(seen)
            changed.wait(self._pause(seen))

    def _pause(self, seen: Observation) -> float | None:
        """Seconds until the next probe; None to wait for an event."""
        if seen.facts is None or seen.facts.state != "running":
            return None
        return self._pace.unsettled if seen.verdict.state in UNSETTLED else self._pace.settled

    def _report(self, seen: Observation) -> None:
        with self._reporting:
            self._on_observation(seen)

    def _mark_changed(self, profile: str) -> None:
        if profile in self._changed:
            self._changed[profile].set()

    def _stream_ended(self, ended: threading.Event) -> Callable[[], None]:
        def end() -> None:
            ended.set()
            self._wake()

        return end

    def _wake(self) -> None:
        for changed in self._changed.values():
            changed.set()
