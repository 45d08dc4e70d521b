"""Read the engine's answers into our own types."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import DIGEST_LABEL, PORT_VARIABLE, VERSION_LABEL
from idlehands_deploy.engine.compose import COMPOSE_FILE
from idlehands_deploy.engine.facts import (
    DIRECTORY_LABEL,
    FILES_LABEL,
    PROJECT_LABEL,
    SERVICE_LABEL,
    ContainerFacts,
    PortHolder,
    read_time,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def port_holder(row: dict[str, Any]) -> PortHolder:
    """The container in one row of the engine's list."""
    labels = row.get("Labels") or {}
    return PortHolder(
        container=row["Names"][0].removeprefix("/"),
        project=labels.get(PROJECT_LABEL, ""),
        profile=labels.get(SERVICE_LABEL, ""),
    )


def gateway_address(ipam: dict[str, Any]) -> str:
    """The host's address in a network; empty if it has none."""
    for item in ipam.get("Config") or []:
        if gateway := item.get("Gateway"):
            return str(gateway)
        # The engine leaves the gateway out of its default bridge: it is the first address there.
        network = ipaddress.ip_network(item["Subnet"])
        if network.version == 4:
            return str(network[1])
    return ""


def container_facts(detail: dict[str, Any]) -> ContainerFacts:
    """A container's facts from the engine's ``inspect``."""
    state, labels = detail["State"], detail["Config"]["Labels"]
    started = str(state["StartedAt"])
    return ContainerFacts(
        id=detail["Id"],
        profile=labels.get(SERVICE_LABEL, ""),
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status"),
        exit_code=None if state["Running"] and not state["Restarting"] else state["ExitCode"],
        oom_killed=bool(state["OOMKilled"]),
        restart_count=int(detail["RestartCount"]),
        started_at="" if started.startswith("0001-") else started,
        directory=labels.get(DIRECTORY_LABEL, ""),
        # If a port is in use, the engine puts this before the actual reason.
        error=re.sub(r" on endpoint \S+ \([0-9a-f]{64}\)", "", str(state.get("Error") or "")),
        health_output=_health_output(state),
        image_id=detail["Image"],
        image=str(detail["Config"].get("Image") or ""),
        digest=labels.get(DIGEST_LABEL, ""),
        other_files=_other_files(labels.get(FILES_LABEL, "")),
        version=labels.get(VERSION_LABEL, ""),
        created_at=str(detail["Created"]),
        memory_limit=int(detail["HostConfig"].get("Memory") or 0),
        pid=int(state["Pid"]),
        is_connected=bool(detail["NetworkSettings"]["Networks"]),
        subnet=_subnet(detail["NetworkSettings"]["Networks"] or {}),
        base=_base(detail["Config"].get("Env") or []),
        stop_timeout=int(detail["Config"].get("StopTimeout") or 10),
        published=dict(_published(detail["HostConfig"].get("PortBindings") or {})),
        mounts=tuple(mount["Destination"] for mount in detail["Mounts"]),
        missing_mounts=tuple(mount["Source"] for mount in detail["Mounts"] if _is_missing(mount)),
    )


def _base(environment: list[str]) -> int:
    values = [line.removeprefix(f"{PORT_VARIABLE}=") for line in environment if line.startswith(f"{PORT_VARIABLE}=")]
    return int(values[-1]) if values and values[-1].isdecimal() else 0


def _published(bindings: dict[str, Any]) -> Iterator[tuple[int, str]]:
    for binding in (binding for found in bindings.values() for binding in found or []):
        if binding["HostPort"].isdecimal():  # no range, and not empty for any free one
            yield int(binding["HostPort"]), binding["HostIp"] or "0.0.0.0"  # noqa: S104 - what it means


def _subnet(networks: dict[str, dict[str, Any]]) -> str:
    for network in networks.values():
        if address := network.get("IPAddress"):
            return str(ipaddress.ip_interface(f"{address}/{network['IPPrefixLen']}").network)
    return ""


def _other_files(label: str) -> tuple[str, ...]:
    names = [PurePath(path).name for path in label.split(",") if path]
    return tuple("standard input" if name == "-" else name for name in names if name != COMPOSE_FILE)


def _health_output(state: dict[str, Any]) -> str:
    checks = (state.get("Health") or {}).get("Log") or []
    # The engine keeps the log of the previous run.
    if checks and read_time(checks[-1]["Start"]) >= read_time(state["StartedAt"]):
        return str(checks[-1]["Output"])
    return ""


def _is_missing(mount: dict[str, Any]) -> bool:
    if mount["Type"] != "bind":
        return False
    try:
        Path(mount["Source"]).stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # another user's, or unreachable: not known to be missing
        return False
    return False
