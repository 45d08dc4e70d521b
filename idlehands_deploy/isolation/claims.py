"""What each gateway on this host claims: ports, browsers, bots and directories, each with the place that says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from idlehands_deploy.fleet.addresses import HOST, Endpoint, endpoint, is_loopback, url_host
from idlehands_deploy.fleet.ports import CDP_OFFSET, CONTROL_OFFSET
from idlehands_deploy.fleet.values import HIGHEST_BASE_PORT
from idlehands_deploy.isolation.bots import BOT_SECRET, Bot, config_bots
from idlehands_deploy.isolation.pins import browser_key, config_cdp_ports, config_cdp_urls, is_port
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from idlehands_deploy.fleet.additions import Mount
    from idlehands_deploy.fleet.model import Profile
    from idlehands_deploy.fleet.ports import ProfilePorts
    from idlehands_deploy.gateway.config import GatewayConfig

FLEET = "fleet.yaml"
RELAY_OFFSET = 10
LAST_CDP_OFFSET = 110
# The Chrome ports of a native gateway whose base port is too high for its own range.
FALLBACK_CDP = range(18800, 18900)


class PortClaim(NamedTuple):
    """A port that a gateway claims.

    Attributes:
        on_host: whether it is used on this host, or only inside a container.
        derived: whether it belongs to a range from which the gateway uses some ports when it needs them.
    """

    port: int
    purpose: str
    place: str
    on_host: bool = True
    derived: bool = False

    @property
    def is_private(self) -> bool:
        """Whether the plan keeps it inside its container."""
        return not self.on_host and self.place.startswith(FLEET)

    @property
    def is_certain(self) -> bool:
        """Whether it is always used on this host while the gateway runs."""
        return self.on_host and not self.derived

    @property
    def is_browser(self) -> bool:
        """Whether the gateway's own Chrome listens there."""
        return self.purpose.startswith("cdp ")


class Chrome(NamedTuple):
    """A browser that a gateway drives but does not start."""

    endpoint: Endpoint
    place: str


class Folder(NamedTuple):
    """A directory that only one gateway may use, with links resolved."""

    path: Path
    purpose: str
    place: str


@dataclass(frozen=True)
class Claims:
    """What one gateway on this host claims, in a container or native.

    Attributes:
        folders: its state and its workspace, then others.
        cdp: the planned port of each browser, by name.
        spare: a free port for a further browser.
        is_dormant: whether its files are on this host, but nothing starts it.
    """

    label: str
    ports: tuple[PortClaim, ...]
    chromes: tuple[Chrome, ...]
    folders: tuple[Folder, ...]
    bots: tuple[Bot, ...] = ()
    is_native: bool = False
    cdp: Mapping[str, int] = field(default_factory=dict)
    spare: int = 0
    is_dormant: bool = False


@dataclass(frozen=True)
class Setup:
    """One profile of the fleet with the content of its directory.

    Attributes:
        config: None if there is none yet.
        token: from its secret file; only compared, never shown.
        secrets: the values of its other secrets, by name; only compared, never shown.
        state: with links resolved; ``workspace`` too.
        mounts: further ones that a person added, with links of the host resolved.
    """

    name: str
    profile: Profile
    ports: ProfilePorts
    config: GatewayConfig | None
    token: str | None
    state: Path
    workspace: Path
    secrets: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()

    def in_fleet(self, key: str) -> str:
        """The name of a key in the fleet file, for messages."""
        return f"{FLEET}:profiles.{self.name}.{key}"

    def in_config(self, key: str) -> str:
        """The name of a key in this profile's config, for messages."""
        return f"{self.config.place}:{key}" if self.config else self.in_fleet(key)


@dataclass(frozen=True)
class Native:
    """A gateway installed on this host without a container.

    Attributes:
        place: its state directory, as a person writes it (``~/.openclaw``).
        base: its base port.
        port_place: where the port comes from: its config, its unit, its process, or its state directory by default.
        running: whether it is running.
        installed: whether a unit starts it.
    """

    place: str
    base: int
    port_place: str
    state: Path
    workspace: Path
    config: GatewayConfig | None = None
    running: bool = False
    installed: bool = False

    @property
    def ports(self) -> frozenset[int]:
        """Every port that it may use on this host."""
        return frozenset(claim.port for claim in native_ports(self))


def profile_claims(setup: Setup) -> Claims:
    """What a profile of the fleet claims."""
    return Claims(
        setup.name,
        (*_planned(setup), *_pinned(setup)),
        tuple(_profile_chromes(setup)),
        (
            Folder(setup.state, "state", f"profiles/{setup.name}/state"),
            Folder(setup.workspace, "workspace", f"profiles/{setup.name}/workspace"),
        ),
        bots=tuple(_profile_bots(setup)),
        cdp=setup.ports.cdp,
        spare=spare_port(setup),
    )


def spare_port(setup: Setup) -> int:
    """The lowest port in a gateway's range that neither the plan nor its config gives to a browser."""
    used = {*setup.ports.cdp.values(), *(port for _, port, _ in config_cdp_ports(setup.config))}
    first = setup.ports.base + CDP_OFFSET
    return next(port for port in range(first, first + len(used) + 1) if port not in used)


def native_claims(native: Native) -> Claims:
    """What a native gateway claims."""
    chromes = [
        Chrome(target, f"{native.config.place}:{found.key}")
        for found in config_cdp_urls(native.config)
        # At a loopback address the gateway starts its own Chrome, unless it only attaches.
        if native.config
        and (target := endpoint(native.config.reveal(found.url), loopback=HOST))
        and (not is_loopback(url_host(native.config.reveal(found.url))) or found.attaches)
    ]
    folders = (
        Folder(native.state, "state", native.place),
        Folder(native.workspace, "workspace", f"the workspace of {native.place}"),
    )
    return Claims(
        f"{native.place} (native)", tuple(native_ports(native)), tuple(chromes), folders,
        bots=tuple(config_bots(native.config)),
        is_native=True, is_dormant=not native.running and not native.installed,
    )  # fmt: skip


def native_ports(native: Native) -> Iterator[PortClaim]:
    """The ports of a native gateway: its base port, and all that it derives from it."""
    base, place = native.base, native.port_place
    yield PortClaim(base, "gateway", place)
    yield PortClaim(base + CONTROL_OFFSET, "browser control", place)
    yield PortClaim(base + RELAY_OFFSET, "extension relay", place)
    derived = range(base + CDP_OFFSET, base + LAST_CDP_OFFSET + 1)
    for port in derived if base <= HIGHEST_BASE_PORT else FALLBACK_CDP:
        yield PortClaim(port, "CDP range", place, derived=True)
    for name, port, key in config_cdp_ports(native.config):
        if native.config:
            yield PortClaim(port, f"cdp {name}", f"{native.config.place}:{key}")


def config_command(verb: str, profile: str, *arguments: str) -> Remedy:
    """The command that changes a profile's config; it says itself what takes effect when.

    Args:
        verb: set or unset.
    """
    return Remedy(ours("config", verb, profile, *arguments))


def set_port(profile: str, key: str, port: int) -> Remedy:
    """The command that sets a browser's port, under the key that its config uses."""
    return config_command("set", profile, key, f"http://127.0.0.1:{port}" if key.endswith("cdpUrl") else str(port))


def _planned(setup: Setup) -> Iterator[PortClaim]:
    place = setup.in_fleet("port") if setup.profile.port else f"{FLEET}:base_port"
    published = {port.port for port in setup.ports.published}
    for port in setup.ports.published:
        yield PortClaim(port.port, port.purpose, place)
    for browser, cdp in setup.ports.cdp.items():
        if cdp not in published:
            yield PortClaim(cdp, f"cdp {browser}", place, on_host=False)


def _pinned(setup: Setup) -> Iterator[PortClaim]:
    """Ports in the config that differ from the plan."""
    if setup.config is None:
        return
    port = setup.config.get("gateway", "port")
    if is_port(port) and port != setup.ports.base:
        yield PortClaim(port, "gateway", setup.in_config("gateway.port"), on_host=False)
    for name, cdp, key in config_cdp_ports(setup.config):
        if setup.ports.cdp.get(name) != cdp:
            yield PortClaim(cdp, f"cdp {name}", setup.in_config(key), on_host=False)


def _profile_chromes(setup: Setup) -> Iterator[Chrome]:
    in_config = list(config_cdp_urls(setup.config))
    for found in in_config:
        if setup.config and (target := endpoint(setup.config.reveal(found.url))):
            yield Chrome(target, setup.in_config(found.key))
    keys = {found.key for found in in_config}
    for name, browser in setup.profile.browser.profiles.items():
        # The config overrides the fleet file: a browser in both is one browser.
        if browser.cdp_url and browser_key(name, "cdpUrl") not in keys and (target := endpoint(browser.cdp_url)):
            yield Chrome(target, setup.in_fleet(f"browser.profiles.{name}.cdp_url"))


def _profile_bots(setup: Setup) -> Iterator[Bot]:
    for name, value in setup.secrets.items():
        if BOT_SECRET.search(name) and value:
            yield Bot(value, f"secrets/{setup.name}/{name}")
    yield from config_bots(setup.config)
