"""`health`: the state of gateways, and with `--deep` a test that each is usable."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.profile_files import read_cdp_token, read_token
from idlehands_deploy.deployment.session import select
from idlehands_deploy.health.deep_check.judge import Doors, Step, proven
from idlehands_deploy.health.observe import Observation, observe
from idlehands_deploy.health.readiness import wait_for
from idlehands_deploy.isolation.setups import plan_here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.health.deep_check.prove import Place


@dataclass(frozen=True)
class Checked:
    """The result for one profile.

    Attributes:
        steps: of its deep check; None if none was made.
    """

    seen: Observation
    steps: tuple[Step, ...] | None = None

    @property
    def healthy(self) -> bool:
        """Whether it is ready, and has passed its deep check if one was made."""
        return self.seen.verdict.state == "ready" and (self.steps is None or proven(self.steps))


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
    return HealthCheck(_prove_all(look, seen))


def _prove_all(look: Look, seen: Sequence[Observation]) -> list[Checked]:
    from idlehands_deploy.health.deep_check.prove import prove  # noqa: PLC0415 - only a deep check pays for it

    interrupted = threading.Event()

    def one(item: Observation) -> Checked:
        place = _place(look, item.verdict.profile)
        return Checked(item, prove(place, item.verdict, look.session.progress, interrupted))

    with ThreadPoolExecutor(max_workers=len(seen)) as pool:
        try:
            return list(pool.map(one, seen))
        finally:
            interrupted.set()  # after Ctrl-C each check restores what it changed, and ends


def _place(look: Look, profile: str) -> Place:
    from idlehands_deploy.gateway.probe import GatewayProbe  # noqa: PLC0415 - requests is slow to load
    from idlehands_deploy.health.deep_check.prove import Place  # noqa: PLC0415

    deployment, ports = look.session.deployment, look.published(profile)
    token = read_token(deployment, profile)
    where = ports.host, ports.base
    return Place(
        Doors.of(ports), token, GatewayProbe(*where, token), GatewayProbe(*where, None),
        deployment.state_directory(profile), read_cdp_token(deployment, profile),
    )  # fmt: skip
