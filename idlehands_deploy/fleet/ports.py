"""The port plan: the ports of each profile, computed from the fleet file alone. Opens no socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.errors import PortConflictError
from idlehands_deploy.fleet.addresses import LOOPBACK
from idlehands_deploy.fleet.origins import https_origins, this_host
from idlehands_deploy.fleet.values import HIGHEST_BASE_PORT

if TYPE_CHECKING:
    from collections.abc import Container

    from idlehands_deploy.fleet.model import Fleet, Profile

MAIN = "main"
CONTROL_OFFSET = 2
# The gateway's port once more, for a reverse proxy on this host. To trust the host's address itself would shut out
# everything else on the host: from a proxy's address a gateway (2026.9.6) answers only what a proxy forwards.
PROXY_OFFSET = 3
CDP_OFFSET = 11
# The browser profile that every gateway has by default.
IMPLICIT_BROWSER = "openclaw"


@dataclass(frozen=True)
class PublishedPort:
    """One port on the host and the same port in the container."""

    purpose: str
    host_ip: str
    port: int


@dataclass(frozen=True)
class ProfilePorts:
    """The ports of one profile.

    Attributes:
        base: the gateway's HTTP and WebSocket port.
        cdp: the CDP port of each managed browser profile, by name.
        published: the ports on the host, lowest first.
        asks_for_token: whether the published CDP ports ask for their token.
    """

    profile: str
    base: int
    cdp: dict[str, int]
    published: tuple[PublishedPort, ...]
    asks_for_token: bool = True

    @property
    def forwarded(self) -> tuple[int, ...]:
        """Published ports whose listener in the container is on loopback only, and asks for what it needs itself."""
        others = {self.base, self.proxy, *self.guarded}
        return tuple(port.port for port in self.published if port.port not in others)

    @property
    def guarded(self) -> tuple[int, ...]:
        """Published CDP ports that ask for their token."""
        return self.published_cdp if self.asks_for_token else ()

    @property
    def published_cdp(self) -> tuple[int, ...]:
        """The published CDP ports, beginning with that of the default browser."""
        published = {port.port for port in self.published}
        return tuple(port for port in self.cdp.values() if port in published)

    @property
    def proxy(self) -> int | None:
        """The port for a reverse proxy on this host; None if it is not published."""
        return next((port.port for port in self.published if port.port == self.base + PROXY_OFFSET), None)

    @property
    def host(self) -> str:
        """The address at which this host reaches the gateway's own port."""
        return this_host(next((port.host_ip for port in self.published if port.port == self.base), LOOPBACK))


@dataclass(frozen=True)
class PortPlan:
    """The ports of all profiles, in the fleet file's order."""

    profiles: dict[str, ProfilePorts]


def plan_ports(fleet: Fleet, reserved: Container[int] = (), new: Container[str] = ()) -> PortPlan:
    """Give every profile its ports.

    A profile with a ``port`` keeps it, ``main`` is slot 0, and every other profile gets the lowest slot with free
    ports.

    Args:
        reserved: ports on this host that a profile without a ``port`` must not get.
        new: profiles that have never run: if slot 0 is reserved, a new ``main`` gets another slot, and an old one
            stays.

    Raises:
        PortConflictError: two profiles need the same published port, or no slot is left.
    """
    taken: dict[int, tuple[str, str]] = {}
    plans: dict[str, ProfilePorts] = {}
    conflicts: list[str] = []
    for name, profile in fleet.profiles.items():
        base = profile.port or (fleet.base_port if name == MAIN else None)
        if base is not None:
            ports = _profile_ports(fleet, name, profile, base)
            if profile.port is None and name in new and _conflicts(ports, reserved):
                continue
            plans[name] = ports
            conflicts += _take(taken, plans[name])
    if conflicts:
        raise PortConflictError(
            "Two profiles need the same port:\n" + "\n".join(f"  {line}" for line in conflicts),
            "Change one profile's `port` in fleet.yaml, or remove it: the profile then gets a free port.",
        )
    for name, profile in fleet.profiles.items():
        if name not in plans:
            plans[name] = _lowest_free(fleet, name, profile, taken, reserved)
            _take(taken, plans[name])
    return PortPlan({name: plans[name] for name in fleet.profiles})


def _lowest_free(
    fleet: Fleet, name: str, profile: Profile, taken: dict[int, tuple[str, str]], reserved: Container[int]
) -> ProfilePorts:
    # Slot 0 is reserved for main, so that rescue gets 19789 even if it is added first.
    for base in range(fleet.base_port + fleet.spacing, HIGHEST_BASE_PORT + 1, fleet.spacing):
        if base in taken or base in reserved:
            continue
        ports = _profile_ports(fleet, name, profile, base)
        if not _conflicts(ports, taken) and not _conflicts(ports, reserved):
            return ports
    raise PortConflictError(
        f"No free slot up to port {HIGHEST_BASE_PORT} is left for {name}.",
        f"Lower `spacing` in fleet.yaml (at least 20), or give {name} a `port`.",
    )


def _profile_ports(fleet: Fleet, name: str, profile: Profile, base: int) -> ProfilePorts:
    browsers = {IMPLICIT_BROWSER: None} | {
        browser: settings.cdp_url for browser, settings in profile.browser.profiles.items()
    }
    managed = [browser for browser, cdp_url in browsers.items() if cdp_url is None]
    cdp = {browser: base + CDP_OFFSET + index for index, browser in enumerate(managed)}
    published = [PublishedPort("gateway", fleet.bind, base)]
    if profile.publish.control:
        published.append(PublishedPort("browser control", LOOPBACK, base + CONTROL_OFFSET))
    if https_origins(profile):
        published.append(PublishedPort("reverse proxy", LOOPBACK, base + PROXY_OFFSET))
    if profile.publish.cdp:
        published += [PublishedPort(f"cdp {browser}", LOOPBACK, port) for browser, port in cdp.items()]
    return ProfilePorts(name, base, cdp, tuple(published), asks_for_token=profile.publish.cdp != "open")


def _conflicts(ports: ProfilePorts, others: Container[int]) -> bool:
    return any(port.port in others for port in ports.published)


def _take(taken: dict[int, tuple[str, str]], ports: ProfilePorts) -> list[str]:
    conflicts = []
    for port in ports.published:
        owner, purpose = taken.setdefault(port.port, (ports.profile, port.purpose))
        if owner != ports.profile:
            conflicts.append(f"{port.port}: {purpose} of {owner} and {port.purpose} of {ports.profile}")
    return conflicts
