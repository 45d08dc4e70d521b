"""The browsers in a gateway's own config: the ports that it pins, and the addresses of browsers elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from idlehands_deploy.fleet.addresses import endpoint
from idlehands_deploy.fleet.ports import IMPLICIT_BROWSER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from idlehands_deploy.gateway.config import GatewayConfig


class CdpUrl(NamedTuple):
    """The address of a browser in a config.

    Attributes:
        browser: the browser's name.
        key: the config key that holds the address.
        attaches: whether the gateway attaches to a running browser there, and never starts one.
    """

    browser: str
    key: str
    url: str
    attaches: bool


def config_cdp_ports(config: GatewayConfig | None) -> Iterator[tuple[str, int, str]]:
    """The Chrome ports that a config pins: browser, port, key."""
    if config is None:
        return
    for name, browser in config.mappings("browser", "profiles"):
        if is_port(browser.get("cdpPort")) and browser.get("driver", "openclaw") in ("openclaw", "clawd"):
            yield name, browser["cdpPort"], browser_key(name, "cdpPort")
    for found in config_cdp_urls(config):
        target = endpoint(config.reveal(found.url), loopback="itself")
        if target and target[0] == "itself" and not found.attaches:
            yield found.browser, target[1], found.key


def config_cdp_urls(config: GatewayConfig | None) -> Iterator[CdpUrl]:
    """The addresses of browsers in a config."""
    if config is None:
        return
    if isinstance(url := config.get("browser", "cdpUrl"), str) and url:
        yield CdpUrl(implicit_browser(config), "browser.cdpUrl", url, _attaches(config, {}))
    for name, browser in config.mappings("browser", "profiles"):
        if isinstance(url := browser.get("cdpUrl"), str) and url:
            yield CdpUrl(name, browser_key(name, "cdpUrl"), url, _attaches(config, browser))


def browser_key(name: str, setting: str) -> str:
    """The key of a browser's setting, as the gateway's own `config set` reads it: a name with a dot is quoted."""
    return f"browser.profiles[{json.dumps(name)}].{setting}" if "." in name else f"browser.profiles.{name}.{setting}"


def _attaches(config: GatewayConfig, browser: Mapping[str, Any]) -> bool:
    attach = browser.get("attachOnly", config.get("browser", "attachOnly"))
    return attach is True or browser.get("driver") == "existing-session"


def implicit_browser(config: GatewayConfig | None) -> str:
    """The name of the browser at ``browser.cdpUrl``."""
    name = config.get("browser", "defaultProfile") if config else None
    return name if isinstance(name, str) and name else IMPLICIT_BROWSER


def is_port(value: Any) -> bool:  # noqa: ANN401 - whatever a config holds
    """Whether a value is a valid TCP port."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536
