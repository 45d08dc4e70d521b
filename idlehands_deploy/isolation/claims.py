"""What each gateway on this host takes for itself: ports, remote browsers and directories, with where it says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from idlehands_deploy.fleet.addresses import HOST, Endpoint, endpoint, is_loopback, url_host
from idlehands_deploy.fleet.ports import CDP_OFFSET, CONTROL_OFFSET
from idlehands_deploy.fleet.values import HIGHEST_BASE_PORT
from idlehands_deploy.isolation.bots import BOT_SECRET, Account, config_accounts
from idlehands_deploy.isolation.pins import browser_key, config_cdp_ports, config_cdp_urls, is_port
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from idlehands_deploy.fleet.model import Profile
    from idlehands_deploy.fleet.ports import ProfilePorts
    from idlehands_deploy.gateway.config import GatewayConfig

FLEET = "fleet.yaml"
RELAY_OFFSET = 10
LAST_CDP_OFFSET = 110
# Where a native gateway looks for its Chrome ports when its base port is too high for its own range.
FALLBACK_CDP = range(18800, 18900)


class Claim(NamedTuple):
    """A port that a gateway means to have.

    Attributes:
        on_host: whether it is taken on this host, or only named in a config that a container keeps to itself.
        derived: whether it is one of a range of which the gateway takes some when it needs them.
    """

    port: int
    purpose: str
    place: str
    on_host: bool = True
    derived: bool = False

    @property
    def is_private(self) -> bool:
        """Whether the plan knows that it stays in its container."""
        return not self.on_host and self.place.startswith(FLEET)

    @property
    def is_certain(self) -> bool:
        """Whether it is taken on this host whenever the gateway runs."""
        return self.on_host and not self.derived

    @property
    def is_browser(self) -> bool:
        """Whether a Chrome of the gateway's own listens there."""
        return self.purpose.startswith("cdp ")


class Chrome(NamedTuple):
    """A browser elsewhere that a gateway drives."""

    endpoint: Endpoint
    place: str


class Folder(NamedTuple):
    """A directory that belongs to one gateway alone, with links resolved."""

    path: Path
    purpose: str
    place: str


@dataclass(frozen=True)
class Member:
    """One gateway of this host, in a container or native.

    Attributes:
        cdp: the port that each of its browsers should have, for those of the plan.
        spare: a port that another browser of its can have.
        is_dormant: whether its files lie here, and nothing starts it.
    """

    label: str
    claims: tuple[Claim, ...]
    chromes: tuple[Chrome, ...]
    folders: tuple[Folder, ...]
    accounts: tuple[Account, ...] = ()
    is_native: bool = False
    cdp: Mapping[str, int] = field(default_factory=dict)
    spare: int = 0
    is_dormant: bool = False


@dataclass(frozen=True)
class Setup:
    """One profile of the fleet with what lies in its directory.

    Attributes:
        config: None where there is none yet.
        token: of its secret file; only compared, never shown.
        secrets: the values of its other secrets, by name; as ``token`` is.
        state: resolved, as ``workspace`` is.
    """

    name: str
    profile: Profile
    ports: ProfilePorts
    config: GatewayConfig | None
    token: str | None
    state: Path
    workspace: Path
    secrets: Mapping[str, str] = field(default_factory=dict)

    def in_fleet(self, key: str) -> str:
        """How messages name a key of this profile in the fleet file."""
        return f"{FLEET}:profiles.{self.name}.{key}"

    def in_config(self, key: str) -> str:
        """How messages name a key of this profile's config."""
        return f"{self.config.place}:{key}" if self.config else self.in_fleet(key)


@dataclass(frozen=True)
class Native:
    """A gateway installed on this host without a container.

    Attributes:
        place: its state directory, as a person writes it (``~/.openclaw``).
        base: its base port.
        port_place: what says so: its config, its unit, its process, or that nothing does.
        running: whether it runs now.
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
        """Every port that it can take on this host."""
        return frozenset(claim.port for claim in native_claims(self))


def profile_member(setup: Setup) -> Member:
    """What a profile of the fleet takes."""
    return Member(
        setup.name,
        (*_planned(setup), *_pinned(setup)),
        tuple(_profile_chromes(setup)),
        (
            Folder(setup.state, "state", f"profiles/{setup.name}/state"),
            Folder(setup.workspace, "workspace", f"profiles/{setup.name}/workspace"),
        ),
        accounts=tuple(_profile_accounts(setup)),
        cdp=setup.ports.cdp,
        spare=spare_port(setup),
    )


def spare_port(setup: Setup) -> int:
    """The lowest port of a gateway's own range that neither the plan nor its config gives to a browser."""
    used = {*setup.ports.cdp.values(), *(port for _, port, _ in config_cdp_ports(setup.config))}
    first = setup.ports.base + CDP_OFFSET
    return next(port for port in range(first, first + len(used) + 1) if port not in used)


def native_member(native: Native) -> Member:
    """What a native gateway takes."""
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
    return Member(
        f"{native.place} (native)", tuple(native_claims(native)), tuple(chromes), folders,
        accounts=tuple(config_accounts(native.config)),
        is_native=True, is_dormant=not native.running and not native.installed,
    )  # fmt: skip


def native_claims(native: Native) -> Iterator[Claim]:
    """The ports of a native gateway: its base and all that it derives from it."""
    base, place = native.base, native.port_place
    yield Claim(base, "gateway", place)
    yield Claim(base + CONTROL_OFFSET, "browser control", place)
    yield Claim(base + RELAY_OFFSET, "extension relay", place)
    derived = range(base + CDP_OFFSET, base + LAST_CDP_OFFSET + 1)
    for port in derived if base <= HIGHEST_BASE_PORT else FALLBACK_CDP:
        yield Claim(port, "CDP range", place, derived=True)
    for name, port, key in config_cdp_ports(native.config):
        if native.config:
            yield Claim(port, f"cdp {name}", f"{native.config.place}:{key}")


def config_command(profile: str, *arguments: str) -> Remedy:
    """The gateway's own command that changes its config, to be typed in a shell."""
    command = ours("exec", profile, "config", *arguments)
    # What it listens on and whom it lets in, it reads once.
    restart = len(arguments) > 1 and arguments[1].startswith("gateway.")
    return Remedy(command, " && ", ours("restart", profile)) if restart else Remedy(command)


def set_port(profile: str, key: str, port: int) -> Remedy:
    """The command that gives a browser this port, by whichever key its config has."""
    return config_command(profile, "set", key, f"http://127.0.0.1:{port}" if key.endswith("cdpUrl") else str(port))


def _planned(setup: Setup) -> Iterator[Claim]:
    place = setup.in_fleet("port") if setup.profile.port else f"{FLEET}:base_port"
    published = {port.port for port in setup.ports.published}
    for port in setup.ports.published:
        yield Claim(port.port, port.purpose, place)
    for browser, cdp in setup.ports.cdp.items():
        if cdp not in published:
            yield Claim(cdp, f"cdp {browser}", place, on_host=False)


def _pinned(setup: Setup) -> Iterator[Claim]:
    """What the config says other than the plan."""
    if setup.config is None:
        return
    port = setup.config.get("gateway", "port")
    if is_port(port) and port != setup.ports.base:
        yield Claim(port, "gateway", setup.in_config("gateway.port"), on_host=False)
    for name, cdp, key in config_cdp_ports(setup.config):
        if setup.ports.cdp.get(name) != cdp:
            yield Claim(cdp, f"cdp {name}", setup.in_config(key), on_host=False)


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


def _profile_accounts(setup: Setup) -> Iterator[Account]:
    for name, value in setup.secrets.items():
        if BOT_SECRET.search(name) and value:
            yield Account(value, f"secrets/{setup.name}/{name}")
    yield from config_accounts(setup.config)
