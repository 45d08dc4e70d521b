from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.host.mounts import mounts_below

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLE = """\
24 27 0:6 / /dev rw,relatime - devtmpfs devtmpfs rw
31 27 8:1 / / rw - ext4 /dev/sda1 rw
90 31 0:44 / {root} rw - btrfs /dev/sdb rw
91 31 0:45 / {root}/profiles/main/workspace rw - nfs4 nas:/bots rw
92 31 8:1 /srv/a {root}/a\\040b\\134c rw shared:1 - ext4 /dev/sda1 rw
93 31 0:46 / {root}-other/x rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("below", "found"), [("", ["a b\\c", "profiles/main/workspace"]), ("profiles", ["profiles/main/workspace"])]
)
def test_mounts_within_a_directory_are_found_bind_mounts_too(tmp_path: Path, below: str, found: Sequence[str]) -> None:
    root, table = tmp_path / "root", tmp_path / "mountinfo"
    table.write_text(TABLE.format(root=root))
    assert mounts_below(root / below, table) == [root / path for path in found]


def test_this_host_s_own_table_can_be_read() -> None:
    assert Path("/proc") in mounts_below(Path("/"))
    assert mounts_below(Path("/"), Path("/nonexistent")) == []
