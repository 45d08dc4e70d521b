"""Keep an eye on gateways: the engine's events tell what it knows, questions only what a gateway alone can say."""

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

# Verdicts in which a gateway is about to become something else.
UNSETTLED = {"starting", "draining", "hung", "unreachable"}
# Seconds until an engine that went away is looked for again.
RECONNECT = 1.0


@dataclass(frozen=True)
class Pace:
    """Seconds between two questions to a gateway: to one that will change soon, and to one that may stay as it is."""

    unsettled: float = 0.2
    settled: float = 2.0


class Monitor:
    """Observes the profiles of a fleet until it is told to stop.

    The engine is asked about a container when an event tells that something happened to it, and never for the sake
    of asking; a container that does not run is not looked at again before that.

    Args:
        told: called with each observation, from several threads, one at a time.
    """

    def __init__(
        self,
        session: Session,
        fleet: Fleet,
        plan: PortPlan,
        profiles: Sequence[str],
        told: Callable[[Observation], None],
        pace: Pace,
    ) -> None:
        self._session = session
        self._fleet = fleet
        self._plan = plan
        self._profiles = profiles
        self._tell = told
        self._pace = pace
        self._telling = threading.Lock()
        self._news = {profile: threading.Event() for profile in profiles}

    def run(self, stopped: threading.Event) -> None:
        """Observe until ``stopped`` is set; an engine that goes away is looked for until it is back.

        Raises:
            DeployError: the engine may not be used, or runs another deployment of this name.
        """
        while not stopped.is_set():
            try:
                self._run_with(take_look(self._session, self._fleet, self._plan), stopped)
            except (EngineUnreachableError, EngineFailedError) as error:
                for profile in self._profiles:
                    self._told(unknown(self._session, self._fleet, self._plan, profile, error))
                stopped.wait(RECONNECT)

    def _run_with(self, look: Look, stopped: threading.Event) -> None:
        """Observe for as long as the engine's events come."""
        ended = threading.Event()
        with (
            look.engine.follow(self._fleet.name, self._notice, self._lost(ended)),
            ThreadPoolExecutor(max_workers=len(self._profiles)) as pool,
        ):
            observer = Observer(look)
            followed = [pool.submit(self._follow, look.engine, observer, name, ended) for name in self._profiles]
            try:
                # One that fails must not leave its gateway unseen while the others go on.
                while not stopped.wait(RECONNECT) and not ended.is_set() and not any(one.done() for one in followed):
                    pass
            finally:
                ended.set()
                self._wake()
            for one in followed:
                one.result()

    def _follow(self, engine: Engine, observer: Observer, profile: str, ended: threading.Event) -> None:
        facts: ContainerFacts | None = None
        news = self._news[profile]
        news.set()
        while not ended.is_set():
            if news.is_set():
                news.clear()
                facts = next(iter(engine.containers(self._fleet.name, profile)), None)
            seen = observer.look(profile, facts, details=True)
            if ended.is_set():
                return
            self._told(seen)
            news.wait(self._pause(seen))

    def _pause(self, seen: Observation) -> float | None:
        """Seconds until the next look; None to wait for news."""
        if seen.facts is None or seen.facts.state != "running":
            return None
        return self._pace.unsettled if seen.verdict.state in UNSETTLED else self._pace.settled

    def _told(self, seen: Observation) -> None:
        with self._telling:
            self._tell(seen)

    def _notice(self, profile: str) -> None:
        if profile in self._news:
            self._news[profile].set()

    def _lost(self, ended: threading.Event) -> Callable[[], None]:
        def lost() -> None:
            ended.set()
            self._wake()

        return lost

    def _wake(self) -> None:
        for news in self._news.values():
            news.set()
