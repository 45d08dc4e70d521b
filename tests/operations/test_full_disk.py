"""A disk that fills up in the middle: at each step of a rollback and of an upgrade, on a real small file system."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import DeployError, StateRefusedError
from idlehands_deploy.operations import lifecycle, profiles
from idlehands_deploy.operations.state import snapshots, upgrade
from idlehands_deploy.state import trees, verbs
from idlehands_deploy.state.snapshots import delete
from idlehands_deploy.state.transaction import recover
from tests.support.engine import IMAGE, FakeEngine, with_fakes
from tests.support.fake_site import FakeSite
from tests.support.gateway_images import NEW, OLD, deep, image
from tests.support.site import fill, root_only
from tests.support.states import here, left_over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = root_only
# Of the small disk, and of what its gateway keeps; MB.
DISK, STATE = 8, 1


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSite]:
    """Main runs on a small disk, and has a snapshot of another state."""
    root = tmp_path / "bots"
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=0700", "tmpfs", root], check=True)
    try:
        engine = FakeEngine(None)
        engine.images_by_name = {OLD: IMAGE, NEW: image("2026.10.1")}
        site = FakeSite(root, engine, with_fakes(monkeypatch, engine))
        monkeypatch.setattr("idlehands_deploy.planning.guards.port_conflicts.listen_error", lambda *_: None)
        # It asks for a hundred megabytes more than a copy, for gateways that are larger than this one.
        monkeypatch.setattr(trees, "refuse_full_disk", lambda *_: None)
        deep(monkeypatch, lambda _: "ok")
        profiles.init(site.session, ["main"])
        lifecycle.up(site.session, ["main"], 5).usable()
        (root / "profiles/main/state/data").write_bytes(os.urandom(STATE << 20))
        snapshots.create(site.session, ["main"])
        (root / "profiles/main/state/data").write_bytes(os.urandom(STATE << 20))
        yield site
    finally:
        subprocess.run(["umount", root], check=True)


WORK: dict[str, Callable[[FakeSite], object]] = {
    "rollback": lambda site: snapshots.rollback(site.session, "main", None, 5),
    "upgrade": lambda site: upgrade.upgrade(site.session, ["main"], "2026.10.1", 5),
    "snapshot": lambda site: snapshots.create(site.session, ["main"]),
}


@pytest.mark.parametrize("work", WORK)
def test_a_disk_that_fills_up_at_any_step_loses_nothing(
    small: FakeSite, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    do, root = verbs.do, small.root
    was, before = dict(small.engine.there), here(small)
    step = -1
    while True:
        step += 1
        small.engine.there = dict(was)
        left = [step]

        def full(run: verbs.Run, how: verbs.How, left: list[int] = left) -> None:
            if left[0] == 0:
                fill(root, 2 * DISK)
            left[0] -= 1
            do(run, how)

        monkeypatch.setattr("idlehands_deploy.state.transaction.do", full)
        try:
            WORK[work](small)
        except DeployError as error:
            # What cannot be undone on a full disk is undone when there is space again.
            waits = isinstance(error, StateRefusedError) and "undoing it failed" in str(error)
            assert waits or here(small) == before or small.session.deployment.in_transaction, step
        (root / "filler").unlink(missing_ok=True)
        list(recover(small.session))
        assert left_over(small) == [], step
        if left[0] > 0 or here(small) != before:  # it got to its end
            break
        for made in snapshots.list_snapshots(small.session, ["main"])[1:]:
            delete(small.session.deployment, [made])
    assert step > 3
