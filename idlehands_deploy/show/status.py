"""The status of a fleet as a table for people and as JSON for scripts."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show.fleet import observation_json
from idlehands_deploy.show.layout.table import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.health.observe import Observation
    from idlehands_deploy.operations.status import StatusReport

# Version of what `status --json` prints (docs/status.schema.json); raised when a change would break a script.
JSON_VERSION = 1
# On a narrow terminal the version gives way first, then the others in the order of the numbers.
COLUMNS = (
    Column("PROFILE"),
    Column("STATE"),
    Column("LINK"),
    Column("UP", label="up"),
    Column("RESTARTS", 5, "restarts"),
    Column("MEMORY", 3, "memory"),
    Column("CPU", 2, "cpu"),
    Column("BROWSER", 4, "browser"),
    Column("VERSION", 1, "version"),
)
# States that pass by themselves: the notes say how long they have lasted.
PASSING = {"starting", "draining"}


def rows(report: StatusReport, now: float) -> list[tuple[str, ...]]:
    """One row per profile, and one per container that the fleet file no longer names.

    Args:
        now: seconds since 1970.
    """
    found = [_row(report, item, now) for item in report.seen]
    for facts in report.orphans:
        up = _age(now - facts.started) if facts.state == "running" else "-"
        found.append((facts.profile, "orphan", "-", up, str(facts.restart_count), "-", "-", "-", facts.version or "-"))
    return found


def notes(report: StatusReport, now: float) -> list[str | Remedy]:
    """Lines about everything that is wrong: the reason, and the next command."""
    return list(_notes(report, now))


def as_json(report: StatusReport) -> dict[str, Any]:
    """The whole report, as docs/status.schema.json describes it."""
    return {
        "version": JSON_VERSION,
        "project": report.project,
        "engine": {
            "reachable": report.failure is None,
            "reason": report.failure.what if report.failure else "",
        },
        "stale": report.is_stale,
        "profiles": [_profile_json(report, item) for item in report.seen],
        "orphans": [
            {"profile": facts.profile, "container": facts.id, "state": facts.state} for facts in report.orphans
        ],
    }


def as_json_line(report: StatusReport) -> str:
    """The whole report as one line of JSON."""
    return json.dumps(as_json(report))


def change_line(item: Observation, now: float) -> str:
    """A new verdict as one line that starts with the time: RFC 3339 in UTC."""
    verdict = item.verdict
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    return f"{when} {verdict.profile} {verdict.state}" + (f": {verdict.reason}" if verdict.reason else "")


def amount(size: int) -> str:
    """Bytes in the units of the fleet file, such as 751M or 1.5G."""
    if size < 1 << 30:
        return f"{size / (1 << 20):.0f}M"
    return f"{size / (1 << 30):.1f}".removesuffix(".0") + "G"


def _row(report: StatusReport, item: Observation, now: float) -> tuple[str, ...]:
    verdict, facts, usage = item.verdict, item.facts, item.usage
    if facts is None:
        return (verdict.profile, verdict.state, *("-" for _ in COLUMNS[2:]))
    memory = cpu = "-"
    if usage:
        memory = amount(usage.memory) + (f"/{amount(facts.memory_limit)}" if facts.memory_limit else "")
        cpu = "-" if usage.cpu is None else f"{usage.cpu:.0%}"
    return (
        verdict.profile,
        verdict.state,
        link(report, verdict.profile),
        _age(now - facts.started) if facts.state == "running" and facts.started else "-",
        str(facts.restart_count),
        memory,
        cpu,
        _browsers(item),
        facts.version or "-",
    )


def _notes(report: StatusReport, now: float) -> Iterator[str | Remedy]:
    for item in report.seen:
        verdict, facts = item.verdict, item.facts
        if verdict.reason:
            lasted = ""
            if verdict.state in PASSING and facts and facts.started:
                lasted = f" for {_age(now - facts.started)}"
            yield f"{verdict.profile} is {verdict.state}{lasted}: {verdict.reason}."
        if verdict.remedy:
            yield Remedy("  Next: ").then(verdict.remedy)
        if what := report.drift.get(verdict.profile):
            yield f"{verdict.profile} is out of date: {what}."
            yield Remedy("  Next: ", ours("up", verdict.profile))
    for facts in report.orphans:
        yield f"{facts.profile} is not in the fleet file, but its container still exists."
        yield Remedy("  Next: ", ours("down", facts.profile), "   (or add the profile again)")


def _profile_json(report: StatusReport, item: Observation) -> dict[str, Any]:
    name, facts, usage = item.verdict.profile, item.facts, item.usage
    return observation_json(item) | {
        "link": link(report, name),
        "ports": [
            {"purpose": port.purpose, "host_ip": port.host_ip, "port": port.port}
            for port in report.ports[name].published
        ],
        "docker_state": facts.state if facts else None,
        "docker_health": facts.health if facts else None,
        "oom_killed": facts.oom_killed if facts else False,
        "gateway_version": (facts.version or None) if facts else None,
        "browsers": dict(item.browsers),
        "control": item.control,
        "memory": usage.memory if usage else None,
        "memory_limit": (facts.memory_limit or None) if facts else None,
        "cpu": None if usage is None or usage.cpu is None else round(usage.cpu, 4),
        "latency": None if item.latency is None else round(item.latency, 4),
        "drift": report.drift.get(name, ""),
    }


def link(report: StatusReport, profile: str) -> str:
    """A gateway's address for the browser, without the token that `idlehands-deploy url` adds."""
    host = report.ports[profile].host
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{report.ports[profile].base}/"


def _browsers(item: Observation) -> str:
    """One word if all browsers are in the same state, else the state of each that is not off."""
    states = set(item.browsers.values())
    if len(states) <= 1:
        return states.pop() if states else "-"
    return ", ".join(f"{name} {state}" for name, state in item.browsers.items() if state != "off")


def _age(seconds: float) -> str:
    whole = max(0, int(seconds))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"
