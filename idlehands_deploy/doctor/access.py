"""Ask the gateways at which addresses they let a browser in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from idlehands_deploy.doctor.checks.access import Asked, check_access
from idlehands_deploy.fleet.access import find_access
from idlehands_deploy.fleet.addresses import LOOPBACK
from idlehands_deploy.fleet.origins import HTTPS, allowed_origins, this_host
from idlehands_deploy.host.network.reach import outside_addresses

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.findings import Finding


def examine_access(look: Look, usable: list[str], stale: Container[str]) -> list[Finding]:
    """Who reaches the gateways, and at which addresses they let nobody in.

    Args:
        usable: the profiles whose gateways can be asked.
        stale: the profiles whose containers are older than the fleet file.
    """
    addresses = [(address.host, address.interface) for address in outside_addresses()]
    with ThreadPoolExecutor(max_workers=8) as pool:
        asked = list(pool.map(_ask, [question for name in usable for question in _questions(look, name, addresses)]))
    return list(check_access(look.fleet, [host for host, _ in addresses], asked, stale))


def _questions(look: Look, name: str, addresses: list[tuple[str, str]]) -> Iterator[tuple[Asked, tuple[str, int]]]:
    """What to ask a gateway, and where."""
    fleet, ports = look.fleet, look.ports.profiles[name]
    listed = allowed_origins(fleet, fleet.profiles[name], ports.base)
    pages = [page.origin for page in find_access(fleet, name, ports.base, addresses).plain]
    for origin in dict.fromkeys([*listed, *pages]):
        asked = Asked(name, ports.base, origin, origin in listed)
        if not origin.startswith(HTTPS):
            yield asked, (this_host(fleet.bind), ports.base)
        elif ports.proxy:
            yield asked, (LOOPBACK, ports.proxy)


def _ask(question: tuple[Asked, tuple[str, int]]) -> Asked:
    from idlehands_deploy.gateway.handshake import ask_entry  # noqa: PLC0415 - WebSockets are slow to load

    asked, address = question
    return asked._replace(entry=ask_entry(address, asked.origin, proxied=asked.origin.startswith(HTTPS)))
