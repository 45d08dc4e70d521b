"""The origins at which browsers may open a gateway's dashboard: an address as a browser sends it. Pure."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from idlehands_deploy.fleet.addresses import LOOPBACK

if TYPE_CHECKING:
    from idlehands_deploy.fleet.model import Fleet, Profile

LOOPBACK_6 = "::1"
HTTPS = "https://"
# Ranges in which a gateway (2026.9.6) accepts the address that a page was loaded from, also if no list names it.
_ACCEPTED = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "fc00::/7")
)
_ACCEPTED_NAMES = (".local", ".ts.net")


def origin_of(host: str, port: int) -> str:
    """The origin of a page that a gateway itself serves at a host, as a browser sends it."""
    number = "" if port == 80 else f":{port}"
    return f"http://{bracketed(host)}{number}"


def bracketed(host: str) -> str:
    """A host as it is written before a port."""
    return f"[{host}]" if ":" in host else host


def own_origins(base: int) -> list[str]:
    """What a gateway allows by itself, as long as its config lists no origin."""
    return [origin_of("localhost", base), origin_of(LOOPBACK, base)]


def allowed_origins(fleet: Fleet, profile: Profile, base: int) -> list[str]:
    """All origins that a gateway must allow: those of its published address, of `hosts` and of `origins`."""
    hosts = [*_bind_hosts(fleet.bind), *fleet.hosts]
    return list(dict.fromkeys([*own_origins(base), *(origin_of(host, base) for host in hosts), *profile.origins]))


def trusted_proxies(fleet: Fleet, profile: Profile) -> list[str]:
    """The proxies whose word on a client's address a gateway must take."""
    # What comes from a proxy on this host, the container forwards from its own loopback.
    return [*([LOOPBACK] if https_origins(profile) else []), *fleet.proxies]


def https_origins(profile: Profile) -> list[str]:
    """The origins of a profile that only a reverse proxy can serve."""
    return [origin for origin in profile.origins if origin.startswith(HTTPS)]


def this_host(bind: str) -> str:
    """The address at which this host itself reaches what is published on an address."""
    address = ipaddress.ip_address(bind)
    if not address.is_unspecified:
        return bind
    return LOOPBACK if address.version == 4 else LOOPBACK_6


def is_open(bind: str) -> bool:
    """Whether other machines reach what is published on an address."""
    return not ipaddress.ip_address(bind).is_loopback


def is_everywhere(bind: str) -> bool:
    """Whether an address stands for every address of the host."""
    return ipaddress.ip_address(bind).is_unspecified


def is_accepted(host: str, listed: list[str], base: int) -> bool:
    """Whether a gateway lets in a page that it served at this host, with these origins listed."""
    if origin_of(host, base) in listed:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.endswith(_ACCEPTED_NAMES)
    return any(address in network for network in _ACCEPTED)


def _bind_hosts(bind: str) -> list[str]:
    # Of the loopback addresses a gateway knows only 127.0.0.1 by itself.
    return [this_host(bind)] if is_everywhere(bind) else [bind]
