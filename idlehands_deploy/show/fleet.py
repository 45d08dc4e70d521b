"""Profiles as table rows for people and as JSON for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show.layout.table import Column
from idlehands_deploy.text import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.health.observe import Observation
    from idlehands_deploy.operations.lifecycle import UpResult
    from idlehands_deploy.operations.ports import Listing

LIST_COLUMNS = (
    Column("PROFILE"),
    Column("PORT", label="port"),
    Column("RESCUES", label="rescues", wraps=True),
    Column("SECRETS", label="secrets", wraps=True),
)


def list_rows(listing: Listing) -> list[tuple[str, ...]]:
    """One row per profile, from the fleet file."""
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
    """One object per profile, from the fleet file."""
    return [
        {
            "profile": plan.profile,
            "port": plan.base,
            "rescues": listing.fleet.profiles[plan.profile].rescues,
            "secrets": listing.fleet.profiles[plan.profile].secrets,
        }
        for plan in listing.plans
    ]


def observation_json(item: Observation) -> dict[str, Any]:
    """One profile's verdict with the facts behind it."""
    verdict, facts = item.verdict, item.facts
    return {
        "profile": verdict.profile,
        "state": verdict.state,
        "usable": verdict.usable,
        "reason": verdict.reason,
        "failing": list(verdict.failing),
        "remedy": str(verdict.remedy),
        "container": facts.id if facts else None,
        "started_at": facts.started_at if facts else None,
        "restarts": facts.restart_count if facts else 0,
        "exit_code": facts.exit_code if facts else None,
    }


def up_json(seen: Sequence[Observation]) -> list[dict[str, Any]]:
    """One object per profile of an `up`, with its container's warnings."""
    return [observation_json(item) | {"warnings": list(item.warnings)} for item in seen]


def up_lines(result: UpResult) -> list[str | Remedy]:
    """Where each gateway is, who reaches it and how to open it, with warnings and the next command."""
    # Not at the top: every command loads this module, and these load the fleet's.
    from idlehands_deploy.fleet.access import RISK  # noqa: PLC0415
    from idlehands_deploy.fleet.origins import bracketed, is_open, this_host  # noqa: PLC0415

    lines: list[str | Remedy] = []
    reached = []
    for item in result.seen:
        verdict = item.verdict
        state = verdict.state if verdict.state == "ready" else f"ready, degraded: {verdict.reason}"
        base = result.ports.profiles[verdict.profile].published[0]
        reached += [verdict.profile] if is_open(base.host_ip) else []
        where = f"{bracketed(this_host(base.host_ip))}:{base.port}"
        lines.append(
            Remedy(
                f"{verdict.profile} is {state}, at {where}. Open it, here or from elsewhere: ",
                ours("url", verdict.profile),
            )
        )
        lines += [f"  Warning: {warning}" for warning in item.warnings]
        if verdict.remedy:
            lines.append(Remedy("  Next: ").then(verdict.remedy))
    if reached:
        lines.append(f"Other computers reach {listed(reached)} over plain HTTP: {RISK}.")
    return lines
