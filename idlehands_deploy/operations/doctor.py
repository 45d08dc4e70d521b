"""`doctor`, and with `--bundle` an archive for a bug report."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from idlehands_deploy.doctor.archive import write_bundle
from idlehands_deploy.doctor.bundle import OtherParts, collect
from idlehands_deploy.doctor.examine import examine
from idlehands_deploy.errors import DeployError
from idlehands_deploy.operations.status import StatusReport, status
from idlehands_deploy.watch.journal import read_journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.doctor.examine import Diagnosis


__all__ = ["examine", "other_parts", "report"]


def other_parts(session: Session, status_json: Callable[[StatusReport], Any]) -> OtherParts:
    """The parts of a bug report that other packages provide.

    Args:
        status_json: makes the JSON of a status.
    """
    return OtherParts(
        lambda: status_json(status(session, [])), lambda: read_journal(session.deployment.journal_file).entries
    )


def report(
    session: Session, path: Path, status_json: Callable[[StatusReport], Any], as_text: Callable[[Diagnosis], str]
) -> None:
    """Write the archive for a bug report, with doctor's findings in it.

    Args:
        status_json: makes the JSON of a status.
        as_text: makes the text of doctor's findings.

    Raises:
        UsageError: the file already exists, or cannot be written.
    """
    session.progress.update("report", "collecting")
    try:
        found = as_text(examine(session))
    except DeployError as error:  # this error is probably what the report is about
        found = str(error)
    texts = collect(session, other_parts(session, status_json), {"doctor.txt": found})
    write_bundle(path, texts, made_at=int(time.time()))
