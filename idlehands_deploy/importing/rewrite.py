"""The config of a native gateway: the paths in it, and the changes that a container needs."""

from __future__ import annotations

import copy
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from idlehands_deploy.contract import STATE_TARGET, WORKSPACE_TARGET
from idlehands_deploy.errors import Problem
from idlehands_deploy.fleet.addresses import is_loopback, url_host
from idlehands_deploy.fleet.ports import IMPLICIT_BROWSER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from idlehands_deploy.fleet.ports import ProfilePorts

Config = dict[str, Any]

# The drivers with which a gateway starts its own browser.
MANAGED_DRIVERS = {None, "openclaw", "clawd", "idlehands"}
# How a path on a host begins, unlike the path of a URL or a chat command.
_ROOTS = "bin|boot|data|dev|etc|home|lib|lib64|media|mnt|nix|opt|proc|root|run|sbin|srv|sys|tmp|usr|var|Users|Volumes"
_HOST_PATH = re.compile(rf"~(?=/|$)|/(?:{_ROOTS})(?=/|$)")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_SECTIONS = ("gateway", "gateway.auth", "agents", "agents.defaults", "agents.entries", "browser", "browser.profiles")


@dataclass(frozen=True)
class Move:
    """A directory of the native gateway, and its path in the container."""

    old: str
    new: str


@dataclass
class RewrittenConfig:
    """A config adapted for the container.

    Attributes:
        config: the new config; the given one is not changed.
        warnings: ``path: problem`` lines about settings that cannot work in the container.
        token: the gateway token that was removed from it.
    """

    config: Config
    warnings: list[Problem] = field(default_factory=list)
    token: str | None = None


def shape_problems(config: object) -> list[Problem]:
    """Why a parsed config is not the config of a gateway on this host."""
    if not isinstance(config, dict):
        return [Problem("", "must be an object")]
    problems = [Problem(path, "must be an object") for path in _SECTIONS if not isinstance(_at(config, path, {}), dict)]
    if not problems and _at(config, "gateway.mode", "local") == "remote":
        problems.append(Problem("gateway.mode", "is remote: this is only a client of a gateway on another machine"))
    return problems


def native_port(config: Config) -> int | None:
    """The base port in a config."""
    port = _at(config, "gateway.port", None)
    return port if isinstance(port, int) and not isinstance(port, bool) else None


def main_workspace(config: Config, home: str) -> str | None:
    """The workspace that agents share, else the first agent's own; None if the config names none."""
    agents = {name: entry for name, entry, _ in _agents(config)}
    first = _at(config, "agents.defaults.systemAgent.agentId", "main")
    if not isinstance(first, str):
        first = "main"
    if first not in agents and len(agents) == 1:
        (first,) = agents
    return _path(_at(config, "agents.defaults.workspace", None), home) or _path(
        agents.get(first, {}).get("workspace"), home
    )


def agent_workspaces(config: Config, home: str) -> dict[str, str]:
    """The workspaces of agents with their own, by agent id."""
    found = {name: _path(entry.get("workspace"), home) for name, entry, _ in _agents(config)}
    return {name: path for name, path in found.items() if path}


def fleet_browsers(config: Config) -> dict[str, dict[str, str]]:
    """The browser profiles for the fleet file: managed ones, and remote ones with their address."""
    browsers: dict[str, dict[str, str]] = {}
    for name, profile in _browser_profiles(config):
        if _is_managed(profile):
            browsers[name] = {}
        # In a container, loopback is the container itself; the fleet file refuses such an address.
        elif (url := _remote_url(profile)) and not _holds_credentials(url) and not is_loopback(url_host(url)):
            browsers[name] = {"cdp_url": url}
    if browsers.get(IMPLICIT_BROWSER) == {}:
        del browsers[IMPLICIT_BROWSER]
    return browsers


def rewrite(config: Config, moves: Sequence[Move], home: str, ports: ProfilePorts) -> RewrittenConfig:
    """Change what must be different in the container, and nothing else.

    Args:
        moves: the imported directories, in every spelling.
        home: what ``~`` means in this config.
    """
    result = RewrittenConfig(copy.deepcopy(config))
    _drop_empty_sections(result.config)
    _rewrite_gateway(result, ports)
    _rewrite_browser(result, ports)
    longest_first = sorted(moves, key=lambda move: len(move.old), reverse=True)
    result.config = _relocated(result, result.config, "", longest_first, home)
    if _at(result.config, "agents.defaults.workspace", None):
        result.config["agents"]["defaults"]["workspace"] = WORKSPACE_TARGET
    return result


def relocate(text: str, moves: Sequence[Move], home: str) -> str | None:
    """The path in the container of a native path; None if it was not imported.

    Args:
        moves: the longest ``old`` first.
    """
    path = _path(text, home)
    if path is None:
        return None
    for move in moves:
        if path == move.old or path.startswith(move.old.rstrip("/") + "/"):
            return move.new + path[len(move.old.rstrip("/")) :]
    return None


def state_moves(states: Sequence[str], workspaces: Sequence[str], others: Mapping[str, str]) -> list[Move]:
    """The new place of each directory.

    Args:
        states: the state directory, in every spelling.
        workspaces: the main workspace, in every spelling.
        others: further workspaces, each with its new name in the state directory.
    """
    return [
        *(Move(state, STATE_TARGET) for state in states),
        *(Move(workspace, WORKSPACE_TARGET) for workspace in workspaces),
        *(Move(old, f"{STATE_TARGET}/{name}") for old, name in others.items()),
    ]


def _drop_empty_sections(config: Config) -> None:
    """Remove the sections that are null: as if they were missing."""
    for path in _SECTIONS:
        above, _, key = path.rpartition(".")
        holder = _at(config, above, {}) if above else config
        if key in holder and holder[key] is None:
            del holder[key]


def _rewrite_gateway(result: RewrittenConfig, ports: ProfilePorts) -> None:
    gateway = result.config.setdefault("gateway", {})
    old = native_port(result.config)
    gateway.pop("port", None)  # the container's environment sets it, from the plan
    gateway.pop("customBindHost", None)
    gateway["bind"] = "lan"  # Docker forwards to the container's address, not to its loopback address
    gateway.setdefault("mode", "local")
    auth = gateway.setdefault("auth", {})
    if auth.get("mode", "token") == "none":
        auth["mode"] = "token"  # without a login the gateway listens on loopback only
    _take_token(result, auth)
    origins = _at(result.config, "gateway.controlUi.allowedOrigins", None)
    if isinstance(origins, list) and old is not None:
        gateway["controlUi"]["allowedOrigins"] = [_moved_origin(origin, old, ports.base) for origin in origins]


def _take_token(result: RewrittenConfig, auth: Config) -> None:
    token = auth.pop("token", None)
    if token is None or token == "":
        return
    if isinstance(token, str) and "${" not in token and token.isascii() and token.isprintable():
        result.token = token.strip() or None
        return
    result.warnings.append(
        Problem("gateway.auth.token", "is not plain text, so it was not imported: the profile gets a new token")
    )


def _moved_origin(origin: object, old: int, new: int) -> object:
    if not isinstance(origin, str):
        return origin
    try:
        parts = urlsplit(origin)
        local = parts.hostname in _LOOPBACK and parts.port == old
    except ValueError:
        return origin
    return re.sub(r":\d+(?=/|$)", f":{new}", origin) if local else origin


def _rewrite_browser(result: RewrittenConfig, ports: ProfilePorts) -> None:
    browser = result.config.setdefault("browser", {})
    browser["headless"] = True  # a container has no screen
    _drop_executable(result, browser, "browser")
    for name, profile in _browser_profiles(result.config):
        path = f"browser.profiles.{name}"
        _drop_executable(result, profile, path)
        url = _remote_url(profile)
        if _is_managed(profile):
            profile["cdpPort"] = ports.cdp[name]
        elif url is None or url_host(url) in _LOOPBACK:
            result.warnings.append(Problem(path, "uses a Chrome on this host, which the container cannot reach"))


def _drop_executable(result: RewrittenConfig, holder: Config, path: str) -> None:
    if executable := holder.pop("executablePath", None):
        result.warnings.append(
            Problem(f"{path}.executablePath", f"{executable} was removed: the container has its own Chromium")
        )


def _relocated(result: RewrittenConfig, value: Any, path: str, moves: Sequence[Move], home: str) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {
            key: _relocated(result, item, f"{path}.{key}" if path else key, moves, home) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_relocated(result, item, f"{path}.{index}", moves, home) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    if (moved := relocate(value, moves, home)) is not None:
        return moved
    if any(move.old in value for move in moves):
        result.warnings.append(Problem(path, "contains a path of the native gateway inside other text: check it"))
    elif _HOST_PATH.match(value) and not value.startswith((STATE_TARGET, WORKSPACE_TARGET)):
        result.warnings.append(Problem(path, f"{value} was not imported, so the container does not have it"))
    return value


def _agents(config: Config) -> Iterator[tuple[str, Config, str]]:
    """Every agent with its entry and the entry's path."""
    for name, entry in _at(config, "agents.entries", {}).items():
        if isinstance(entry, dict):
            yield name, entry, f"agents.entries.{name}"
    listed = _at(config, "agents.list", [])
    for index, entry in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(entry, dict):
            yield str(entry.get("id", index)), entry, f"agents.list.{index}"


def _browser_profiles(config: Config) -> list[tuple[str, Config]]:
    profiles = _at(config, "browser.profiles", {})
    return [(name, profile) for name, profile in profiles.items() if isinstance(profile, dict)]


def _is_managed(profile: Config) -> bool:
    return _has_managed_driver(profile) and not profile.get("cdpUrl") and not profile.get("attachOnly")


def _has_managed_driver(profile: Config) -> bool:
    driver = profile.get("driver")
    return (driver is None or isinstance(driver, str)) and driver in MANAGED_DRIVERS


def _remote_url(profile: Config) -> str | None:
    url = profile.get("cdpUrl")
    return url if isinstance(url, str) and _has_managed_driver(profile) else None


def _holds_credentials(url: str) -> bool:
    # The fleet file must not contain secrets.
    try:
        parts = urlsplit(url)
    except ValueError:  # nobody can say where it would hold them
        return True
    return bool("@" in parts.netloc or parts.query or parts.fragment)


def _path(text: object, home: str) -> str | None:
    """An absolute path without ``~`` and ``..``; None for anything else."""
    if not isinstance(text, str) or not re.match(r"~(/|$)|/", text):
        return None
    return posixpath.normpath(home + text[1:] if text.startswith("~") else text)


def _at(config: Config, path: str, default: Any) -> Any:  # noqa: ANN401 - JSON
    """The value at a path; the default if it is missing, or if a parent is not an object."""
    value: Any = config
    for key in path.split("."):
        if not isinstance(value, dict) or value.get(key) is None:
            return default
        value = value[key]
    return value
