"""Whether the directories in a gateway's config are on the mounts of its container."""

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

# Variables that move a directory of the gateway. The fleet file itself refuses those of state and workspace.
DIRECTORY_VARIABLE = re.compile(r"(?:IDLEHANDS|OPENCLAW)_(?:AGENT|OAUTH)_DIR")
LOST = "data there is lost when the container is replaced"


def check_paths(setup: Setup, config: GatewayConfig) -> Iterator[Finding]:
    """Directories in a gateway's config that are not on a mount of its container."""
    for key, path in _paths(config):
        revealed = config.reveal(path) if isinstance(path, str) else ""
        if not revealed or "${" in revealed or _is_mounted(revealed):
            continue
        fix = config_command("set", setup.name, key, WORKSPACE_TARGET) if key.endswith("workspace") else (
            Remedy(f"move it below {STATE_TARGET}: ", ours("config", "edit", setup.name))
        )  # fmt: skip
        yield Finding(
            "error", setup.in_config(key), f"{path!r} is not on a mount of the container",
            LOST,
            fix,
        )  # fmt: skip


def check_environment(setup: Setup) -> Iterator[Finding]:
    """Variables in the fleet file that move a gateway's directory off the mounts."""
    for name, value in setup.profile.environment.items():
        if DIRECTORY_VARIABLE.fullmatch(name) and not _is_mounted(value):
            yield Finding(
                "error", setup.in_fleet(f"environment.{name}"), "is not on a mount of the container", LOST,
                Remedy(f"remove it, or use a directory below {STATE_TARGET}; then: ", ours("up", setup.name)),
            )  # fmt: skip


def _is_mounted(path: str) -> bool:
    """Whether a path in a gateway's config is on one of its mounts; ``~`` is the container's home."""
    inside = HOME_TARGET / (path[2:] if path.startswith("~/") else path)
    if ".." in inside.parts:
        return False
    return any(inside.is_relative_to(target) for target in (STATE_TARGET, WORKSPACE_TARGET))


def _paths(config: GatewayConfig) -> Iterator[tuple[str, Any]]:
    """The directories in a config: key, path."""
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
    listed = config.get("agents", "list")  # the older form of `entries`
    for index, agent in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(agent, dict):
            agents.append((f"list.{index}", agent))
    for place, agent in agents:
        for key in ("workspace", "agentDir"):
            yield f"agents.{place}.{key}", agent.get(key)
