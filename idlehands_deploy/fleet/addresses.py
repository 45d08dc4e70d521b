"""Addresses of browsers elsewhere: which are the same one, and which are nowhere else at all."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from idlehands_deploy.contract import HOST_VARIABLE

# The host as its containers call it.
HOST = "host.docker.internal"
HOST_ADDRESS = f"${{{HOST_VARIABLE}}}"
_STAND_IN = "host-address.invalid"
# Ends of names that are nobody's on the internet (RFC 6761, 6762, 8375, 9476), and what routers call theirs.
_LOCAL_NAMES = (".local", ".localhost", ".internal", ".home.arpa", ".lan", ".home", ".test")

Endpoint = tuple[str, int, str]


def endpoint(url: str, loopback: str = "") -> Endpoint | None:
    """What tells one remote browser from another: host, port, and the rest where a service has many behind it.

    Args:
        loopback: the host's name where an address on the loopback means this host; without it such an address
            is nobody's endpoint.

    Returns:
        None for loopback, and for what is no address or has a variable in it whose value is not known.
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
    # The paths of Chrome's own protocol all lead to the same Chrome.
    rest = "" if path.startswith(("/devtools", "/json")) else path
    # Who comes by another name, or with another key, has another browser there. (Compared, never shown.)
    who = parts.netloc.rpartition("@")[0]
    return host, port, f"{who}@{rest}?{parts.query}" if who or parts.query else rest


def url_host(url: str) -> str:
    """The host of an address; empty where it has none, or one in a variable whose value is not known."""
    try:
        host = urlsplit(url.replace(HOST_ADDRESS, _STAND_IN).strip()).hostname or ""
    except ValueError:
        return ""
    return HOST_ADDRESS if host == _STAND_IN else "" if "${" in host else host


def canonical(host: str) -> str:
    """A host in the one spelling that stands for all of it: ``127.1`` and ``[::ffff:7f00:1]`` are 127.0.0.1."""
    host = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(_long(host) or host)
    except ValueError:
        return host
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _long(host: str) -> str | None:
    """An IPv4 address in one of the short, octal and hexadecimal forms that Node.js takes, in its usual one."""
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
    """Whether a gateway takes a host for one of a private network, where it goes only if its config says so."""
    try:
        return not ipaddress.ip_address(canonical(host)).is_global
    except ValueError:
        return host == HOST_ADDRESS or (host != "" and "." not in host) or host.endswith(_LOCAL_NAMES)


def is_loopback(host: str) -> bool:
    """Whether a host is whoever asks for it."""
    host = canonical(host)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified
