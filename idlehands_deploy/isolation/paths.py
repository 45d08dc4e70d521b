"""The directories that a gateway's config names, against the mounts of its container."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import HOME_TARGET, STATE_TARGET, WORKSPACE_TARGET
from idlehands_deploy.findings import Finding
from idlehands_deploy.isolation.claims import config_command
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.gateway.config import GatewayConfig
    from idlehands_deploy.isolation.claims import Setup

# Directories of the gateway's that a variable can move; those of the plan are refused by the fleet file itself.
KEEPING = re.compile(r"(?:IDLEHANDS|OPENCLAW)_(?:AGENT|OAUTH)_DIR")
LOST = "what is written there is lost when the container is replaced"


def check_paths(setup: Setup, config: GatewayConfig) -> Iterator[Finding]:
    """What a gateway keeps off the mounts of its container."""
    for key, path in _paths(config):
        meant = config.reveal(path) if isinstance(path, str) else ""
        if not meant or "${" in meant or _is_mounted(meant):
            continue
        fix = config_command(setup.name, "set", key, WORKSPACE_TARGET) if key.endswith("workspace") else (
            Remedy(f"in that file, move it below {STATE_TARGET}; then: ", ours("up", setup.name))
        )  # fmt: skip
        yield Finding(
            "error", setup.in_config(key), f"{path!r} is not on a mount of the container",
            LOST,
            fix,
        )  # fmt: skip


def check_environment(setup: Setup) -> Iterator[Finding]:
    """What the fleet file's variables would have a gateway keep off the mounts."""
    for name, value in setup.profile.environment.items():
        if KEEPING.fullmatch(name) and not _is_mounted(value):
            yield Finding(
                "error", setup.in_fleet(f"environment.{name}"), "is not on a mount of the container", LOST,
                Remedy(f"leave it out, or name a directory below {STATE_TARGET}; then: ", ours("up", setup.name)),
            )  # fmt: skip


def _is_mounted(path: str) -> bool:
    """Whether a path of a gateway's config lies in one of its mounts; ``~`` is the container's home."""
    inside = HOME_TARGET / (path[2:] if path.startswith("~/") else path)
    if ".." in inside.parts:
        return False
    return any(inside.is_relative_to(target) for target in (STATE_TARGET, WORKSPACE_TARGET))


def _paths(config: GatewayConfig) -> Iterator[tuple[str, Any]]:
    """Where a config says that something is kept: key, path."""
    yield from _agent_paths(config)
    yield "session.store", config.get("session", "store")
    yield "worktreeRoot", config.get("worktreeRoot")
    for channel, settings in config.mappings("channels"):
        accounts = settings.get("accounts")
        for name, account in accounts.items() if isinstance(accounts, dict) else ():
            if isinstance(account, dict):
                yield f"channels.{channel}.accounts.{name}.authDir", account.get("authDir")


def _agent_paths(config: GatewayConfig) -> Iterator[tuple[str, Any]]:
    yield "agents.defaults.workspace", config.get("agents", "defaults", "workspace")
    agents = [(f"entries.{name}", agent) for name, agent in config.mappings("agents", "entries")]
    listed = config.get("agents", "list")  # how configs before `entries` name them
    for index, agent in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(agent, dict):
            agents.append((f"list.{index}", agent))
    for place, agent in agents:
        for key in ("workspace", "agentDir"):
            yield f"agents.{place}.{key}", agent.get(key)
