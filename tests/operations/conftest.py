from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.operations import profiles
from tests.support.engine import FakeEngine, with_fakes
from tests.support.fake_site import FakeSite

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSite:
    """Main and rescue, whose containers are not made yet."""
    engine = FakeEngine(None)
    fresh = FakeSite(tmp_path, engine, with_fakes(monkeypatch, engine))
    monkeypatch.setattr("idlehands_deploy.planning.guards.port_conflicts.listen_error", lambda *_: None)
    profiles.init(fresh.session, ["main", "rescue"])
    fresh.lines()
    return fresh
