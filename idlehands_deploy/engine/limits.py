"""Which of a container's limits are reached, read from its control groups (both versions) and its processes.

A gateway that can start no process, or opens no file, still answers that it is ready.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idlehands_deploy.engine.facts import Limit
from idlehands_deploy.engine.usage import CGROUPS, PROCESSES, cgroup_paths, memory_in_use, memory_of_stats

if TYPE_CHECKING:
    from collections.abc import Iterator

# The part of a limit at which it counts as reached: what needs one more usually needs several at once; per cent.
FULL = 99
# cgroup v1 writes "no limit" as a number of this size.
UNLIMITED = 1 << 60


def read_limits(
    container: str, pid: int, *, cgroups: Path = CGROUPS, processes: Path = PROCESSES
) -> tuple[Limit, ...] | None:
    """The limits that a container on this host has reached; None if they cannot be read.

    Args:
        pid: its first process.
    """
    try:
        paths = cgroup_paths(container, pid, processes)
        if paths is None:
            return None
        group = cgroups / "pids" / paths["pids"] if "pids" in paths else cgroups / paths[""]
        members = (group / "cgroup.procs").read_text().split()
        used, most = _number(group / "pids.current"), _number(group / "pids.max")
    except (OSError, ValueError, KeyError):
        return None
    return (*_of_processes(used or 0, most), *_of_memory(cgroups, paths), *_of_files(processes, members))


def read_stats_limits(stats: dict[str, Any]) -> tuple[Limit, ...]:
    """The same from the engine's ``/stats``, for an engine on another host; open files are not in it."""
    pids, memory = stats.get("pids_stats", {}), stats.get("memory_stats", {})
    return (
        *_of_processes(pids.get("current", 0), pids.get("limit")),
        *_full_memory(memory_of_stats(memory), memory.get("limit")),
    )


def _of_processes(used: int, most: int | None) -> Iterator[Limit]:
    if most and _is_full(used, most):
        # The kernel counts one that it is about to refuse.
        yield Limit("processes", f"{min(used, most)} of {most} processes and threads are in use")


def _of_memory(cgroups: Path, paths: dict[str, str]) -> Iterator[Limit]:
    in_first = "memory" in paths
    limit = Path("memory", paths["memory"], "memory.limit_in_bytes") if in_first else Path(paths[""], "memory.max")
    try:
        yield from _full_memory(memory_in_use(cgroups, paths), _number(cgroups / limit))
    except (OSError, ValueError, KeyError):
        return


def _full_memory(used: int, most: int | None) -> Iterator[Limit]:
    if _is_full(used, most):
        yield Limit("memory", f"{used >> 20} of {(most or 0) >> 20} MB of memory are in use")


def _of_files(processes: Path, members: list[str]) -> Iterator[Limit]:
    """The first process that has opened as many files as it may; only root sees those of other users."""
    for member in members:
        process = processes / member
        try:
            used = len(os.listdir(process / "fd"))  # noqa: PTH208 - a name is enough, thousands of times
            most = _soft_limit((process / "limits").read_text())
            name = (process / "comm").read_text().strip()
        except (OSError, ValueError, StopIteration):
            continue
        if _is_full(used, most):
            yield Limit("files", f"{name} has {used} of {most} files open")
            return


def _soft_limit(limits: str) -> int | None:
    line = next(line for line in limits.splitlines() if line.startswith("Max open files"))
    value = line.split()[3]
    return None if value == "unlimited" else int(value)


def _number(path: Path) -> int | None:
    text = path.read_text().strip()
    return None if text == "max" else int(text)


def _is_full(used: int | None, most: int | None) -> bool:
    return bool(used and most and most < UNLIMITED and used * 100 >= most * FULL)
