"""Containers as an engine tells of them."""

from __future__ import annotations

from dataclasses import replace

from idlehands_deploy.engine.facts import ContainerFacts

RUNNING = ContainerFacts(
    id="0123456789abcdef", profile="main", state="running", health="starting", exit_code=None,
    oom_killed=False, restart_count=0, started_at="2026-11-22T00:00:00.123456789Z",
    directory="/srv/fleet",
)  # fmt: skip
ENDED = replace(RUNNING, state="exited", health=None, exit_code=0)
