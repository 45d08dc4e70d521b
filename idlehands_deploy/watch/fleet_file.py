"""The fleet file as a long-running command follows it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import DeployError
from idlehands_deploy.fleet.file import parse_text
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.watch.sender import check_notify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.watch.ledger import Ledger


class FleetFile:
    """The last valid version of the fleet file, and whether the file has changed since.

    Args:
        names: the profiles that it must have; empty for all.
        notifies: whether its receivers of notifications are used, and so must be usable.

    Raises:
        FleetError: it is wrong, or names a receiver of notifications that cannot be used.
        UsageError: there is no such profile.
    """

    def __init__(self, session: Session, names: Sequence[str], *, notifies: bool) -> None:
        self._session = session
        self._names = names
        self._notifies = notifies
        self._signature = self._stat()
        self._text = session.fleet_text()
        self.fleet = self._read(self._text)

    def changed(self, ledger: Ledger) -> bool:
        """Whether there is a new, valid fleet; one that cannot be watched is recorded, and the last one stays."""
        signature = self._stat()
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
        if self._notifies:
            check_notify(self._session, fleet, os.geteuid())
        plan_here(self._session, fleet)
        return fleet

    def _stat(self) -> tuple[int, int, int] | None:
        try:
            found = self._session.deployment.fleet_file.stat()
        except OSError:
            return None
        # A copy can keep an earlier date, but not this one.
        return found.st_ctime_ns, found.st_ino, found.st_size
