from __future__ import annotations

import ctypes
import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.host.facts import INOTIFY_INSTANCES, INOTIFY_WATCHES, look_at_host

if TYPE_CHECKING:
    from pathlib import Path

GB = 1 << 30


def test_facts_about_this_host_are_collected(tmp_path: Path) -> None:
    host = look_at_host([tmp_path / "not/yet/there"], os.getuid())
    (disk,) = host.disks
    assert disk.path == str(tmp_path)
    assert abs(disk.free - shutil.disk_usage(tmp_path).free) < GB
    assert host.available_memory


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_a_user_s_inotify_use_is_counted() -> None:
    libc = ctypes.CDLL(None)
    watcher = libc.inotify_init1(os.O_CLOEXEC)
    assert libc.inotify_add_watch(watcher, b"/", 0x100) > 0
    try:
        taken = look_at_host([], os.getuid()).taken
    finally:
        os.close(watcher)
    assert taken[INOTIFY_INSTANCES] > 0
    assert taken[INOTIFY_WATCHES] > 0
