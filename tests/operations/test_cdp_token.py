"""The token of a profile's CDP ports: who makes it, who replaces it, who asks with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.contract import CDP_TOKEN_SECRET, TOKEN_SECRET
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.gateway.probe import Answer, GatewayProbe
from idlehands_deploy.health import observe
from idlehands_deploy.operations import dashboard, lifecycle

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.deployment.look import Look
    from tests.support.fake_site import FakeSite


def file(site: FakeSite, name: str = CDP_TOKEN_SECRET) -> Path:
    return site.root / "secrets" / "main" / name


def look(site: FakeSite) -> Look:
    fleet = site.session.fleet()
    return take_look(site.session, fleet, plan_ports(fleet))


def test_a_rotation_replaces_it_with_the_gateway_s_own(site: FakeSite) -> None:
    names = (TOKEN_SECRET, CDP_TOKEN_SECRET)
    before = [file(site, name).read_text() for name in names]
    dashboard.rotate_token(site.session, "main", 1)
    now = [file(site, name).read_text() for name in names]
    assert len({*before, *now}) == 4


@pytest.mark.parametrize("cdp", ["open", "false"])
def test_it_is_not_made_where_no_port_asks_for_it(site: FakeSite, cdp: str) -> None:
    file(site).unlink()
    site.edit("main: {}", f"main: {{publish: {{cdp: {cdp}}}}}")
    lifecycle.up(site.session, ["main"], 5).usable()
    dashboard.rotate_token(site.session, "main", 5)
    assert not file(site).exists()


def test_up_makes_it_for_a_profile_that_has_none_yet_and_says_so(site: FakeSite) -> None:
    file(site).unlink()
    lifecycle.up(site.session, ["main"], 5).usable()
    assert "main: CDP token created, because there is none" in site.lines()
    assert len(file(site).read_text().strip()) == 64


def test_the_browsers_are_asked_with_it(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "make_probe", lambda _, *tokens: tokens)
    seen: Any = observe.Observer(look(site)).probe("main", None)
    assert seen == tuple(file(site, name).read_text().strip() for name in (TOKEN_SECRET, CDP_TOKEN_SECRET))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(200), {"openclaw": "running"}),
        (Answer(None), {"openclaw": "off"}),
        (Answer(None, silent=True), {"openclaw": "frozen"}),
        (Answer(401), {}),
    ],
    ids=["running", "off", "frozen", "another token"],
)
def test_nothing_is_said_of_a_browser_whose_port_knows_another_token(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch, answer: Answer, told: dict[str, str]
) -> None:
    lifecycle.up(site.session, ["main"], 5).usable()
    monkeypatch.setattr(GatewayProbe, "ask_browsers", lambda *_: {"openclaw": answer})
    assert observe.observe(look(site), ["main"], details=True)[0].browsers == told
