"""The ways into a dashboard, on an engine that has no gateway."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import EngineFailedError, UsageError
from idlehands_deploy.host.network.reach import Address
from idlehands_deploy.operations import dashboard
from tests.support.containers import RUNNING

if TYPE_CHECKING:
    from tests.support.fake_site import FakeSite

ONCE = secrets.token_urlsafe(32)
SAID = json.dumps({"browserUrl": f"http://127.0.0.1:18789/#bootstrapToken={ONCE}"})


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "outside_addresses", lambda: [Address("192.168.1.5", "eth0")])


def test_the_link_is_for_this_host_and_the_others_are_for_other_computers(site: FakeSite) -> None:
    site.edit("bind: 127.0.0.1", "bind: 0.0.0.0")
    doors = dashboard.doors(site.session, "rescue")
    assert doors.link == f"http://127.0.0.1:19789/#token={dashboard.token(site.session, 'rescue')}"
    assert doors.access.pages == ["http://192.168.1.5:19789"]


def test_a_browser_elsewhere_gets_a_link_of_its_own_from_the_gateway(site: FakeSite) -> None:
    site.edit("bind: 127.0.0.1", "bind: 0.0.0.0")
    site.engine.becomes(RUNNING)
    site.engine.result = (0, SAID)
    (link,) = dashboard.pair(site.session, "main")
    assert link.startswith(f"http://192.168.1.5:18789/#bootstrapToken={ONCE}")
    assert "once, within 10 minutes" in site.lines()[0]


def test_a_gateway_that_is_too_slow_is_asked_again(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site.edit("bind: 127.0.0.1", "bind: 0.0.0.0")
    site.engine.becomes(RUNNING)
    said = iter(['{"ok": false, "reason": "request timed out"}', SAID])
    monkeypatch.setattr(site.engine, "run", lambda *_: (0, next(said)))
    assert len(dashboard.pair(site.session, "main")) == 1
    monkeypatch.setattr(site.engine, "run", lambda *_: (1, '{"ok": false, "reason": "request timed out"}'))
    with pytest.raises(EngineFailedError, match="request timed out"):
        dashboard.pair(site.session, "main")


def test_a_gateway_that_only_this_host_reaches_gives_no_link_for_others(site: FakeSite) -> None:
    with pytest.raises(UsageError, match="Only this host reaches main") as caught:
        dashboard.pair(site.session, "main")
    assert str(caught.value.remedy).endswith("idlehands-deploy url main")


def test_a_gateway_that_does_not_run_gives_no_link(site: FakeSite) -> None:
    site.edit("bind: 127.0.0.1", "bind: 0.0.0.0")
    with pytest.raises(UsageError, match="main does not run: no container"):
        dashboard.pair(site.session, "main")


def test_a_gateway_without_such_links_is_named_with_the_way_that_always_works(site: FakeSite) -> None:
    site.edit("bind: 127.0.0.1", "bind: 0.0.0.0")
    site.engine.becomes(RUNNING)
    site.engine.result = (1, "error: unknown option")
    with pytest.raises(EngineFailedError, match="main gave no link") as caught:
        dashboard.pair(site.session, "main")
    assert str(caught.value.remedy).endswith("idlehands-deploy exec main devices approve ID")
