"""`doctor`, and with `--bundle` an archive for a bug report."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from idlehands_deploy.doctor.archive import write_bundle
from idlehands_deploy.doctor.bundle import Elsewhere, gather
from idlehands_deploy.doctor.examine import examine
from idlehands_deploy.errors import DeployError
from idlehands_deploy.operations.status import StatusReport, status
from idlehands_deploy.watch.journal import read_journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.doctor.examine import Diagnosis


__all__ = ["elsewhere", "examine", "report"]


def elsewhere(session: Session, status_json: Callable[[StatusReport], Any]) -> Elsewhere:
    """The parts of a bug report that are not doctor's own.

    Args:
        status_json: how a script is shown the status.
    """
    return Elsewhere(
        lambda: status_json(status(session, [])), lambda: read_journal(session.deployment.journal_file).entries
    )


def report(
    session: Session, path: Path, status_json: Callable[[StatusReport], Any], as_text: Callable[[Diagnosis], str]
) -> None:
    """Write the archive, with what an examination finds in it.

    Args:
        status_json: how a script is shown the status.
        as_text: how a person is shown an examination.

    Raises:
        UsageError: there is such a file already, or it cannot be written.
    """
    session.progress.update("report", "gathering")
    try:
        found = as_text(examine(session))
    except DeployError as error:  # what keeps it from examining is what the report is about
        found = str(error)
    texts = gather(session, elsewhere(session, status_json), {"doctor.txt": found})
    write_bundle(path, texts, made_at=int(time.time()))
