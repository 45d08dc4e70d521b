"""Addresses of remote browsers: which ones are the same, and which ones are loopback."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from idlehands_deploy.contract import HOST_VARIABLE

LOOPBACK = "127.0.0.1"
# The host's name inside its containers.
HOST = "host.docker.internal"
HOST_ADDRESS = f"${{{HOST_VARIABLE}}}"
_STAND_IN = "host-address.invalid"
# Suffixes that are reserved for local names (RFC 6761, 6762, 8375, 9476) or used by routers.
_LOCAL_NAMES = (".local", ".localhost", ".internal", ".home.arpa", ".lan", ".home", ".test")

Endpoint = tuple[str, int, str]


def endpoint(url: str, loopback: str = "") -> Endpoint | None:
    """The identity of a remote browser: host, port, and the rest for services with several browsers.

    Args:
        loopback: the host name to use for loopback addresses; without it they have no endpoint.

    Returns:
        None for loopback, for an invalid address, and for one with an unknown variable.
    """
    url = url.replace(HOST_ADDRESS, HOST).strip()
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme in {"https", "wss"} else 80)
    except ValueError:
        return None
    host = canonical(parts.hostname or "")
    if not host or "${" in url:
        return None
    if is_loopback(host):
        if not loopback:
            return None
        host = loopback
    path = parts.path.rstrip("/")
    # All paths of Chrome's own protocol belong to the same Chrome.
    rest = "" if path.startswith(("/devtools", "/json")) else path
    # Another login or another key means another browser. (Compared, never shown.)
    who = parts.netloc.rpartition("@")[0]
    return host, port, f"{who}@{rest}?{parts.query}" if who or parts.query else rest


def url_host(url: str) -> str:
    """The host of an address; empty if it has none, or if it is in an unknown variable."""
    try:
        host = urlsplit(url.replace(HOST_ADDRESS, _STAND_IN).strip()).hostname or ""
    except ValueError:
        return ""
    return HOST_ADDRESS if host == _STAND_IN else "" if "${" in host else host


def canonical(host: str) -> str:
    """A host in its canonical form: ``127.1`` and ``[::ffff:7f00:1]`` become 127.0.0.1."""
    host = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(_long(host) or host)
    except ValueError:
        return host
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _long(host: str) -> str | None:
    """An IPv4 address in a short, octal or hexadecimal form that Node.js accepts, in the usual form."""
    parts = host.split(".")
    if len(parts) > 4 or not all(re.fullmatch(r"0x[0-9a-f]*|\d+", part) for part in parts):
        return None
    try:
        *first, last = (_number(part) for part in parts)
    except ValueError:
        return None
    if any(number > 255 for number in first) or last >= 256 ** (4 - len(first)):
        return None
    return str(ipaddress.IPv4Address(sum(number << 24 - 8 * place for place, number in enumerate(first)) + last))


def _number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") else 10)


def is_private(host: str) -> bool:
    """Whether a gateway treats a host as private, which its config must allow."""
    try:
        return not ipaddress.ip_address(canonical(host)).is_global
    except ValueError:
        return host == HOST_ADDRESS or (host != "" and "." not in host) or host.endswith(_LOCAL_NAMES)


def is_loopback(host: str) -> bool:
    """Whether a host is the loopback of the machine that uses it."""
    host = canonical(host)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified
