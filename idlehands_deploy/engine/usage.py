"""How much memory and CPU a container uses.

Docker's own figures take a second, because its collector reads once a second. If the engine is on this host, the
same figures can be read at once from the control groups (cgroups, both versions) of the container's first process.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CGROUPS = Path("/sys/fs/cgroup")
PROCESSES = Path("/proc")
# The shortest time between two readings: in less, the answer to our own request looks like load; seconds.
SHORTEST = 0.05


@dataclass(frozen=True)
class Usage:
    """The memory and CPU that a container uses.

    Attributes:
        memory: bytes, without the cache that the kernel can reclaim at once, as `docker stats` counts.
        cpu: cores, on average between two readings; None if there is only one.
        cpu_seconds: CPU time since its start.
    """

    memory: int
    cpu: float | None
    cpu_seconds: float


@dataclass(frozen=True)
class Reading:
    """The counters at one time: bytes, seconds of CPU time, and the monotonic clock in seconds."""

    memory: int
    cpu_seconds: float
    at: float


def read_counters(container: str, pid: int, *, cgroups: Path = CGROUPS, processes: Path = PROCESSES) -> Reading | None:
    """The counters of a container on this host; None if they cannot be read, for example in a virtual machine.

    Args:
        pid: its first process.
    """
    try:
        places = cgroup_paths(container, pid, processes)
        at = time.monotonic()
        if places is None:
            return None
        used = memory_in_use(cgroups, places)
        if "cpuacct" in places:
            seconds = int((cgroups / "cpuacct" / places["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        else:
            seconds = _stat(cgroups / places[""] / "cpu.stat", "usage_usec") / 1e6
    except (OSError, ValueError, KeyError):
        return None
    return Reading(used, seconds, at)


def memory_in_use(cgroups: Path, paths: Mapping[str, str]) -> int:
    """Bytes, without the cache that the kernel can reclaim at once.

    Args:
        paths: from `cgroup_paths`.

    Raises:
        OSError: a file cannot be read.
        ValueError, KeyError: one is not as the kernel writes it.
    """
    if "memory" in paths:
        group = cgroups / "memory" / paths["memory"]
        used = int((group / "memory.usage_in_bytes").read_text())
        return max(0, used - _stat(group / "memory.stat", "total_inactive_file"))
    group = cgroups / paths[""]
    return max(0, int((group / "memory.current").read_text()) - _stat(group / "memory.stat", "inactive_file"))


def cgroup_paths(container: str, pid: int, processes: Path = PROCESSES) -> dict[str, str] | None:
    """A container's path in each controller's tree, in version 2 under an empty name; None for another's process.

    Raises:
        OSError: the process cannot be read.
        ValueError: the file is not as the kernel writes it.
    """
    lines = (processes / str(pid) / "cgroup").read_text().splitlines()
    paths = {name: path for line in lines for name, path in _controllers(line)}
    # Where the engine's processes are not visible, this pid is another process.
    return paths if container in paths.get("memory", paths.get("", "")) else None


def between(first: Reading | None, second: Reading) -> Usage:
    """The usage between two readings."""
    if first is None or second.at <= first.at:
        return Usage(second.memory, None, second.cpu_seconds)
    cpu = max(0.0, second.cpu_seconds - first.cpu_seconds) / (second.at - first.at)
    return Usage(second.memory, cpu, second.cpu_seconds)


def read_stats(stats: dict[str, Any]) -> Usage | None:
    """The usage from the engine's ``/stats``; None for a container that does not run."""
    memory, now, before = stats.get("memory_stats", {}), stats.get("cpu_stats", {}), stats.get("precpu_stats", {})
    if "usage" not in memory:
        return None
    total = int(now["cpu_usage"]["total_usage"])
    host = now.get("system_cpu_usage", 0) - before.get("system_cpu_usage", 0)
    cpu = None
    if host > 0 and "system_cpu_usage" in before:
        cpu = (total - before["cpu_usage"]["total_usage"]) / host * int(now.get("online_cpus") or 1)
    return Usage(memory_of_stats(memory), cpu, total / 1e9)


def memory_of_stats(memory: Mapping[str, Any]) -> int:
    """The same bytes from ``memory_stats`` in the engine's ``/stats``."""
    details = memory.get("stats", {})
    inactive = details.get("total_inactive_file", details.get("inactive_file", 0))
    return max(0, int(memory.get("usage", 0)) - int(inactive))


def _controllers(line: str) -> list[tuple[str, str]]:
    """A line of ``/proc/PID/cgroup``: each controller with its path; in version 2 the controller has no name."""
    _, names, path = line.split(":", 2)
    return [(name, path.lstrip("/")) for name in names.split(",")]


def _stat(path: Path, name: str) -> int:
    """The number after a name, in a file of ``name number`` lines; KeyError if there is none."""
    return int(dict(line.split(" ", 1) for line in path.read_text().splitlines())[name])
