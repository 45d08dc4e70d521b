"""The result of `doctor`, for people and for scripts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from idlehands_deploy.show.output import Line
from idlehands_deploy.text import printable

if TYPE_CHECKING:
    from idlehands_deploy.doctor.examine import Diagnosis

STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """The findings, and whether nothing is wrong."""
    return {
        "ok": diagnosis.healthy,
        "profiles": diagnosis.profiles,
        "findings": [finding._asdict() | {"fix": str(finding.fix)} for finding in diagnosis.findings],
    }


def lines(diagnosis: Diagnosis) -> list[Line]:
    """Each finding with its reason and its fix, then a summary."""
    shown: list[Line] = []
    for finding in diagnosis.findings:
        shown += [
            Line(f"{finding.level:8}", STYLES[finding.level], f"{finding.place}: {finding.what}"),
            Line("        why: ", "dim", finding.why),
            # On one line, so that it can be copied.
            Line("        fix: ", "dim", finding.fix, "cyan", wraps=False),
        ]
    return [*shown, Line("", "", summary(diagnosis), "bold")]


def text(diagnosis: Diagnosis) -> str:
    """The same lines as plain text."""
    return "".join(f"{line.label}{printable(line.text)}\n" for line in lines(diagnosis))


def summary(diagnosis: Diagnosis) -> str:
    """The result in one sentence."""
    examined = _many(diagnosis.profiles, "profile")
    counts = Counter(finding.level for finding in diagnosis.findings)
    wrong = [_many(counts[level], level) for level in ("error", "warning") if counts[level]]
    if wrong:
        return f"{' and '.join(wrong)} in {examined}."
    return f"Nothing is wrong with {examined}, their host and its engine."


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
