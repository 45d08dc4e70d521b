"""The output of ``--dry-run``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.show import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.planning.steps import Plan
    from idlehands_deploy.progress import Progress
    from idlehands_deploy.remedies import Remedy


def show_plan(progress: Progress, plan: Plan, notes: Sequence[Remedy] = (), *, as_json: bool = False) -> None:
    """Print what a command would do, and why.

    Args:
        notes: hints that are no steps.
    """
    if as_json:
        output.show_json([step.as_json() for step in plan.steps if step.what])
        return
    for line in plan.lines:
        output.show_line(line)
    for note in notes:
        progress.say(note)
    progress.say("Nothing was changed." if plan.changes else "Nothing to do.")
