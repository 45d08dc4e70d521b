"""The result of a health check, for people and for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idlehands_deploy.remedies import Remedy
from idlehands_deploy.show.fleet import observation_json
from idlehands_deploy.show.output import Line

if TYPE_CHECKING:
    from idlehands_deploy.health.deep_check.checked import Checked
    from idlehands_deploy.health.deep_check.judge import Step
    from idlehands_deploy.operations.health import HealthCheck

STYLES = {"ok": "green", "failed": "bold red", "skipped": "yellow"}


def as_json(check: HealthCheck) -> list[dict[str, Any]]:
    """One object per profile, after a deep check with its steps."""
    return [_object(item) for item in check.checked]


def lines(check: HealthCheck) -> list[Line]:
    """One line per profile, and below it one for each step of its deep check."""
    return [line for item in check.checked for line in _lines(item)]


def _object(item: Checked) -> dict[str, Any]:
    shown = observation_json(item.seen) | {"healthy": item.healthy}
    if item.steps is None:
        return shown
    return shown | {"steps": [_step_object(step) for step in item.steps]}


def _step_object(step: Step) -> dict[str, Any]:
    return {
        "name": step.name, "status": step.status, "seconds": step.seconds, "what": step.said, "why": step.why,
        "fix": str(step.fix),
    }  # fmt: skip


def _lines(item: Checked) -> list[Line]:
    verdict = item.seen.verdict
    label, style = f"{verdict.profile}: ", "bold"
    if item.steps is None:
        sentence = Remedy(verdict.state + (f": {verdict.reason}" if verdict.reason else ""))
        if verdict.remedy:
            sentence = sentence.then(" - next: ", verdict.remedy)
        return [Line(label, style, sentence, "green" if item.healthy else "red")]
    steps = [line for step in item.steps for line in _step_lines(step)]
    return [Line(label, style, _summary(item), "green" if item.healthy else "red"), *steps]


def _summary(item: Checked) -> str:
    """The deep check in one sentence."""
    steps = item.steps or ()
    if item.healthy:
        return f"ready; the deep check passed in {sum(step.seconds for step in steps):.1f} s"
    first = next((step for step in steps if step.status != "ok"), None)
    if first is None:
        return item.seen.verdict.state
    if first.status == "failed":
        return f"not usable: step {first.name} failed" if first.name != "ready" else item.seen.verdict.state
    return f"{item.seen.verdict.state}, but not fully tested: step {first.name} was skipped"


def _step_lines(step: Step) -> list[Line]:
    time = f"{step.seconds:5.2f} s" if step.status != "skipped" else "     - "
    lines = [Line(f"  {step.name:9} {step.status:8}{time}  ", STYLES[step.status], step.said)]
    if step.why:
        lines.append(Line("            why: ", "dim", step.why))
    if step.fix:
        lines.append(Line("            fix: ", "dim", step.fix, "cyan"))
    return lines
