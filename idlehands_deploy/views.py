"""Results as table rows and as JSON: the same facts, shaped for a person and for a script."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.operations.inspection import Listing, StatusReport
    from idlehands_deploy.operations.lifecycle import UpResult
    from idlehands_deploy.operations.readiness import Observation

LIST_COLUMNS = ("PROFILE", "PORT", "RESCUES", "SECRETS")
STATUS_COLUMNS = ("PROFILE", "STATE", "GATEWAY", "UP", "RESTARTS", "WHY")


def list_rows(listing: Listing) -> list[tuple[str, ...]]:
    """A row a profile, from the fleet file."""
    return [
        (
            plan.profile,
            str(plan.base),
            ", ".join(listing.fleet.profiles[plan.profile].rescues) or "-",
            ", ".join(listing.fleet.profiles[plan.profile].secrets) or "-",
        )
        for plan in listing.plans
    ]


def list_json(listing: Listing) -> list[dict[str, Any]]:
    """An object a profile, from the fleet file."""
    return [
        {
            "profile": plan.profile,
            "port": plan.base,
            "rescues": listing.fleet.profiles[plan.profile].rescues,
            "secrets": listing.fleet.profiles[plan.profile].secrets,
        }
        for plan in listing.plans
    ]


def status_rows(report: StatusReport) -> list[tuple[str, ...]]:
    """A row a profile, and one for each container that the fleet file no longer names."""
    rows = [_status_row(report, item) for item in report.seen]
    rows += [
        (facts.profile, "orphan", "-", _uptime(facts), str(facts.restart_count),
         f"not in the fleet file; remove it: docker rm -f {facts.id[:12]}")
        for facts in report.orphans
    ]  # fmt: skip
    return rows


def status_json(report: StatusReport) -> list[dict[str, Any]]:
    """An object a profile."""
    rows = [observation_json(item) | {"gateway": _address(report, item.verdict.profile)} for item in report.seen]
    return rows + [{"profile": facts.profile, "state": "orphan", "container": facts.id} for facts in report.orphans]


def observation_json(item: Observation) -> dict[str, Any]:
    """One profile's verdict with the facts behind it."""
    verdict, facts = item.verdict, item.facts
    return {
        "profile": verdict.profile,
        "state": verdict.state,
        "usable": verdict.usable,
        "reason": verdict.reason,
        "failing": list(verdict.failing),
        "remedy": verdict.remedy,
        "container": facts.id if facts else None,
        "started_at": facts.started_at if facts else None,
        "restarts": facts.restart_count if facts else 0,
        "exit_code": facts.exit_code if facts else None,
    }


def up_json(seen: Sequence[Observation]) -> list[dict[str, Any]]:
    """An object a profile that was to come up, with what its container warned of."""
    return [observation_json(item) | {"warnings": list(item.warnings)} for item in seen]


def up_lines(result: UpResult) -> list[str]:
    """What a person wants to know when gateways are up."""
    lines = []
    for item in result.seen:
        verdict = item.verdict
        state = verdict.state if verdict.state == "ready" else f"ready, degraded: {verdict.reason}"
        base = result.ports.profiles[verdict.profile].published[0]
        lines.append(
            f"{verdict.profile} is {state}, at {base.host_ip}:{base.port}. "
            f"Open it: idlehands-deploy url {verdict.profile}"
        )
        lines += [f"  Warning: {warning}" for warning in item.warnings]
        if verdict.remedy:
            lines.append(f"  Next: {verdict.remedy}")
    return lines


def _status_row(report: StatusReport, item: Observation) -> tuple[str, ...]:
    verdict, facts = item.verdict, item.facts
    why = verdict.reason + (f" - {verdict.remedy}" if verdict.remedy else "")
    return (
        verdict.profile,
        verdict.state,
        _address(report, verdict.profile),
        _uptime(facts) if facts else "-",
        str(facts.restart_count) if facts else "-",
        why,
    )


def _address(report: StatusReport, profile: str) -> str:
    gateway = report.ports[profile].published[0]
    return f"{gateway.host_ip}:{gateway.port}"


def _uptime(facts: ContainerFacts) -> str:
    if facts.state != "running" or not facts.started:
        return "-"
    seconds = max(0, int(time.time() - facts.started))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
