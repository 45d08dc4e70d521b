"""A config for a report: its structure, and only the texts at places that never contain a secret."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

# Keys separated by dots; ``*`` is any key or list item, ``**`` is everything below.
GATEWAY_CONFIG = (
    "gateway.mode", "gateway.bind", "gateway.port", "gateway.auth.mode", "gateway.reload.mode",
    "gateway.tailscale.mode", "gateway.controlUi.allowedOrigins.*", "gateway.trustedProxies.*",
    "browser.cdpUrl", "browser.color", "browser.defaultProfile", "browser.executablePath",
    "browser.profiles.*.cdpUrl", "browser.profiles.*.color", "browser.profiles.*.driver",
    "browser.profiles.*.executablePath", "agents.defaults.workspace", "agents.*.workspace", "agents.*.*.workspace",
    "logging.level", "logging.consoleLevel", "logging.consoleStyle", "meta.lastTouchedVersion", "meta.lastTouchedAt",
    "meta.version", "wizard.lastRunVersion", "update.channel",
)  # fmt: skip
FLEET_FILE = (
    "name", "image", "bind", "hosts.*", "proxies.*", "user", "profiles.*.rescues.*", "profiles.*.origins.*",
    "profiles.*.secrets.*", "profiles.*.browser.sandbox",
    "profiles.*.browser.profiles.*.cdp_url", "profiles.*.resources.*", "profiles.*.stop_grace_period",
    "profiles.*.environment.TZ", "profiles.*.environment.PUID", "profiles.*.environment.PGID",
    "devices.*", "profiles.*.devices.*", "dns.*", "profiles.*.dns.*",
)  # fmt: skip
COMPOSE_FILE = (
    "name", "services.*.image", "services.*.hostname", "services.*.user", "services.*.restart",
    "services.*.stop_grace_period", "services.*.logging.**", "services.*.tmpfs.*", "services.*.cap_drop.*",
    "services.*.security_opt.*", "services.*.mem_limit", "services.*.shm_size", "services.*.ports.*.*",
    "services.*.volumes.*.*", "services.*.secrets.*.*", "services.*.networks.*",
    "services.*.extra_hosts.*", "services.*.devices.*", "services.*.group_add.*", "services.*.dns.*", "secrets.*.file",
    "services.*.environment.IDLEHANDS_GATEWAY_PORT", "services.*.environment.IDLEHANDS_FORWARD_PORTS",
    "services.*.environment.IDLEHANDS_BROWSER_PROFILES", "services.*.environment.IDLEHANDS_BROWSER_SANDBOX",
    "services.*.environment.TZ", "services.*.environment.PUID", "services.*.environment.PGID",
)  # fmt: skip
# Configs also have people's phone numbers as keys; the gateway's own keys never look like one.
_KEY = r"[A-Za-z$_][A-Za-z_.-]{0,39}(?:\d{1,2}(?!\d)[A-Za-z_.-]{0,20}){0,2}"


def mask(value: Any, allowed: Iterable[str], names: Container[str] = ()) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The value with every text outside the allowed places replaced by ``<text, 17 characters>``.

    Booleans and numbers of up to seven digits stay; longer numbers may be phone numbers or ids. Addresses at allowed
    places keep only scheme, host and port. Keys that do not look like config keys are replaced too.

    Args:
        allowed: the places, such as GATEWAY_CONFIG.
        names: further keys that may be shown, such as profile names.
    """
    return _Mask([tuple(pattern.split(".")) for pattern in allowed], names).of(value, ())


def may_be_shown(path: tuple[str, ...], allowed: Iterable[str]) -> bool:
    """Whether ``mask`` shows the text at this place; list items are ``*``."""
    return any(_matches(path, tuple(pattern.split("."))) for pattern in allowed)


class _Mask:
    def __init__(self, allowed: Sequence[tuple[str, ...]], names: Container[str]) -> None:
        self._allowed = allowed
        self._names = names

    def of(self, value: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401
        if isinstance(value, dict):
            return self._of_mapping(value, path)
        if isinstance(value, list | tuple):
            return [self.of(item, (*path, "*")) for item in value]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return value if abs(value) < 10_000_000 else f"<number, {len(str(value))} digits>"
        text = str(value)
        if not any(_matches(path, pattern) for pattern in self._allowed):
            return f"<text, {len(text)} characters>" if text else ""
        return without_rest(text) if "://" in text else text

    def _of_mapping(self, value: dict[Any, Any], path: tuple[str, ...]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        alike: Counter[str] = Counter()
        for key, item in value.items():
            name = shown_key(str(key), self._names)
            alike[name] += 1
            number = f" {alike[name]}" if alike[name] > 1 else ""
            shown[name + number] = self.of(item, (*path, str(key)))
        return shown


def shown_key(key: str, names: Container[str] = ()) -> str:
    """A key as ``mask`` shows it: unchanged if it looks like a config key or is one of the names."""
    return key if key in names or re.fullmatch(_KEY, key) else f"<key, {len(key)} characters>"


def without_rest(address: str) -> str:
    """An address with only its scheme, host and port: any other part may contain a token."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return f"<text, {len(address)} characters>"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    rest = "/<removed>" if parts.path.strip("/") or parts.query or parts.fragment else ""
    return f"{parts.scheme}://{host}{port}{rest}"


def _matches(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    if pattern[-1] == "**":
        return len(path) >= len(pattern) and _matches(path[: len(pattern) - 1], pattern[:-1])
    return len(path) == len(pattern) and all(wanted in {"*", part} for part, wanted in zip(path, pattern, strict=True))
