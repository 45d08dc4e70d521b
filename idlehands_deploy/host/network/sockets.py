"""Listeners on this host's ports."""

from __future__ import annotations

import socket
from contextlib import suppress


def listen_error(host_ip: str, port: int) -> int | None:
    """The errno that a new listener on this address would get; None if it can listen."""
    family = socket.AF_INET6 if ":" in host_ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        # Like docker-proxy: connections in TIME_WAIT do not block the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host_ip, port))
            listener.listen(1)
        except OSError as error:
            return error.errno
    return None


def process_on(port: int) -> str | None:
    """The process that listens on a port, as ``name (pid 123)``; None if this user cannot see it."""
    import psutil  # noqa: PLC0415 - only a conflict pays for it

    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr
            if listens and listens.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return None


def own_addresses() -> frozenset[str]:
    """The addresses of this host, including its Docker bridges, without loopback."""
    import psutil  # noqa: PLC0415 - only `doctor` and `ports` pay for it

    families = (socket.AF_INET, socket.AF_INET6)
    try:
        found = [item for items in psutil.net_if_addrs().values() for item in items if item.family in families]
    except (psutil.Error, OSError):  # a container or a jail may hide them
        return frozenset()
    return frozenset(item.address.partition("%")[0] for item in found) - {"127.0.0.1", "::1"}
