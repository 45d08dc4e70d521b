"""The ways from another computer to a gateway's dashboard. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.fleet.addresses import LOOPBACK
from idlehands_deploy.fleet.origins import (
    LOOPBACK_6,
    allowed_origins,
    bracketed,
    https_origins,
    is_accepted,
    is_everywhere,
    is_open,
    origin_of,
    this_host,
)
from idlehands_deploy.fleet.ports import PROXY_OFFSET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.fleet.model import Fleet

# What is at stake on plain HTTP.
RISK = "whoever is on the way reads all that you send and get, and can change it"


@dataclass(frozen=True)
class Page:
    """A dashboard's address for other computers.

    Attributes:
        origin: scheme, host and port.
        host: the host in it.
        through: the interface of this host; empty for one that the fleet file names.
        is_accepted: whether the gateway lets a browser in that opened it.
    """

    origin: str
    host: str
    through: str = ""
    is_accepted: bool = True


@dataclass(frozen=True)
class Access:
    """How a gateway's dashboard is opened, here and elsewhere.

    Attributes:
        here: the origin for this host's own browser.
        forward: what `ssh -L` forwards: the port, then the address and port on this host.
        tunnelled: the origin at the other end of that.
        proxied: the origins that a reverse proxy serves by TLS.
        upstream: where that one forwards to, if it is on this host; else empty.
        plain: the pages that other computers reach over plain HTTP; empty if only this host reaches the gateway.
    """

    here: str
    forward: str
    tunnelled: str
    proxied: tuple[str, ...] = ()
    upstream: str = ""
    plain: tuple[Page, ...] = ()

    @property
    def pages(self) -> list[str]:
        """The origins that work on other computers without a tunnel, the safest first."""
        return [*self.proxied, *(page.origin for page in self.plain if page.is_accepted)]


def find_access(fleet: Fleet, name: str, base: int, addresses: Sequence[tuple[str, str]]) -> Access:
    """The ways to one profile's dashboard.

    Args:
        base: its port.
        addresses: those of this host that other machines can use, each with its interface.
    """
    profile, target = fleet.profiles[name], this_host(fleet.bind)
    listed = allowed_origins(fleet, profile, base)
    return Access(
        here=origin_of(target, base),
        forward=f"{base}:{bracketed(target)}:{base}",
        # The port must be the same at both ends, since the page's own address has it.
        tunnelled=origin_of(LOOPBACK, base),
        proxied=tuple(https_origins(profile)),
        upstream="" if fleet.proxies else f"{LOOPBACK}:{base + PROXY_OFFSET}",
        plain=tuple(
            Page(origin_of(host, base), host, interface, is_accepted(host, listed, base))
            for host, interface in _hosts(fleet, addresses)
        ),
    )


def _hosts(fleet: Fleet, addresses: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The hosts at which others reach this one, each with its interface."""
    if not is_open(fleet.bind):
        return []
    interfaces = dict(addresses)
    version = 6 if ":" in fleet.bind else 4
    reached = [fleet.bind]
    if is_everywhere(fleet.bind):
        reached = [host for host in interfaces if (":" in host) == (version == 6)]
    named = [host for host in fleet.hosts if host not in {LOOPBACK, LOOPBACK_6, *reached}]
    return [(host, interfaces.get(host, "")) for host in [*named, *reached]]
