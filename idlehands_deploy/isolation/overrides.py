"""Where a person's own gateway config differs from the plan, key by key."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from idlehands_deploy.contract import TOKEN_SECRET
from idlehands_deploy.findings import Finding
from idlehands_deploy.fleet.addresses import HOST, HOST_ADDRESS, endpoint, is_loopback, is_private, url_host
from idlehands_deploy.fleet.ports import CONTROL_OFFSET, IMPLICIT_BROWSER
from idlehands_deploy.isolation.claims import RELAY_OFFSET, config_command, set_port, spare_port
from idlehands_deploy.isolation.paths import check_environment, check_paths
from idlehands_deploy.isolation.pins import browser_key, config_cdp_ports, config_cdp_urls, implicit_browser, is_port
from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.gateway.config import GatewayConfig
    from idlehands_deploy.isolation.claims import Setup

# Binds under which a gateway in a container cannot or can be reached; without one it detects the container.
# (Tuples, because a config can contain values that no set can.)
UNREACHABLE_BINDS = ("loopback", "tailnet")
REACHABLE_BINDS = (None, "lan", "auto", "custom")
ANY_HOST = (None, "", "0.0.0.0")  # noqa: S104 - read, not bound


def check_overrides(setup: Setup) -> Iterator[Finding]:
    """Every key in a profile's config that contradicts the plan or the mounts."""
    yield from check_environment(setup)
    config = setup.config
    if config is None:
        return
    if config.unreadable:
        root = setup.state.parent.parent.parent
        yield Finding(
            "warning", config.place, f"you may not read it: {config.unreadable}",
            "differences from the plan cannot be found",
            Remedy.run("-C", str(root), "doctor", as_root=True),
        )  # fmt: skip
        return
    for flaw in config.flaws:
        yield Finding(
            "error", config.place, flaw,
            "the gateway does not start with it",
            Remedy.run("config", "edit", setup.name),
        )  # fmt: skip
    if config.flaws and not config.values:
        return
    yield from _check_gateway(setup, config)
    yield from _check_auth(setup, config)
    yield from _check_browsers(setup, config)
    yield from check_missing_browsers(setup, config)
    yield from _check_addresses(setup, config)
    yield from check_paths(setup, config)


def _check_gateway(setup: Setup, config: GatewayConfig) -> Iterator[Finding]:
    base = setup.ports.base
    port = config.get("gateway", "port")
    if port is not None and not is_port(port):
        yield _refused(setup, "gateway.port", "is not a port", _set(setup, "gateway.port", str(base)))
    elif port not in {None, base}:
        yield Finding(
            "warning", setup.in_config("gateway.port"),
            f"is {port}, but {setup.in_fleet('port')} is {base}",
            "the container's IDLEHANDS_GATEWAY_PORT overrides it: the gateway listens on the port of the plan",
            _unset(setup, "gateway.port").then(f"   (or write `port: {port}` in fleet.yaml)"),
        )  # fmt: skip
    mode = config.get("gateway", "mode")
    if mode != "local" and not (mode is None and config.flaws):
        what = "is missing" if mode is None else "is not local"
        yield _refused(setup, "gateway.mode", what, _set(setup, "gateway.mode", "local"))
    bind, host = config.get("gateway", "bind"), config.get("gateway", "customBindHost")
    if bind in UNREACHABLE_BINDS:
        yield _unreachable(setup, "gateway.bind", f"is {bind!r}", _set(setup, "gateway.bind", "lan"))
    elif bind not in REACHABLE_BINDS:
        yield _refused(setup, "gateway.bind", "is not a valid bind", _set(setup, "gateway.bind", "lan"))
    elif bind == "custom" and host not in ANY_HOST:
        yield _unreachable(setup, "gateway.customBindHost", f"is {host!r}", _set(setup, "gateway.bind", "lan"))
    if config.get("gateway", "tailscale", "mode") in ("serve", "funnel"):
        fix = _set(setup, "gateway.tailscale.mode", "off")
        yield _unreachable(setup, "gateway.tailscale.mode", "makes the gateway listen on loopback only", fix)
    if config.get("gateway", "tls", "enabled") is True:
        yield Finding(
            "warning", setup.in_config("gateway.tls.enabled"), "is on",
            "this tool and the container's health check use plain HTTP, and get no response",
            _set(setup, "gateway.tls.enabled", "false").then("   (and use a reverse proxy for TLS)"),
        )  # fmt: skip


def _check_auth(setup: Setup, config: GatewayConfig) -> Iterator[Finding]:
    mode, token = config.get("gateway", "auth", "mode"), config.get("gateway", "auth", "token")
    password = config.get("gateway", "auth", "password")
    if mode is None and password and not token:
        mode = "password"
    if mode not in (None, "token"):
        yield Finding(
            # A person's own proxy may check who connects.
            "note" if mode == "trusted-proxy" else "warning",
            setup.in_config("gateway.auth.mode"), f"is {mode!r}",
            f"`url` and `token` show the token in secrets/{setup.name}/{TOKEN_SECRET}, which then does not work",
            _set(setup, "gateway.auth.mode", "token").then("   (removes gateway.auth.password)" if password else ""),
        )  # fmt: skip
    if isinstance(token, str) and setup.token is not None and token != setup.token and "${" not in token:
        yield Finding(
            "error", setup.in_config("gateway.auth.token"), f"is not the token in secrets/{setup.name}/{TOKEN_SECRET}",
            "the config overrides it: `url` and `token` show the wrong one, and browser control rejects it",
            _unset(setup, "gateway.auth.token"),
        )  # fmt: skip


def _check_browsers(setup: Setup, config: GatewayConfig) -> Iterator[Finding]:
    pinned = {name: (port, key) for name, port, key in config_cdp_ports(config)}
    base = setup.ports.base
    own = {base: "the gateway", base + CONTROL_OFFSET: "browser control", base + RELAY_OFFSET: "the extension relay"}
    yield from _check_pins(setup, config)
    for name, (port, key) in pinned.items():
        planned = setup.ports.cdp.get(name)
        if port in own:
            yield Finding(
                "error", setup.in_config(key), f"is {port}, which {own[port]} uses",
                "this browser does not start",
                set_port(setup.name, key, planned or spare_port(setup)),
            )  # fmt: skip
        elif planned and port != planned:
            yield Finding(
                "error", setup.in_config(key), f"is {port}, but the port plan has {planned}",
                f"nothing listens on {planned} on this host, and {port} is not published",
                set_port(setup.name, key, planned),
            )  # fmt: skip


def check_missing_browsers(setup: Setup, config: GatewayConfig) -> Iterator[Finding]:
    """The fleet file's browsers that an older config does not have."""
    named = dict(config.mappings("browser", "profiles"))
    urls = {item.key for item in config_cdp_urls(config)}
    for name, browser in setup.profile.browser.profiles.items():
        if browser.cdp_url is None:
            is_missing = name not in named and name != IMPLICIT_BROWSER
            fix = _set(setup, browser_key(name, "cdpPort"), str(setup.ports.cdp[name]))
        else:
            key = browser_key(name, "cdpUrl")
            is_missing, fix = key not in urls, _set(setup, key, "<the cdp_url>")
        if is_missing:
            yield Finding(
                "warning", setup.in_fleet(f"browser.profiles.{name}"), f"{config.place} does not have this browser",
                "it has no effect: the fleet file sets only the browsers of a new profile", fix,
            )  # fmt: skip


def _check_pins(setup: Setup, config: GatewayConfig) -> Iterator[Finding]:
    """Browsers that a gateway would start, but without a valid port in the config."""
    for name, browser in config.mappings("browser", "profiles"):
        key, port = browser_key(name, "cdpPort"), browser.get("cdpPort")
        managed = browser.get("driver", "openclaw") in ("openclaw", "clawd")
        if not is_port(port) and (port is not None or (managed and not browser.get("cdpUrl"))):
            wanted = setup.ports.cdp.get(name) or spare_port(setup)
            what = "is missing, and so is a cdpUrl" if port is None else "is not a port"
            yield _refused(setup, key, what, _set(setup, key, str(wanted)))


def _check_addresses(setup: Setup, config: GatewayConfig) -> Iterator[Finding]:
    found = list(config_cdp_urls(config))
    urls = {item.key: item.url for item in found}
    own = {*setup.ports.cdp.values(), *(port for _, port, _ in config_cdp_ports(config))}
    for _, key, url, attaches in found:
        # At a loopback address a gateway starts its own Chrome, unless it only attaches.
        local = endpoint(config.reveal(url), loopback="container")
        if local and local[0] == "container" and attaches and local[1] not in own:
            yield Finding(
                "error", setup.in_config(key), f"{url_host(url) or 'its host'} is the container itself, not this host",
                f"no Chrome listens on port {local[1]} in the container",
                Remedy(f"for a Chrome on this host write {HOST_ADDRESS}; it must listen on the host's Docker address"),
            )  # fmt: skip
        if url_host(url) == HOST:
            yield Finding(
                "note", setup.in_config(key), f"uses the host name {HOST} for its Chrome",
                "Chrome itself accepts only addresses; a proxy in front of it may accept names",
                Remedy(f"write {HOST_ADDRESS} instead, which the container sets"),
            )  # fmt: skip
    yield from _check_private(setup, config, urls)
    for name, browser in setup.profile.browser.profiles.items():
        key = browser_key(name, "cdpUrl")
        if browser.cdp_url is None:
            continue
        if key in urls and endpoint(urls[key]) != endpoint(browser.cdp_url):
            yield Finding(
                "warning", setup.in_config(key),
                f"is not the Chrome in {setup.in_fleet(f'browser.profiles.{name}.cdp_url')}",
                "the gateway uses the one in its config",
                Remedy("write the same address in both"),
            )  # fmt: skip
    if "browser.cdpUrl" in urls and implicit_browser(config) in setup.profile.browser.profiles:
        yield Finding(
            "warning", setup.in_config("browser.cdpUrl"),
            f"sets {implicit_browser(config)}, which {setup.in_fleet('browser.profiles')} sets too",
            "the gateway's version decides which of the two it uses",
            _unset(setup, "browser.cdpUrl"),
        )  # fmt: skip


def _check_private(setup: Setup, config: GatewayConfig, urls: dict[str, str]) -> Iterator[Finding]:
    """Browsers on a private network that the config does not allow."""
    policy = config.get("browser", "ssrfPolicy")
    policy = policy if isinstance(policy, dict) else {}
    if policy.get("dangerouslyAllowPrivateNetwork") is True or policy.get("allowPrivateNetwork") is True:
        return
    given = policy.get("allowedHostnames")
    allowed = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    hosts = {key: url_host(url) for key, url in urls.items()}
    missing = {key: host for key, host in hosts.items() if is_private(host) and not _is_allowed(host, allowed)}
    names = json.dumps([*allowed, *sorted(set(missing.values()))])
    for key, host in missing.items():
        yield Finding(
            "warning", setup.in_config(key), f"{host} is on a private network, which the config does not allow",
            "the gateway reports such a browser as unreachable",
            _set(setup, "browser.ssrfPolicy.allowedHostnames", names),
        )  # fmt: skip


def _is_allowed(host: str, allowed: list[str]) -> bool:
    return is_loopback(host) or any(fnmatchcase(host.lower(), name.lower()) for name in allowed)


def _refused(setup: Setup, key: str, what: str, fix: Remedy) -> Finding:
    return Finding("error", setup.in_config(key), what, "the gateway does not start with it, or ignores it", fix)


def _unreachable(setup: Setup, key: str, what: str, fix: Remedy) -> Finding:
    return Finding(
        "error", setup.in_config(key), what,
        "the gateway then listens only inside its container, and its published port does not respond",
        fix,
    )  # fmt: skip


def _unset(setup: Setup, key: str) -> Remedy:
    return config_command("unset", setup.name, key)


def _set(setup: Setup, key: str, value: str) -> Remedy:
    return config_command("set", setup.name, key, value)
