"""How a watch sees that the fleet file has changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.watch.fleet_file import FleetFile
from tests.support.helpers import session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BEFORE = "name: one\nprofiles: {main: }\n"
AFTER = "name: two\nprofiles: {main: }\n"


class Ledger:
    """A ledger that nobody reads."""

    def write(self, *_: object, **__: object) -> None:
        pass


def in_place(path: Path) -> None:
    path.write_text(AFTER)


def by_renaming(path: Path) -> None:
    path.with_name("new").write_text(AFTER)
    path.with_name("new").replace(path)


@pytest.mark.parametrize("write", [in_place, by_renaming])
@pytest.mark.parametrize("date", ["the same", "an older"])
def test_another_text_is_seen_whatever_its_size_and_date(
    tmp_path: Path, write: Callable[[Path], None], date: str
) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(BEFORE)
    at = path.stat().st_mtime_ns
    followed, ledger = FleetFile(session(tmp_path), [], notifies=False), _ledger()
    assert not followed.changed(ledger)
    changed_at = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == changed_at:  # the clock of a file system is not finer than some milliseconds
        write(path)
        os.utime(path, ns=(at, at if date == "the same" else 1))
    assert followed.changed(ledger)
    assert followed.fleet.name == "two"


def _ledger() -> Any:
    return Ledger()
