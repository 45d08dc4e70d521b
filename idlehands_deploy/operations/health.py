"""`health`: the state of gateways, and with `--deep` a test that each is usable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.session import select
from idlehands_deploy.health.deep_check.checked import Checked, prove_all
from idlehands_deploy.health.observe import observe
from idlehands_deploy.health.readiness import wait_for
from idlehands_deploy.isolation.setups import plan_here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.session import Session


@dataclass(frozen=True)
class HealthCheck:
    """The results for all chosen profiles."""

    checked: list[Checked]

    @property
    def healthy(self) -> bool:
        """Whether every one is healthy."""
        return all(item.healthy for item in self.checked)


def check(session: Session, names: Sequence[str], wait: float | None, *, deep: bool) -> HealthCheck:
    """Check profiles, all at the same time; a deep check restores everything that it changes.

    Args:
        wait: seconds to wait until each is usable, as `up` waits; None to observe each once.
        deep: also test that each is usable.

    Raises:
        EngineUnreachableError: no engine responds.
    """
    fleet = session.fleet()
    profiles = select(fleet, names)
    look = take_look(session, fleet, plan_here(session, fleet))
    if wait is None:
        # A deep check asks the browsers itself, and reports more.
        seen = observe(look, profiles, details=not deep)
    else:
        with look.engine.watch_deaths(look.fleet.name) as watch:
            seen = wait_for(look.again(), watch, profiles, wait).seen
    if not deep:
        return HealthCheck([Checked(item) for item in seen])
    return HealthCheck(prove_all(look, seen))
