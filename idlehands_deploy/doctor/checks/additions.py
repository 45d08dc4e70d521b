"""Checks of a person's own additions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.findings import Finding
from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from idlehands_deploy.deployment.additions import Missing


def check_missing(missing: Sequence[Missing]) -> Iterator[Finding]:
    """Mounts and devices that are not on this host."""
    for place, what, fix in missing:
        yield Finding(
            "error", f"fleet.yaml:{place}", what, "a container that has it cannot be started", Remedy(fix),
        )  # fmt: skip
