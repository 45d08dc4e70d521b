"""The result of `doctor`, for people and for scripts."""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from idlehands_deploy.show.output import Line
from idlehands_deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.doctor.examine import Diagnosis
    from idlehands_deploy.findings import Finding
    from idlehands_deploy.remedies import Remedy

STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def as_json(diagnosis: Diagnosis, *, strict: bool = False) -> dict[str, Any]:
    """The findings, and whether nothing is wrong.

    Args:
        strict: a warning is wrong, too.
    """
    return {
        "ok": diagnosis.passes(strict=strict),
        "profiles": diagnosis.profiles,
        "findings": [finding._asdict() | {"fix": str(finding.fix)} for finding in diagnosis.findings],
    }


def lines(diagnosis: Diagnosis) -> list[Line]:
    """Each finding with its reason and its fix, then a summary; findings that one fix ends stand together."""
    together: dict[tuple[str, Remedy], list[Finding]] = {}
    for finding in diagnosis.findings:
        together.setdefault((finding.level, finding.fix), []).append(finding)
    shown = [line for findings in together.values() for line in _lines(findings)]
    return [*shown, Line("", "", summary(diagnosis), "bold")]


def _lines(findings: list[Finding]) -> Iterator[Line]:
    for finding, following in zip_longest(findings, findings[1:]):
        yield Line(f"{finding.level:8}", STYLES[finding.level], f"{finding.place}: {finding.what}")
        if following is None or finding.why != following.why:
            yield Line("        why: ", "dim", finding.why)
    label = "        fix: " if len(findings) == 1 else f"        fix for these {len(findings)}: "
    yield Line(label, "dim", findings[0].fix, "cyan")


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
