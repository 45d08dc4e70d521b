"""Gateways that run on this host without a container, as processes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

# What a gateway calls its process (2026.9.6), as far as the kernel keeps it.
NAMES = ("openclaw-gatewa", "idlehands-gatew")


@dataclass(frozen=True)
class GatewayProcess:
    """One gateway that runs.

    Attributes:
        environ: its variables; empty for another user's.
        listening: the TCP ports that it has, lowest first; empty where they cannot be seen.
    """

    pid: int
    environ: dict[str, str]
    listening: tuple[int, ...]


def gateway_processes() -> list[GatewayProcess]:
    """Every gateway that runs on this host's own network, which containers' gateways do not."""
    pids = _pids_on_linux() if Path("/proc/self/comm").exists() else _pids_elsewhere()
    found = []
    for pid in pids:
        import psutil  # noqa: PLC0415 - a host without native gateways does not pay for it

        with suppress(psutil.Error, OSError):
            process = psutil.Process(pid)
            found.append(GatewayProcess(pid, _environ(process), _listening(process)))
    return found


def _pids_on_linux() -> list[int]:
    pids = []
    for comm in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):  # it ended since
            if comm.read_text(errors="replace").startswith(NAMES) and _is_on_our_network(comm.parent):
                pids.append(int(comm.parent.name))
    return sorted(pids)


def _is_on_our_network(process: Path) -> bool:
    return (process / "ns/net").stat().st_ino == Path("/proc/self/ns/net").stat().st_ino


def _pids_elsewhere() -> list[int]:
    # Containers run in a machine of their own there.
    import psutil  # noqa: PLC0415

    return [item.pid for item in psutil.process_iter(["name"]) if str(item.info["name"]).startswith(NAMES)]


def _environ(process: psutil.Process) -> dict[str, str]:
    import psutil  # noqa: PLC0415

    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def _listening(process: psutil.Process) -> tuple[int, ...]:
    import psutil  # noqa: PLC0415

    ports = {
        connection.laddr.port
        for connection in process.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr
    }
    return tuple(sorted(ports))
