"""Whether the directories in a gateway's config are on the mounts of its container."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import HOME_TARGET, STATE_TARGET, WORKSPACE_TARGET
from idlehands_deploy.findings import Finding
from idlehands_deploy.isolation.claims import Folder, config_command
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePosixPath

    from idlehands_deploy.fleet.additions import Mount
    from idlehands_deploy.gateway.config import GatewayConfig
    from idlehands_deploy.isolation.claims import Setup

# Variables that move a directory of the gateway. The fleet file itself refuses those of state and workspace.
DIRECTORY_VARIABLE = re.compile(r"(?:IDLEHANDS|OPENCLAW)_(?:AGENT|OAUTH)_DIR")
OFF = "is not on a mount of the container"
LOST = "data there is lost when the container is replaced"


def check_paths(setup: Setup, config: GatewayConfig) -> Iterator[Finding]:
    """Directories in a gateway's config that are not on a mount of its container."""
    for key, path in _paths(config):
        revealed = config.reveal(path) if isinstance(path, str) else ""
        if not revealed or "${" in revealed or not (problem := _problem(setup, revealed)):
            continue
        fix = config_command("set", setup.name, key, WORKSPACE_TARGET) if key.endswith("workspace") else (
            Remedy(f"move it below {STATE_TARGET}: ", ours("config", "edit", setup.name))
        )  # fmt: skip
        yield Finding(
            "error", setup.in_config(key), f"{path!r} {problem}",
            LOST if problem == OFF else "the gateway cannot write there",
            fix,
        )  # fmt: skip


def shared_folders(setup: Setup) -> Iterator[Folder]:
    """Directories in a gateway's config that are on mounts which a person added, and so may be another's too."""
    for key, path in _paths(setup.config) if setup.config else ():
        revealed = setup.config.reveal(path) if setup.config and isinstance(path, str) else ""
        inside = _inside(revealed)
        if revealed and "${" not in revealed and (mount := _added_mount(setup, inside)) and mount.is_writable:
            host = Path(mount.host) / inside.relative_to(mount.container)
            yield Folder(host, key.rpartition(".")[2], setup.in_config(key))


def check_environment(setup: Setup) -> Iterator[Finding]:
    """Variables in the fleet file that move a gateway's directory off the mounts."""
    for name, value in setup.profile.environment.items():
        if DIRECTORY_VARIABLE.fullmatch(name) and (problem := _problem(setup, value)):
            yield Finding(
                "error", setup.in_fleet(f"environment.{name}"), problem,
                LOST if problem == OFF else "the gateway cannot write there",
                Remedy(f"remove it, or use a directory below {STATE_TARGET}; then: ", ours("up", setup.name)),
            )  # fmt: skip


def _problem(setup: Setup, path: str) -> str:
    """Why the gateway cannot keep anything at a path in its config; empty if it can. ``~`` is the container's home."""
    inside = _inside(path)
    if ".." in inside.parts:
        return OFF
    if inside.is_relative_to(HOME_TARGET):
        return ""
    mount = _added_mount(setup, inside)
    if mount is None:
        return OFF
    return "" if mount.is_writable else f"is on {mount.container}, which is mounted read-only"


def _inside(path: str) -> PurePosixPath:
    return HOME_TARGET / (path[2:] if path.startswith("~/") else path)


def _added_mount(setup: Setup, inside: PurePosixPath) -> Mount | None:
    around = [mount for mount in setup.mounts if inside.is_relative_to(mount.container) and ".." not in inside.parts]
    return max(around, key=lambda mount: len(mount.container), default=None)


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
