"""How other machines reach this host: the addresses of its interfaces, and the login that they can use."""

from __future__ import annotations

import ipaddress
import os
import pwd
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SSH_PORT = 22
# Bridges and ends of containers and virtual machines, which only this host has an address in.
_VIRTUAL = re.compile(
    r"docker\d|docker_gwbridge|br-[0-9a-f]{12}|veth.*|podman\d+|cni\d|cni-podman\d+|virbr\d+|lxcbr\d|lxdbr\d"
)
# Of IPv6, as the kernel flags them: temporary, failed, deprecated and not yet valid.
_PASSING = 0x01 | 0x08 | 0x20 | 0x40


@dataclass(frozen=True)
class Address:
    """An address of this host that other machines can use."""

    host: str
    interface: str


@dataclass(frozen=True)
class Login:
    """How a person logs in to this host from elsewhere.

    Attributes:
        host: its address or, where it has none, its name.
        port: of its SSH server.
    """

    user: str
    host: str
    port: int = SSH_PORT


def outside_addresses() -> list[Address]:
    """The addresses of this host that other machines can use, those of the interface to the internet first."""
    import psutil  # noqa: PLC0415 - only what shows them pays for it

    try:
        up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
        addresses = psutil.net_if_addrs()
    except (psutil.Error, OSError):  # a container or a jail may hide them
        return []
    found: list[tuple[bool, int, Address]] = []
    first, passing = _default_interfaces(), _passing_addresses()
    for interface, items in addresses.items():
        if interface not in up or _VIRTUAL.fullmatch(interface):
            continue
        for item in items:
            if item.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            address = ipaddress.ip_address(item.address)
            if _is_for_others(item.address) and address not in passing:
                found.append((interface not in first, address.version, Address(str(address), interface)))
    return [address for *_, address in sorted(found, key=lambda item: item[:2])]


def find_login(environ: Mapping[str, str], addresses: list[Address]) -> Login:
    """How the person of this session logs in from elsewhere; as they did, if they came by SSH.

    Args:
        environ: of the session.
        addresses: of this host, the best first.
    """
    user = environ.get("SUDO_USER") or _user_name()
    came = environ.get("SSH_CONNECTION", "").split()
    if len(came) == 4 and came[3].isdecimal() and _is_for_others(came[2]):
        return Login(user, came[2], int(came[3]))
    return Login(user, addresses[0].host if addresses else socket.gethostname())


def _is_for_others(text: str) -> bool:
    """Whether other machines reach an address in any program: one of a link works there alone, and in no browser."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not address.is_loopback and not address.is_link_local


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user without an entry
        return "USER"


def _default_interfaces() -> set[str]:
    """The interfaces with a default route."""
    four = [line.split() for line in _lines("/proc/net/route")[1:]]
    six = [line.split() for line in _lines("/proc/net/ipv6_route")]
    return {row[0] for row in four if len(row) > 7 and row[1] == "00000000" and row[7] == "00000000"} | {
        row[9] for row in six if len(row) > 9 and row[0] == "0" * 32 and row[1] == "00" and row[9] != "lo"
    }


def _passing_addresses() -> set[ipaddress.IPv6Address]:
    """The IPv6 addresses that will soon be others, or are not valid."""
    return set(_flagged(_lines("/proc/net/if_inet6")))


def _flagged(lines: list[str]) -> Iterator[ipaddress.IPv6Address]:
    for line in lines:
        match line.split():
            case [address, _, _, _, flags, _] if int(flags, 16) & _PASSING:
                yield ipaddress.IPv6Address(bytes.fromhex(address))


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
