"""A plan as ``--dry-run`` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.show import output

if TYPE_CHECKING:
    from idlehands_deploy.planning.steps import Plan
    from idlehands_deploy.progress import Progress
    from idlehands_deploy.remedies import Remedy


def show_plan(talk: Progress, plan: Plan, note: Remedy | None = None, *, as_json: bool = False) -> None:
    """What a command would do, as ``--dry-run`` shows it.

    Args:
        note: what a person should know that is no reason to do anything.
    """
    if as_json:
        output.show_json([step.as_json() for step in plan.steps])
        return
    for line in plan.lines:
        output.show_line(line)
    if note:
        talk.say(note)
    talk.say("Nothing was changed." if plan.changes else "Nothing to do.")
