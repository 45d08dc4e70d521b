"""Which ports of this host something listens on, and at which addresses."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
LISTENING = "0A"
# Where the kernel has no such tables, a connection to loopback must do; seconds.
TIMEOUT = 0.5


def listeners(ports: Collection[int]) -> dict[int, frozenset[str]]:
    """The addresses at which something listens on each of these ports; a port without any is left out."""
    found: dict[int, set[str]] = {}
    tables = [table for table in TABLES if table.exists()]
    for address, port in [pair for table in tables for pair in _read(table)]:
        if port in ports:
            found.setdefault(port, set()).add(address)
    if not tables:
        found = {port: {"127.0.0.1"} for port in ports if _answers(port)}
    return {port: frozenset(addresses) for port, addresses in found.items()}


def _read(table: Path) -> Iterator[tuple[str, int]]:
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        _, local, _, state, *_ = line.split()
        if state == LISTENING:
            address, _, port = local.partition(":")
            yield _address(address), int(port, 16)


def _address(text: str) -> str:
    # The kernel writes words of four bytes in its own byte order, which is little-endian wherever gateways run.
    words = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT):
            return True
    except OSError:
        return False
