"""The first config of a new gateway, with which it becomes ready without credentials."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from idlehands_deploy.fleet.addresses import HOST, HOST_ADDRESS, is_private, url_host
from idlehands_deploy.fleet.ports import IMPLICIT_BROWSER

if TYPE_CHECKING:
    from idlehands_deploy.fleet.model import Profile
    from idlehands_deploy.fleet.ports import ProfilePorts


def initial_config(profile: Profile, ports: ProfilePorts) -> str:
    """The first config of a gateway, as JSON; later only the person and the gateway change it.

    Port, token and workspace are not in it: the container's environment sets them. The gateway allows its own origin
    by itself, as long as the port inside the container equals the published port.
    """
    config: dict[str, Any] = {
        "gateway": {"mode": "local", "bind": "lan", "auth": {"mode": "token"}},
        "browser": {"headless": True, **_browsers(profile, ports)},
    }
    return json.dumps(config, indent=2) + "\n"


def _browsers(profile: Profile, ports: ProfilePorts) -> dict[str, Any]:
    managed = {name: {"cdpPort": port} for name, port in ports.cdp.items() if name != IMPLICIT_BROWSER}
    urls = {name: item.cdp_url for name, item in profile.browser.profiles.items() if item.cdp_url}
    config: dict[str, Any] = {}
    if managed or urls:
        config["profiles"] = managed | {name: {"cdpUrl": _config_url(url)} for name, url in urls.items()}
    # Without this the gateway (2026.9.6) reports a Chrome on a private network as unreachable.
    if private := sorted({_config_host(host) for url in urls.values() if is_private(host := url_host(url))}):
        config["ssrfPolicy"] = {"allowedHostnames": private}
    return config


def literal(text: str) -> str:
    """A text as it stands in a config, in which the gateway would replace ``${NAME}`` by a variable's value."""
    return re.sub(r"\$\{[A-Z_][A-Z0-9_]*\}", r"$\g<0>", text)


def _config_url(url: str) -> str:
    """An address as it stands in a config."""
    host = re.match(rf"(\w+://(?:[^/?#]*@)?){re.escape(HOST)}(?=[:/?#]|\Z)", url, re.IGNORECASE)
    # Chrome rejects requests to a host name, so the host's own becomes its address.
    return literal(host[1]) + HOST_ADDRESS + literal(url[host.end() :]) if host else literal(url)


def _config_host(host: str) -> str:
    return HOST_ADDRESS if host == HOST else literal(host)
