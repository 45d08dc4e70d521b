"""The deep checks of several gateways, all at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.profile_files import read_cdp_token, read_token
from idlehands_deploy.fleet.origins import origin_of
from idlehands_deploy.health.deep_check.judge import Doors, Step, proven

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.health.deep_check.prove import Place
    from idlehands_deploy.health.observe import Observation


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


def prove_all(look: Look, seen: Sequence[Observation]) -> list[Checked]:
    """Check each gateway deeply; everything that a check changes is restored.

    Args:
        seen: the last observation of each.
    """
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
    from idlehands_deploy.gateway.handshake import ask_entry  # noqa: PLC0415 - so are WebSockets
    from idlehands_deploy.gateway.probe import GatewayProbe  # noqa: PLC0415 - requests is slow to load
    from idlehands_deploy.health.deep_check.prove import Place  # noqa: PLC0415

    deployment, ports = look.session.deployment, look.published(profile)
    token = read_token(deployment, profile)
    where, origin = (ports.host, ports.base), origin_of(ports.host, ports.base)
    return Place(
        Doors.of(ports), token, GatewayProbe(*where, token), GatewayProbe(*where, None),
        deployment.state_directory(profile), origin, partial(ask_entry, where, origin),
        read_cdp_token(deployment, profile),
    )  # fmt: skip
