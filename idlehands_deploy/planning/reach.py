"""What a fleet file reaches outside, as part of the plan of the first `up` that sees it."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from idlehands_deploy.errors import DirectoryError
from idlehands_deploy.fleet.reach import find_reach
from idlehands_deploy.host.files import PRIVATE_FILE, read_text, write_atomic
from idlehands_deploy.planning.steps import Plan, Step

if TYPE_CHECKING:
    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.fleet.model import Fleet

SUBJECT = "reaches out"


def plan_reach(look: Look, fleet: Fleet) -> Plan:
    """All that the fleet reaches, if it differs from what the last `up` showed; these steps do nothing."""
    if _shown(look.session.deployment) == _digest(fleet):
        return Plan()
    return Plan(tuple(Step(SUBJECT, item.said) for item in find_reach(fleet)))


def record_reach(deployment: Deployment, fleet: Fleet) -> None:
    """Keep that this was shown. One that cannot be kept is shown again."""
    digest = _digest(fleet)
    if _shown(deployment) != digest:
        with suppress(DirectoryError):
            write_atomic(deployment.reach_file, json.dumps({"digest": digest}) + "\n", PRIVATE_FILE)


def _shown(deployment: Deployment) -> str:
    """The digest of what was shown last; that of nothing if there is no record."""
    with suppress(DirectoryError, ValueError):
        record = json.loads(read_text(deployment.reach_file) or "{}")
        return str(record.get("digest", "")) if isinstance(record, dict) else ""
    return ""


def _digest(fleet: Fleet) -> str:
    """A digest of all that a fleet reaches; empty for nothing."""
    if not (found := find_reach(fleet)):
        return ""
    return hashlib.sha256(json.dumps(sorted(found)).encode()).hexdigest()
