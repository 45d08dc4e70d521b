"""Keep watch over gateways: note each change, treat what hangs, tell people, and go on whatever happens."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idlehands_deploy.directory import unusable
from idlehands_deploy.engine.compose import end_arguments, up_arguments
from idlehands_deploy.errors import DeployError, UsageError
from idlehands_deploy.fleet_values import seconds
from idlehands_deploy.journal import ALIVE, Journal, read_journal
from idlehands_deploy.moments import moment
from idlehands_deploy.news import News
from idlehands_deploy.operations.monitoring import Monitor, Pace
from idlehands_deploy.operations.notifying import Notifier, check_notify
from idlehands_deploy.operations.session import select
from idlehands_deploy.operations.surroundings import plan_here
from idlehands_deploy.supervision import Policy, Supervisor, Tell, Treat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from idlehands_deploy.directory import Deployment
    from idlehands_deploy.fleet import Fleet
    from idlehands_deploy.health import Verdict
    from idlehands_deploy.metrics import Metrics
    from idlehands_deploy.operations.observing import Observation
    from idlehands_deploy.operations.session import Session

# A gateway that works is asked so seldom that eight of them cost a hundredth of a core; seconds.
PACE = Pace(unsettled=0.2, settled=5.0)
# Between two looks at the clock, for what is due without news.
TICK = 1.0

Entry = dict[str, Any]


@dataclass(frozen=True)
class Watching:
    """What a watch is asked for.

    Attributes:
        names: the profiles; none for all, also those to come.
        metrics: address and port where Prometheus is answered; None for nowhere.
        told: called with each entry of the journal as it is written, from several threads.
        stopped: ends the watch when it is set.
    """

    names: Sequence[str]
    metrics: tuple[str, int] | None
    told: Callable[[Entry], None]
    stopped: threading.Event


def watch(session: Session, wanted: Watching) -> None:
    """Watch until told to stop.

    Raises:
        UsageError: there is no such profile, or another watch is at it.
        FleetError: the fleet file is wrong, or names a receiver of news that cannot be used.
        PortConflictError: the port for metrics is taken.
        DirectoryError: there is no place for the journal.
    """
    fleet = session.fleet()
    profiles = select(fleet, wanted.names)
    check_notify(session, fleet, os.geteuid())
    path = session.deployment.journal_file
    before = read_journal(path)
    with (
        closing(Journal(path)) as journal,
        _alone(session.deployment),
        _serving(fleet.name, wanted.metrics) as metrics,
    ):
        ledger = _Ledger(journal, metrics, wanted.told)
        unwatched = {"unwatched_since": moment(before.until)} if before.until else {}
        ledger.write("watching", profiles=profiles, **unwatched)
        current: Fleet | None = fleet
        try:
            while current and not wanted.stopped.is_set():
                current = _Round(session, current, wanted, ledger).run()
        finally:
            ledger.write("ended")


class _Ledger:
    """What was last seen of each profile, and what was written of it; lives as long as the watch."""

    def __init__(self, journal: Journal, metrics: Metrics | None, told: Callable[[Entry], None]) -> None:
        self._journal = journal
        self._metrics = metrics
        self._told = told
        self._writing = threading.Lock()
        self._seen: dict[str, tuple[Observation, float]] = {}
        self._since: dict[str, float] = {}
        self._alive = 0.0

    def write(self, event: str, **more: object) -> None:
        with self._writing:
            self._told(self._journal.write(event, **more))

    def see(self, seen: Observation) -> None:
        """Take an observation in; a new state, or other failing checks, make an entry."""
        verdict, now = seen.verdict, time.monotonic()
        last, at = self._seen.get(verdict.profile, (None, now))
        before = last.verdict if last else None
        self._seen[verdict.profile] = seen, now
        if self._metrics:
            self._metrics.see(seen, now - at, before.state if before else None)
        if before and _essence(before) == _essence(verdict):
            return
        lasted = {"before": before.state, "lasted": round(now - self._since[verdict.profile], 3)} if before else {}
        self._since[verdict.profile] = now
        self.write(
            "state", profile=verdict.profile, state=verdict.state, usable=verdict.usable, **lasted,
            reason=verdict.reason, failing=list(verdict.failing), evidence=_evidence(seen),
        )  # fmt: skip

    def latest(self) -> list[Observation]:
        return [seen for seen, _ in self._seen.copy().values()]

    def treated(self, profile: str) -> None:
        if self._metrics:
            self._metrics.treat(profile)

    def keep(self, profiles: Sequence[str]) -> None:
        """Forget whatever is not among these any more."""
        for profile in set(self._seen) - set(profiles):
            del self._seen[profile], self._since[profile]
            self.write("left", profile=profile)
            if self._metrics:
                self._metrics.forget(profile)

    def keep_alive(self) -> None:
        if time.monotonic() - self._alive >= ALIVE:
            self._alive = time.monotonic()
            self._journal.keep_alive()


class _Round:
    """A watch for as long as the fleet file stays as it is."""

    def __init__(self, session: Session, fleet: Fleet, wanted: Watching, ledger: _Ledger) -> None:
        self._session = session
        self._fleet = fleet
        self._wanted = wanted
        self._ledger = ledger
        self._profiles = select(fleet, wanted.names)
        policy = Policy(restarts=fleet.watch.restart, patience=seconds(fleet.watch.patience))
        self._supervisors = {name: Supervisor(policy) for name in self._profiles}
        self._deciding = threading.Lock()
        self._treating: set[str] = set()
        self._notifier = Notifier(session, fleet, self._not_told)
        self._treatments = ThreadPoolExecutor(max_workers=len(self._profiles), thread_name_prefix="treatment")

    def run(self) -> Fleet | None:
        """Watch until told to stop, or until the fleet file says something new, which is given back."""
        self._ledger.keep(self._profiles)
        plan = plan_here(self._session, self._fleet)
        monitor = Monitor(self._session, self._fleet, plan, self._profiles, self._see, PACE)
        ended = threading.Event()
        news = _FleetNews(self._session, self._wanted.names, self._ledger)
        with self._notifier, self._treatments, ThreadPoolExecutor(max_workers=1) as pool:
            watching = pool.submit(monitor.run, ended)
            try:
                while not self._wanted.stopped.wait(TICK) and not watching.done():
                    if fleet := news.changed():
                        return fleet
                    self._tick()
            finally:
                ended.set()
            watching.result()
        return None

    def _see(self, seen: Observation) -> None:
        self._ledger.see(seen)
        self._decide(seen)

    def _tick(self) -> None:
        self._ledger.keep_alive()
        for seen in self._ledger.latest():
            self._decide(seen)

    def _decide(self, seen: Observation) -> None:
        profile = seen.verdict.profile
        with self._deciding:
            if profile in self._treating:
                return
            ended_well = seen.facts is not None and seen.facts.exit_code == 0
            for decision in self._supervisors[profile].decide(seen.verdict, time.monotonic(), ended_well=ended_well):
                self._do(seen, decision)

    def _do(self, seen: Observation, decision: Treat | Tell) -> None:
        verdict = seen.verdict
        if isinstance(decision, Treat):
            self._treating.add(verdict.profile)
            self._treatments.submit(self._treat, verdict.profile, decision, hangs=verdict.state == "hung")
            return
        if decision.kind == "gave-up":
            self._ledger.write("gave-up", profile=verdict.profile, reason=decision.text)
        now = moment(time.time())
        self._notifier.tell(News(now, verdict.profile, decision.kind, verdict.state, decision.text, decision.remedy))

    def _treat(self, profile: str, treat: Treat, *, hangs: bool) -> None:
        # One that hangs would use up its whole grace period.
        restart = end_arguments("restart", [profile], now=hangs)
        arguments = restart if treat.cure == "restart" else up_arguments([profile])
        more = {"profile": profile, "cure": treat.cure, "attempt": treat.attempt, "reason": treat.why}
        self._ledger.write("treating", **more)
        began = time.monotonic()
        try:
            self._session.compose(self._fleet).run(*arguments)
        except DeployError as error:
            self._ledger.write("treatment-failed", **more | {"reason": error.what})
        else:
            self._ledger.write("treated", **more, seconds=round(time.monotonic() - began, 3))
        finally:
            self._ledger.treated(profile)
            with self._deciding:
                self._treating.discard(profile)

    def _not_told(self, receiver: str, why: str) -> None:
        self._ledger.write("not-told", receiver=receiver, reason=why)


class _FleetNews:
    """Whether the fleet file says something new."""

    def __init__(self, session: Session, names: Sequence[str], ledger: _Ledger) -> None:
        self._session = session
        self._names = names
        self._ledger = ledger
        self._text = session.fleet_text()
        self._signature = self._look()

    def changed(self) -> Fleet | None:
        """The new fleet; None where it is the old one, or nothing that can be watched."""
        signature = self._look()
        if signature == self._signature:
            return None
        self._signature = signature
        try:
            text = self._session.fleet_text()
            if text == self._text:
                return None
            fleet = self._session.fleet()
            select(fleet, self._names)
            check_notify(self._session, fleet, os.geteuid())
            plan_here(self._session, fleet)
        except DeployError as error:
            self._ledger.write("fleet-refused", reason=error.what)
            return None
        self._ledger.write("fleet-read", profiles=select(fleet, self._names))
        return fleet

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._session.deployment.fleet_file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size


@contextmanager
def _alone(deployment: Deployment) -> Iterator[None]:
    """See that nobody else watches this deployment: two would restart the same gateway twice."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - slow to load

    lock = FileLock(deployment.journal_file.with_name("lock"), timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(
            f"Another watch is at work in {deployment.root}.",
            f"See what it sees: idlehands-deploy history   (and who it is: fuser {lock.lock_file})",
        ) from None
    except OSError as error:
        raise unusable("write", deployment.journal_file, error) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _serving(project: str, address: tuple[str, int] | None) -> Iterator[Metrics | None]:
    if address is None:
        yield None
        return
    from idlehands_deploy.metrics import Metrics  # noqa: PLC0415 - costs some megabytes

    metrics = Metrics(project)
    end = metrics.serve(*address)
    try:
        yield metrics
    finally:
        end()


def _essence(verdict: Verdict) -> tuple[object, ...]:
    """What makes a verdict another one; what a gateway waits for while it starts does not."""
    return verdict.state, verdict.failing if verdict.state == "degraded" else ()


def _evidence(seen: Observation) -> dict[str, Any]:
    """The facts behind a verdict."""
    found: dict[str, Any] = {"latency": seen.latency, "browsers": dict(seen.browsers)}
    if (facts := seen.facts) is not None:
        found |= {
            "container": facts.id, "docker_state": facts.state, "docker_health": facts.health,
            "exit_code": facts.exit_code, "last_exit_code": facts.last_exit_code, "oom_killed": facts.oom_killed,
            "restarts": facts.restart_count, "started_at": facts.started_at, "error": facts.error,
            "memory": seen.usage.memory if seen.usage else None,
        }  # fmt: skip
    return found
