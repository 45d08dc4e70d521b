"""Keep watch over gateways: note each change, treat what hangs, tell people, and go on whatever happens."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.session import select
from idlehands_deploy.engine.compose import end_arguments, up_arguments
from idlehands_deploy.errors import DeployError
from idlehands_deploy.fleet.file import parse_text
from idlehands_deploy.fleet.values import seconds
from idlehands_deploy.health.monitor import Monitor, Pace
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.planning.compose import remake
from idlehands_deploy.planning.draft import make_draft, refuse_stale
from idlehands_deploy.timestamps import moment
from idlehands_deploy.watch.journal import Journal, alone, read_journal
from idlehands_deploy.watch.ledger import Ledger
from idlehands_deploy.watch.notifications import News
from idlehands_deploy.watch.policy import Policy, Supervisor, Tell, Treat
from idlehands_deploy.watch.sender import Notifier, check_notify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.health.observe import Observation
    from idlehands_deploy.watch.ledger import Entry
    from idlehands_deploy.watch.metrics import Metrics

# A gateway that works is asked so seldom that eight of them cost a hundredth of a core; seconds.
PACE = Pace(unsettled=0.2, settled=8.0)
# Between two looks at the clock, for what is due without news.
TICK = 1.0
# What the engine takes to kill a container whose grace is over; seconds.
ENDING = 10


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
    news = _FleetNews(session, wanted.names)
    path = session.deployment.journal_file
    before = read_journal(path)
    with (
        closing(Journal(path)) as journal,
        alone(path),
        _serving(news.fleet.name, wanted.metrics) as metrics,
    ):
        ledger = Ledger(journal, metrics, wanted.told)
        unwatched = {"unwatched_since": moment(before.until)} if before.until else {}
        ledger.write("watching", profiles=select(news.fleet, wanted.names), **unwatched)
        supervisors: dict[str, Supervisor] = {}
        try:
            while not wanted.stopped.is_set():
                one = _Round(session, news.fleet, wanted, ledger, supervisors)
                supervisors = one.supervisors
                if not one.run(news):
                    break
        finally:
            ledger.write("ended")


class _Round:
    """A watch for as long as the fleet file stays as it is."""

    def __init__(
        self, session: Session, fleet: Fleet, wanted: Watching, ledger: Ledger, before: Mapping[str, Supervisor]
    ) -> None:
        self._session = session
        self._fleet = fleet
        self._ports = plan_here(session, fleet)
        self._wanted = wanted
        self._ledger = ledger
        self._profiles = select(fleet, wanted.names)
        policy = Policy(restarts=fleet.watch.restart, patience=seconds(fleet.watch.patience))
        # What was told of a gateway, and tried in vain, is not forgotten because of an edit.
        self.supervisors = {name: before.get(name, Supervisor(policy)) for name in self._profiles}
        for supervisor in self.supervisors.values():
            supervisor.policy = policy
        self._deciding = threading.Lock()
        self._treating: set[str] = set()
        self._notifier = Notifier(session, fleet, self._not_told)
        self._treatments = ThreadPoolExecutor(max_workers=len(self._profiles), thread_name_prefix="treatment")

    def run(self, news: _FleetNews) -> bool:
        """Watch until told to stop, or until the fleet file says something new; says whether it does."""
        self._ledger.keep(self._profiles)
        monitor = Monitor(self._session, self._fleet, self._ports, self._profiles, self._see, PACE)
        ended = threading.Event()
        with self._notifier, self._treatments, ThreadPoolExecutor(max_workers=1) as pool:
            watching = pool.submit(monitor.run, ended)
            try:
                while not self._wanted.stopped.wait(TICK) and not watching.done():
                    # A restart may take as long as a gateway's work, and the others are watched meanwhile.
                    if not self._treating and news.changed(self._ledger):
                        return True
                    self._tick()
            finally:
                ended.set()
            watching.result()
        return False

    def _see(self, seen: Observation) -> None:
        self._ledger.see(seen)
        self._decide(seen)

    def _tick(self) -> None:
        self._ledger.tick()
        for seen in self._ledger.latest():
            self._decide(seen)

    def _decide(self, seen: Observation) -> None:
        profile = seen.verdict.profile
        with self._deciding:
            if profile in self._treating:
                return
            ended_well = seen.facts is not None and seen.facts.exit_code == 0
            for decision in self.supervisors[profile].decide(seen.verdict, time.monotonic(), ended_well=ended_well):
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
        self._notifier.tell(
            News(now, verdict.profile, decision.kind, verdict.state, decision.text, str(decision.remedy))
        )

    def _treat(self, profile: str, treat: Treat, *, hangs: bool) -> None:
        more = {"profile": profile, "cure": treat.cure, "attempt": treat.attempt, "reason": treat.why}
        began = time.monotonic()
        try:
            look = take_look(self._session, self._fleet, self._ports)
            if spared := self._spared(look, profile):
                self._ledger.write("spared", **more | {"reason": spared})
                return
            self._ledger.write("treating", **more)
            # One that hangs would use up its whole grace period.
            restart = end_arguments("restart", [profile], now=hangs)
            if treat.cure == "up":
                # It makes a container of what stands there, which must be what the fleet file says.
                refuse_stale(self._session, make_draft(self._session, self._session.fleet_text()))
            # A container whose port was lost on this host alone is, to Compose, just as it should be.
            anew = up_arguments(["--force-recreate", profile])
            arguments = restart if treat.cure == "restart" else anew
            remake(look, arguments, [profile])
            self._ledger.write("treated", **more, seconds=round(time.monotonic() - began, 3))
            self._ledger.treated(profile)
        except DeployError as error:
            self._ledger.write("treatment-failed", **more | {"reason": error.what})
        finally:
            with self._deciding:
                self.supervisors[profile].treated(time.monotonic())
                self._treating.discard(profile)

    def _spared(self, look: Look, profile: str) -> str:
        """Why a gateway is to be left alone after all: a restart would bring back what a person stops just now."""
        facts = look.containers.get(profile)
        if facts is None or facts.state != "running":
            return "its container does not run any more"
        grace = seconds(self._fleet.profiles[profile].stop_grace_period) + ENDING
        return "somebody stops it" if look.engine.is_being_stopped(facts, grace) else ""

    def _not_told(self, receiver: str, why: str) -> None:
        self._ledger.write("not-told", receiver=receiver, reason=why)


class _FleetNews:
    """The fleet as it was last found good, and whether its file says something new."""

    def __init__(self, session: Session, names: Sequence[str]) -> None:
        self._session = session
        self._names = names
        self._signature = self._look()
        self._text = session.fleet_text()
        self.fleet = self._read(self._text)

    def changed(self, ledger: Ledger) -> bool:
        """Whether there is a new fleet; not where it is the old one, or nothing that can be watched."""
        signature = self._look()
        if signature == self._signature:
            return False
        self._signature = signature
        try:
            text = self._session.fleet_text()
            if text == self._text:
                return False
            self.fleet, self._text = self._read(text), text
        except DeployError as error:
            ledger.write("fleet-refused", reason=error.what)
            return False
        ledger.write("fleet-read", profiles=select(self.fleet, self._names))
        return True

    def _read(self, text: str) -> Fleet:
        fleet = parse_text(text, str(self._session.deployment.fleet_file))
        select(fleet, self._names)
        check_notify(self._session, fleet, os.geteuid())
        plan_here(self._session, fleet)
        return fleet

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._session.deployment.fleet_file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size


@contextmanager
def _serving(project: str, address: tuple[str, int] | None) -> Iterator[Metrics | None]:
    if address is None:
        yield None
        return
    from idlehands_deploy.watch.metrics import Metrics  # noqa: PLC0415 - costs some megabytes

    metrics = Metrics(project)
    end = metrics.serve(*address)
    try:
        yield metrics
    finally:
        end()
