"""The details of a container or an engine that explain it and name no secret."""

from __future__ import annotations

from typing import Any

from idlehands_deploy.engine.facts import DIRECTORY_LABEL, ONE_OFF_LABEL, PROJECT_LABEL, SERVICE_LABEL

# As long as Docker's own short ids; characters.
SHORT_ID = 12
_LABELS = (
    PROJECT_LABEL, SERVICE_LABEL, ONE_OFF_LABEL, DIRECTORY_LABEL, "com.docker.compose.project.config_files",
    "com.docker.compose.version", "com.docker.compose.container-number",
)  # fmt: skip
_STATE = (
    "Status", "Running", "Paused", "Restarting", "OOMKilled", "Dead", "ExitCode", "Error", "StartedAt", "FinishedAt",
)  # fmt: skip
_LIMITS = (
    "Memory", "MemoryReservation", "MemorySwap", "NanoCpus", "CpuShares", "PidsLimit", "ShmSize", "Ulimits",
    "ReadonlyRootfs", "CapAdd", "CapDrop", "Privileged", "UsernsMode", "NetworkMode", "RestartPolicy", "Init", "Tmpfs",
    "LogConfig", "PortBindings", "OomKillDisable",
)  # fmt: skip
_INFO = (
    "ServerVersion", "OperatingSystem", "OSType", "OSVersion", "Architecture", "KernelVersion", "NCPU", "MemTotal",
    "Driver", "CgroupDriver", "CgroupVersion", "SecurityOptions", "DefaultRuntime", "LoggingDriver", "MemoryLimit",
    "SwapLimit", "PidsLimit", "CPUCfsQuota", "IPv4Forwarding", "LiveRestoreEnabled", "Containers",
    "ContainersRunning", "Images", "Warnings",
)  # fmt: skip


def select_details(detail: dict[str, Any]) -> dict[str, Any]:
    """A container's state, health log, image, user, mounts, limits, ports and Compose labels."""
    state, config, host = detail["State"], detail["Config"], detail["HostConfig"]
    return {
        "id": detail["Id"][:SHORT_ID],
        "name": detail["Name"].removeprefix("/"),
        "created": detail["Created"],
        "image": config.get("Image"),
        "image_id": short_id(detail["Image"]),
        "restart_count": detail["RestartCount"],
        "state": {key: state[key] for key in _STATE if key in state},
        "health": state.get("Health"),
        "user": config.get("User"),
        "hostname": config.get("Hostname"),
        "stop_timeout": config.get("StopTimeout"),
        "variables": sorted(line.partition("=")[0] for line in config.get("Env") or []),
        "mounts": [
            {key: mount.get(key) for key in ("Type", "Source", "Destination", "Mode", "RW")}
            for mount in detail["Mounts"]
        ],
        "limits": {key: host[key] for key in _LIMITS if key in host},
        "security": [_without_body(option) for option in host.get("SecurityOpt") or []],
        "networks": sorted(detail["NetworkSettings"].get("Networks") or {}),
        "labels": {key: value for key, value in (config.get("Labels") or {}).items() if key in _LABELS},
    }


def select_info(info: dict[str, Any]) -> dict[str, Any]:
    """An engine's versions, drivers and features, without its name and its registries."""
    return {key: info[key] for key in _INFO if key in info} | {"Runtimes": sorted(info.get("Runtimes") or {})}


def short_id(image: str) -> str:
    """An image's id as Docker's tables show it."""
    kind, _, digest = image.rpartition(":")
    return f"{kind}:{digest[:SHORT_ID]}" if kind else digest[:SHORT_ID]


def _without_body(option: str) -> str:
    # Compose passes the whole seccomp profile as an option.
    return f"{option.partition('{')[0]}({len(option)} characters)" if "{" in option else option
