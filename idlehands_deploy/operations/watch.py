"""`watch`, `history`, and what a page of the fleet needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.session import select
from idlehands_deploy.host.network.sockets import process_on
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.operations.doctor import examine
from idlehands_deploy.redaction.repeated import RepeatedRedaction
from idlehands_deploy.watch.history import history
from idlehands_deploy.watch.loop import WatchOptions, watch
from idlehands_deploy.watch.page.follow import follow
from idlehands_deploy.watch.page.link import kept_link, read_link
from idlehands_deploy.watch.page.overview import EVENTS, FLEET, GATEWAY, STATES, USAGE, Overview, Watched

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.doctor.examine import Diagnosis

__all__ = [
    "EVENTS", "FLEET", "GATEWAY", "STATES", "USAGE", "Overview", "PageSource", "WatchOptions", "Watched", "follow",
    "history", "kept_link", "page_source", "process_on", "read_link", "watch",
]  # fmt: skip


@dataclass(frozen=True)
class PageSource:
    """What a page of the fleet is made from.

    Attributes:
        redaction: removes this deployment's secrets from texts.
        directory: the deployment's.
        examine: what `doctor` does.
    """

    overview: Overview
    redaction: RepeatedRedaction
    directory: Path
    examine: Callable[[], Diagnosis]


def page_source(session: Session, *, is_own: bool) -> PageSource:
    """The source for a page.

    Args:
        is_own: whether the watch that fills it writes this deployment's journal.

    Raises:
        UsageError: there is no fleet file, or no profile in it.
        FleetError: the fleet file is wrong.
        PortConflictError: two profiles need the same port.
    """
    deployment, fleet = session.deployment, session.fleet()
    select(fleet, [])
    plan_here(session, fleet)
    return PageSource(
        Overview(deployment.journal_file, is_own=is_own),
        RepeatedRedaction(deployment),
        deployment.root,
        lambda: examine(session),
    )
