"""How much a gateway holds, as it says itself: one that is ready and has lost it is no success."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idlehands_deploy.engine.client import Engine

# The gateway's own commands (2026.8.2 and 2026.9.6); each takes 2 to 9 s.
COMMANDS = {
    "sessions": ("idlehands", "sessions", "--json"),
    "scheduled jobs": ("idlehands", "cron", "list", "--all", "--json"),
}
# Of an answer; characters.
LONGEST = 8 << 20


def count_contents(engine: Engine, container: str) -> dict[str, int]:
    """How many sessions and scheduled jobs a running gateway has; without what it does not tell."""
    with ThreadPoolExecutor(max_workers=len(COMMANDS)) as pool:
        answers = pool.map(lambda command: engine.run(container, command), COMMANDS.values())
        counts = {
            what: read_count(what, said) for what, (code, said) in zip(COMMANDS, answers, strict=True) if not code
        }
    return {what: count for what, count in counts.items() if count is not None}


def read_count(what: str, said: str) -> int | None:
    """The count in an answer; None if it holds none."""
    try:
        answer = json.loads(said) if len(said) < LONGEST else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    if what == "sessions":
        total = answer.get("totalCount", answer.get("count"))
        return total if isinstance(total, int) and not isinstance(total, bool) else None
    jobs = answer.get("jobs")
    return sum(_is_a_person_s(job) for job in jobs) if isinstance(jobs, list) else None


def lost(before: Mapping[str, int], now: Mapping[str, int]) -> str:
    """What a gateway has fewer of, in words; empty if it has lost nothing."""
    fewer = [
        f"{before[what]} {what} before, and {now.get(what, 'does not list them')} now"
        for what in before
        if now.get(what, -1) < before[what]
    ]
    return "; ".join(fewer)


def _is_a_person_s(job: Any) -> bool:  # noqa: ANN401 - whatever a gateway says
    """Whether a job is none of those that the gateway declares itself, which change with its version."""
    return isinstance(job, dict) and not job.get("declarationKey")
