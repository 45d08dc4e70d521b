from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.engine.limits import read_limits, read_stats_limits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONTAINER = "0123456789abcdef"
SLICE = f"system.slice/docker-{CONTAINER}.scope"
FIRST = {
    "proc/7/cgroup": f"8:pids:/docker/{CONTAINER}\n4:memory:/docker/{CONTAINER}\n0::/docker/{CONTAINER}\n",
    f"sys/pids/docker/{CONTAINER}/cgroup.procs": "7\n8\n",
    f"sys/pids/docker/{CONTAINER}/pids.current": "20\n",
    f"sys/pids/docker/{CONTAINER}/pids.max": "512\n",
    f"sys/memory/docker/{CONTAINER}/memory.usage_in_bytes": str(500 << 20),
    f"sys/memory/docker/{CONTAINER}/memory.limit_in_bytes": str(2000 << 20),
    f"sys/memory/docker/{CONTAINER}/memory.stat": "rss 5\ntotal_inactive_file 0\n",
}
SECOND = {
    "proc/7/cgroup": f"0::/{SLICE}\n",
    f"sys/{SLICE}/cgroup.procs": "7\n8\n",
    f"sys/{SLICE}/pids.current": "20\n",
    f"sys/{SLICE}/pids.max": "512\n",
    f"sys/{SLICE}/memory.current": str(500 << 20),
    f"sys/{SLICE}/memory.max": str(2000 << 20),
    f"sys/{SLICE}/memory.stat": "anon 5\ninactive_file 0\n",
}
VERSIONS = pytest.mark.parametrize("files", [FIRST, SECOND], ids=["v1", "v2"])


def reached(root: Path, files: Mapping[str, str], **changed: str) -> list[str] | None:
    """The names of the limits, with the files that end in a name of ``changed`` written anew."""
    for path, text in files.items():
        name = path.rpartition("/")[2].replace(".", "_")
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(changed.get(name, text))
    found = read_limits(CONTAINER, 7, cgroups=root / "sys", processes=root / "proc")
    return None if found is None else [f"{limit.name}: {limit.reason}" for limit in found]


def open_files(root: Path, pid: int, used: int, most: str) -> None:
    (root / f"proc/{pid}/fd").mkdir(parents=True)
    for number in range(used):
        (root / f"proc/{pid}/fd/{number}").touch()
    limits = f"Limit    Soft Limit    Hard Limit    Units\nMax open files   {most}   4096   files\n"
    (root / f"proc/{pid}/limits").write_text(limits)
    (root / f"proc/{pid}/comm").write_text("node\n")


@VERSIONS
def test_a_container_within_its_limits_has_reached_none(tmp_path: Path, files: dict[str, str]) -> None:
    open_files(tmp_path, 8, 20, "1024")
    assert reached(tmp_path, files) == []


@VERSIONS
@pytest.mark.parametrize(("used", "full"), [("512", True), ("508", True), ("500", False)])
def test_a_container_that_can_start_no_more_processes_has_reached_a_limit(
    tmp_path: Path, files: dict[str, str], used: str, full: bool
) -> None:
    expected = [f"processes: {used} of 512 processes and threads are in use"] if full else []
    assert reached(tmp_path, files, pids_current=used) == expected


@VERSIONS
def test_a_process_that_is_about_to_be_refused_is_not_counted(tmp_path: Path, files: dict[str, str]) -> None:
    assert reached(tmp_path, files, pids_current="513") == ["processes: 512 of 512 processes and threads are in use"]


@VERSIONS
def test_memory_is_full_when_nothing_of_it_can_be_reclaimed(tmp_path: Path, files: dict[str, str]) -> None:
    used = {"memory_usage_in_bytes": str(1995 << 20), "memory_current": str(1995 << 20)}
    assert reached(tmp_path, files, **used) == ["memory: 1995 of 2000 MB of memory are in use"]
    cache = f"inactive_file {100 << 20}\ntotal_inactive_file {100 << 20}\n"
    assert reached(tmp_path, files, memory_stat=cache, **used) == []


@VERSIONS
def test_a_container_without_limits_reaches_none(tmp_path: Path, files: dict[str, str]) -> None:
    open_files(tmp_path, 8, 2000, "unlimited")
    none = {"pids_max": "max\n", "memory_max": "max\n", "memory_limit_in_bytes": "9223372036854771712\n"}
    assert reached(tmp_path, files, pids_current="90000", memory_current=str(1 << 50), **none) == []


@VERSIONS
def test_a_process_with_all_its_files_open_is_named(tmp_path: Path, files: dict[str, str]) -> None:
    open_files(tmp_path, 8, 100, "100")
    assert reached(tmp_path, files) == ["files: node has 100 of 100 files open"]


@VERSIONS
def test_the_process_of_another_container_is_not_read(tmp_path: Path, files: dict[str, str]) -> None:
    assert reached(tmp_path, files, cgroup="0::/init.scope\n") is None
    assert reached(tmp_path, {}) is None


def test_an_engine_on_another_host_says_the_same() -> None:
    said = {
        "pids_stats": {"current": 512, "limit": 512},
        "memory_stats": {"usage": 1000 << 20, "limit": 1000 << 20, "stats": {"inactive_file": 0}},
    }
    assert [limit.name for limit in read_stats_limits(said)] == ["processes", "memory"]
    assert read_stats_limits({"pids_stats": {}, "memory_stats": {}}) == ()


def test_the_processes_of_this_host_are_read_as_its_kernel_writes_them(tmp_path: Path) -> None:
    group = tmp_path / "group"
    group.mkdir()
    for name, text in {"cgroup.procs": f"{os.getpid()}\n", "pids.current": "1", "pids.max": "1"}.items():
        (group / name).write_text(text)
    (tmp_path / "7").mkdir()
    (tmp_path / "7/cgroup").write_text("0::/group\n")
    (tmp_path / str(os.getpid())).symlink_to("/proc/self")
    found = read_limits("group", 7, cgroups=tmp_path, processes=tmp_path)
    assert found is not None
    assert [limit.name for limit in found] == ["processes"]
