"""The watch: record each change of the gateways, restart hung ones, notify people, and continue after any error."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.secret_values import secret_problems
from idlehands_deploy.deployment.session import select
from idlehands_deploy.engine.compose import end_arguments, up_arguments
from idlehands_deploy.errors import DeployError
from idlehands_deploy.fleet.values import seconds
from idlehands_deploy.health.monitor import Monitor, Pace
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.planning.compose import remake
from idlehands_deploy.planning.draft import make_draft, refuse_stale
from idlehands_deploy.planning.guards.config import check_before
from idlehands_deploy.planning.guards.versions import refuse_other, version_of
from idlehands_deploy.timestamps import timestamp
from idlehands_deploy.watch.fleet_file import FleetFile
from idlehands_deploy.watch.journal import Journal, locked, read_journal
from idlehands_deploy.watch.ledger import Ledger
from idlehands_deploy.watch.notifications import Notification
from idlehands_deploy.watch.page.overview import Watched
from idlehands_deploy.watch.policy import Notify, Policy, Restart, Supervisor
from idlehands_deploy.watch.sender import Notifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.health.observe import Observation
    from idlehands_deploy.health.verdict import Verdict
    from idlehands_deploy.watch.ledger import Entry
    from idlehands_deploy.watch.metrics import Metrics
    from idlehands_deploy.watch.page.overview import Overview

# Ready gateways are probed so rarely that eight of them cost 1 % of a core; seconds.
PACE = Pace(unsettled=0.2, settled=8.0)
# How often decisions are made that depend on time alone; seconds.
TICK = 1.0
# How long the engine takes to kill a container after its grace period; seconds.
KILL_SECONDS = 10


@dataclass(frozen=True)
class WatchOptions:
    """What to watch, and how.

    Attributes:
        names: the profiles; empty for all, including those added later.
        metrics: address and port for Prometheus metrics; None for no metrics.
        on_entry: called with each entry of the journal as it is written, from several threads.
        stopped: ends the watch when it is set.
        overview: told of everything that a page shows; None for no page.
    """

    names: Sequence[str]
    metrics: tuple[str, int] | None
    on_entry: Callable[[Entry], None]
    stopped: threading.Event
    overview: Overview | None = None

    def tell(self, entry: Entry) -> None:
        """Pass on an entry."""
        self.on_entry(entry)
        if self.overview:
            self.overview.write(entry)


def watch(session: Session, options: WatchOptions) -> None:
    """Watch until ``options.stopped`` is set.

    Raises:
        UsageError: there is no such profile, or another watch is running here.
        FleetError: the fleet file is wrong, or names a receiver of notifications that cannot be used.
        PortConflictError: the port for metrics is in use.
        DirectoryError: the journal cannot be written.
    """
    fleet_file = FleetFile(session, options.names, notifies=True)
    path = session.deployment.journal_file
    before = read_journal(path)
    with (
        closing(Journal(path)) as journal,
        locked(path),
        _metrics_server(fleet_file.fleet.name, options.metrics) as metrics,
    ):
        ledger = Ledger(journal, metrics, options.tell)
        unwatched = {"unwatched_since": timestamp(before.until)} if before.until else {}
        ledger.write("watching", profiles=select(fleet_file.fleet, options.names), **unwatched)
        supervisors: dict[str, Supervisor] = {}
        try:
            while not options.stopped.is_set():
                one = _Round(session, fleet_file.fleet, options, ledger, supervisors)
                supervisors = one.supervisors
                if not one.run(fleet_file):
                    break
        finally:
            ledger.write("ended")


class _Round:
    """The watch from one version of the fleet file to the next."""

    def __init__(
        self, session: Session, fleet: Fleet, options: WatchOptions, ledger: Ledger, before: Mapping[str, Supervisor]
    ) -> None:
        self._session = session
        self._fleet = fleet
        self._ports = plan_here(session, fleet)
        self._options = options
        self._ledger = ledger
        self._profiles = select(fleet, options.names)
        policy = Policy(restarts=fleet.watch.restart, patience=seconds(fleet.watch.patience))
        # An edit of the file does not reset the attempts and notifications of a gateway.
        self.supervisors = {name: before.get(name, Supervisor(policy)) for name in self._profiles}
        for supervisor in self.supervisors.values():
            supervisor.policy = policy
        self._deciding = threading.Lock()
        self._restarting: set[str] = set()
        self._notifier = Notifier(session, fleet, self._not_sent)
        self._restarts = ThreadPoolExecutor(max_workers=len(self._profiles), thread_name_prefix="restart")

    def run(self, fleet_file: FleetFile) -> bool:
        """Watch until stopped, or until the fleet file changes; returns whether it changed."""
        self._ledger.keep(self._profiles)
        if overview := self._options.overview:
            overview.begin(Watched(self._fleet, self._ports, self._profiles))
        monitor = Monitor(self._session, self._fleet, self._ports, self._profiles, self._see, PACE)
        with self._notifier, self._restarts:
            return monitor.run_until(self._options.stopped, TICK, lambda: self._tick(fleet_file))

    def _see(self, seen: Observation) -> None:
        self._ledger.see(seen)
        if self._options.overview:
            self._options.overview.see(seen)
        self._decide(seen)

    def _tick(self, fleet_file: FleetFile) -> bool:
        """Decide what depends on time alone; returns whether the fleet file has changed."""
        self._recover()
        # A restart can take minutes, while a busy gateway drains; the others are watched meanwhile.
        if not self._restarting and fleet_file.changed(self._ledger):
            return True
        self._ledger.tick()
        for seen in self._ledger.latest():
            self._decide(seen)
        return False

    def _recover(self) -> None:
        """Undo what a command was doing to a gateway's state when it was killed: nobody may be there to do it."""
        if not self._session.deployment.in_transaction:
            return
        from idlehands_deploy.state.transaction import recover  # noqa: PLC0415 - seldom needed

        try:
            for said in recover(self._session):
                self._session.progress.say(said)
        except DeployError as error:
            self._session.progress.update("watch", error.what)

    def _decide(self, seen: Observation) -> None:
        profile = seen.verdict.profile
        with self._deciding:
            if profile in self._restarting:
                return
            clean_exit = seen.facts is not None and seen.facts.exit_code == 0
            for decision in self.supervisors[profile].decide(seen.verdict, time.monotonic(), clean_exit=clean_exit):
                self._carry_out(seen, decision)

    def _carry_out(self, seen: Observation, decision: Restart | Notify) -> None:
        verdict = seen.verdict
        if isinstance(decision, Restart):
            self._restarting.add(verdict.profile)
            self._restarts.submit(self._restart, verdict.profile, decision, verdict)
            return
        if decision.kind == "gave-up":
            self._ledger.write("gave-up", profile=verdict.profile, reason=decision.text)
        now = timestamp(time.time())
        self._notifier.send(
            Notification(now, verdict.profile, decision.kind, verdict.state, decision.text, str(decision.remedy))
        )

    def _restart(self, profile: str, restart: Restart, verdict: Verdict) -> None:
        more = {"profile": profile, "cure": restart.action, "attempt": restart.attempt, "reason": restart.reason}
        began = time.monotonic()
        try:
            look = take_look(self._session, self._fleet, self._ports)
            if why := self._reason_to_skip(look, verdict):
                self._ledger.write("spared", **more | {"reason": why})
                return
            self._ledger.write("treating", **more)
            # With `now`: a hung gateway would use its whole grace period.
            arguments = end_arguments("restart", [profile], now=verdict.state == "hung")
            if restart.action == "up" or look.containers[profile].moved:
                # `up` makes the container from compose.yaml, which must match the fleet file.
                refuse_stale(self._session, make_draft(self._session, self._session.fleet_text()))
                image = look.engine.image(self._fleet.image_of(profile))
                refuse_other(profile, version_of(look, profile), image.version if image else "")
                # Compose sees no difference in a container that lost only its published port, so it must be forced.
                arguments = up_arguments(["--force-recreate", profile])
            remake(look, arguments, [profile])
            self._ledger.write("treated", **more, seconds=round(time.monotonic() - began, 3))
            self._ledger.restarted(profile)
        except DeployError as error:
            self._ledger.write("treatment-failed", **more | {"reason": error.what})
        finally:
            with self._deciding:
                self.supervisors[profile].restarted(time.monotonic())
                self._restarting.discard(profile)

    def _reason_to_skip(self, look: Look, verdict: Verdict) -> str:
        """Why a gateway must not be restarted now: a restart would bring back a gateway that a person is stopping.

        One that works in part must also not become one that does not start; any other has nothing to lose.
        """
        profile = verdict.profile
        facts = look.containers.get(profile)
        if facts is None or facts.state != "running":
            return "its container is not running any more"
        if profile in look.session.deployment.in_transaction:
            return "another command is changing its state"
        grace = seconds(self._fleet.profiles[profile].stop_grace_period) + KILL_SECONDS
        if look.engine.is_being_stopped(facts, grace):
            return "it is being stopped"
        if verdict.usable and (problems := check_before(look, profile, "restart").problems):
            return f"it would not start again with its config: {problems[0]}"
        if verdict.usable and (flawed := secret_problems(look.session.deployment, look.fleet, [profile])):
            return f"it would not start again with its secrets: {flawed[0]}"
        return ""

    def _not_sent(self, receiver: str, why: str) -> None:
        self._ledger.write("not-told", receiver=receiver, reason=why)


@contextmanager
def _metrics_server(project: str, address: tuple[str, int] | None) -> Iterator[Metrics | None]:
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
