"""The browsers in a gateway's config: names, keys and ports."""

from __future__ import annotations

import pytest

from idlehands_deploy.gateway.config import GatewayConfig
from idlehands_deploy.isolation.pins import config_cdp_ports


def pins(profile: dict[str, object], name: str = "a.b") -> list[tuple[str, int, str]]:
    return list(config_cdp_ports(GatewayConfig("c", {"browser": {"profiles": {name: profile}}})))


@pytest.mark.parametrize("setting", [{"attachOnly": True}, {"driver": "existing-session"}])
def test_a_browser_with_a_dot_in_its_name_that_only_attaches_pins_no_port(setting: dict[str, object]) -> None:
    assert pins({"cdpUrl": "http://127.0.0.1:9222"} | setting) == []


@pytest.mark.parametrize("setting", [{"cdpUrl": "http://127.0.0.1:9222"}, {"cdpPort": 9222}])
def test_a_browser_with_a_dot_in_its_name_has_its_whole_name_and_a_key_that_the_gateway_understands(
    setting: dict[str, object],
) -> None:
    (key,) = setting
    assert pins(setting) == [("a.b", 9222, f'browser.profiles["a.b"].{key}')]
    assert pins(setting, "work") == [("work", 9222, f"browser.profiles.work.{key}")]
