"""Native gateways on this host, as processes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

# The process names of gateways (2026.9.6), cut to the kernel's 15 characters.
NAMES = ("openclaw-gatewa", "idlehands-gatew")


@dataclass(frozen=True)
class GatewayProcess:
    """One running gateway.

    Attributes:
        environ: its variables; empty for another user's process.
        listening: its TCP ports, lowest first; empty if this user cannot see them.
    """

    pid: int
    environ: dict[str, str]
    listening: tuple[int, ...]


def gateway_processes() -> list[GatewayProcess]:
    """Every running gateway in this host's network namespace, so none in a container."""
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
        with suppress(OSError):  # it has ended meanwhile
            if comm.read_text(errors="replace").startswith(NAMES) and _is_on_our_network(comm.parent):
                pids.append(int(comm.parent.name))
    return sorted(pids)


def _is_on_our_network(process: Path) -> bool:
    return (process / "ns/net").stat().st_ino == Path("/proc/self/ns/net").stat().st_ino


def _pids_elsewhere() -> list[int]:
    # On these systems containers run in a virtual machine.
    import psutil  # noqa: PLC0415

    try:
        return [item.pid for item in psutil.process_iter(["name"]) if str(item.info["name"]).startswith(NAMES)]
    except (psutil.Error, OSError):
        return []


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
