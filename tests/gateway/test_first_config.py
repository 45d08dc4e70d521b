from __future__ import annotations

import json

import pytest

from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.gateway.first_config import initial_config
from tests.support.helpers import fleet


def config(profile: str) -> str:
    written = fleet(f"profiles: {{main: {profile}}}")
    return initial_config(written.profiles["main"], plan_ports(written).profiles["main"])


def test_a_new_gateway_s_config_reads_like_this() -> None:
    assert config("") == (
        """\
{
  "gateway": {
    "mode": "local",
    "bind": "lan",
    "auth": {
      "mode": "token"
    }
  },
  "browser": {
    "headless": true
  }
}
"""
    )


def test_browsers_get_the_ports_of_the_plan_and_remote_browsers_their_address() -> None:
    browsers = "{browser: {profiles: {work: , far: {cdp_url: 'http://10.0.0.42:9222'}}}}"
    assert config(browsers).endswith(
        """\
  "browser": {
    "headless": true,
    "profiles": {
      "work": {
        "cdpPort": 18801
      },
      "far": {
        "cdpUrl": "http://10.0.0.42:9222"
      }
    },
    "ssrfPolicy": {
      "allowedHostnames": [
        "10.0.0.42"
      ]
    }
  }
}
"""
    )


@pytest.mark.parametrize(
    ("given", "written", "allowed"),
    [
        ("http://host.docker.internal:9222", "http://${HOST_GATEWAY_ADDRESS}:9222", ["${HOST_GATEWAY_ADDRESS}"]),
        ("http://u@Host.Docker.Internal/x", "http://u@${HOST_GATEWAY_ADDRESS}/x", ["${HOST_GATEWAY_ADDRESS}"]),
        ("http://host.docker.internal.example.com/", "http://host.docker.internal.example.com/", None),
        # The gateway would send the value of a variable there.
        ("http://h.example.com?key=${A_KEY}", "http://h.example.com?key=$${A_KEY}", None),
        ("http://h.example.com?key=$${A_KEY}", "http://h.example.com?key=$$${A_KEY}", None),
        ("http://h.example.com?price=$5", "http://h.example.com?price=$5", None),
        ("http://${HOST_GATEWAY_ADDRESS}:1", "http://$${HOST_GATEWAY_ADDRESS}:1", ["$${HOST_GATEWAY_ADDRESS}"]),
        ("ws://desk:9222/devtools", "ws://desk:9222/devtools", ["desk"]),
        ("wss://chrome.example.com?token=1", "wss://chrome.example.com?token=1", None),
    ],
)
def test_a_chrome_elsewhere_is_written_so_that_the_gateway_reaches_it(
    given: str, written: str, allowed: list[str] | None
) -> None:
    browser = json.loads(config(f"{{browser: {{profiles: {{far: {{cdp_url: '{given}'}}}}}}}}"))["browser"]
    assert browser["profiles"]["far"]["cdpUrl"] == written
    assert browser.get("ssrfPolicy", {}).get("allowedHostnames") == allowed
