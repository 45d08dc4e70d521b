"""Follow gateways as the watch does, without restarting, notifying or writing anything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from idlehands_deploy.deployment.session import select
from idlehands_deploy.health.monitor import Monitor, Pace
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.timestamps import timestamp
from idlehands_deploy.watch.fleet_file import FleetFile
from idlehands_deploy.watch.ledger import Ledger
from idlehands_deploy.watch.page.overview import Watched

if TYPE_CHECKING:
    import threading

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.health.observe import Observation
    from idlehands_deploy.watch.page.overview import Overview

# As the watch does.
PACE = Pace(unsettled=0.2, settled=8.0)
# How often the fleet file and the journal are looked at; seconds.
TICK = 2.0


class NoJournal:
    """A journal that keeps nothing: somebody else may be writing the real one."""

    def write(self, event: str, **more: object) -> dict[str, Any]:
        """What the journal would hold."""
        return {"time": timestamp(time.time()), "event": event, **more}

    def has_new_file(self) -> bool:
        """Never."""
        return False

    def keep_alive(self) -> None:
        """Do nothing."""


def follow(session: Session, overview: Overview, stopped: threading.Event) -> None:
    """Follow all gateways until ``stopped`` is set.

    Raises:
        UsageError: the fleet has no profile.
        FleetError: the fleet file is wrong.
        PortConflictError: two profiles need the same port.
    """
    fleet_file = FleetFile(session, [], notifies=False)
    ledger = Ledger(NoJournal(), None, overview.write)

    def see(seen: Observation) -> None:
        ledger.see(seen)
        overview.see(seen)

    def tick() -> bool:
        overview.read_journal()
        return fleet_file.changed(ledger)

    goes_on = True
    while goes_on and not stopped.is_set():
        fleet = fleet_file.fleet
        ports, profiles = plan_here(session, fleet), select(fleet, [])
        ledger.keep(profiles)
        overview.begin(Watched(fleet, ports, profiles))
        goes_on = Monitor(session, fleet, ports, profiles, see, PACE).run_until(stopped, TICK, tick)
