"""What a gateway's own config says of its browsers: the ports that it pins, and the addresses of browsers elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idlehands_deploy.fleet.addresses import endpoint
from idlehands_deploy.fleet.ports import IMPLICIT_BROWSER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.gateway.config import GatewayConfig


def config_cdp_ports(config: GatewayConfig | None) -> Iterator[tuple[str, int, str]]:
    """The Chrome ports that a config pins: browser, port, key."""
    if config is None:
        return
    for name, browser in config.mappings("browser", "profiles"):
        if is_port(browser.get("cdpPort")) and browser.get("driver", "openclaw") in ("openclaw", "clawd"):
            yield name, browser["cdpPort"], f"browser.profiles.{name}.cdpPort"
    for key, url in config_cdp_urls(config):
        found = endpoint(config.reveal(url), loopback="itself")
        if found and found[0] == "itself" and not attaches(config, key):
            name = implicit_browser(config) if key == "browser.cdpUrl" else key.split(".")[2]
            yield name, found[1], key


def config_cdp_urls(config: GatewayConfig | None) -> Iterator[tuple[str, str]]:
    """The browsers elsewhere that a config names: key, address."""
    if config is None:
        return
    if isinstance(url := config.get("browser", "cdpUrl"), str) and url:
        yield "browser.cdpUrl", url
    for name, browser in config.mappings("browser", "profiles"):
        if isinstance(url := browser.get("cdpUrl"), str) and url:
            yield f"browser.profiles.{name}.cdpUrl", url


def attaches(config: GatewayConfig, key: str) -> bool:
    """Whether a gateway takes the address at this key for a browser that runs already, and starts none there."""
    profile = config.get(*key.split(".")[:-1]) if key != "browser.cdpUrl" else {}
    profile = profile if isinstance(profile, dict) else {}
    attach = profile.get("attachOnly", config.get("browser", "attachOnly"))
    return attach is True or profile.get("driver") == "existing-session"


def implicit_browser(config: GatewayConfig | None) -> str:
    """The browser that ``browser.cdpUrl`` speaks of."""
    name = config.get("browser", "defaultProfile") if config else None
    return name if isinstance(name, str) and name else IMPLICIT_BROWSER


def is_port(value: Any) -> bool:  # noqa: ANN401 - whatever a config holds
    """Whether this can be a TCP port."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536
