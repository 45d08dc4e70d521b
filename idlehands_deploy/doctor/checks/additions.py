"""Checks of a person's own additions, and of files that make plain Compose do something else than this tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.findings import Finding
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.targets.override import ENVIRONMENT_FILE, VARIABLES, WHAT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from idlehands_deploy.deployment.additions import Missing
    from idlehands_deploy.errors import Problem


def check_missing(missing: Sequence[Missing]) -> Iterator[Finding]:
    """Mounts and devices that are not on this host."""
    for place, what, fix in missing:
        yield Finding(
            "error", f"fleet.yaml:{place}", what, "a container that has it cannot be started", Remedy(fix),
        )  # fmt: skip


def check_compose_files(problems: Sequence[Problem], environ: Mapping[str, str]) -> Iterator[Finding]:
    """Files and variables that make plain Compose do something else than this tool.

    Args:
        problems: why files are refused; the first of each file is about the whole.
    """
    why = "containers depend on who started them, and `up` is refused until then"
    keys = Remedy("move its content to fleet.yaml, then delete it; where each key goes: ", ours("up", "--dry-run"))
    for path, problem, _ in problems:
        if problem.startswith(WHAT):
            yield Finding("error", path, WHAT, why, keys)
        elif path.startswith(ENVIRONMENT_FILE):
            yield Finding("error", path, problem.rpartition(";")[0], why, Remedy("remove that line"))
    for variable in VARIABLES:
        if environ.get(variable):
            yield Finding(
                "note", variable, "is set in your environment",
                "this tool ignores it, but `docker compose` in this directory uses it",
                Remedy(f"before you use docker compose here: unset {variable}"),
            )  # fmt: skip
