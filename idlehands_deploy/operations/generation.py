"""`generate`: the files that are generated from the fleet file."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.locks import locked
from idlehands_deploy.errors import StaleError
from idlehands_deploy.host.files import read_text
from idlehands_deploy.planning.draft import generated, make_draft, store
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from idlehands_deploy.deployment.session import Session


def generate(session: Session) -> bool:
    """Bring the generated files up to date.

    Returns:
        Whether anything changed.
    """
    session.fleet_text()  # without a fleet file, nothing is locked or created
    with locked(session.deployment):
        return store(session, make_draft(session, session.fleet_text()))


def check_generated(session: Session) -> None:
    """Check that the generated files match the fleet file; writes nothing.

    Raises:
        StaleError: they do not; the message holds the difference.
    """
    differences: list[str] = []
    for path, text in generated(session, make_draft(session, session.fleet_text())):
        old = (read_text(path) or "").splitlines(keepends=True)
        new = text.splitlines(keepends=True)
        differences += difflib.unified_diff(old, new, path.name, f"{path.name} as generated")
    if differences:
        raise StaleError(
            f"{session.deployment.compose_file} is stale:\n{''.join(differences)}",
            Remedy("Renew it: ", ours("generate")),
        )
