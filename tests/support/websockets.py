"""A WebSocket server of a few lines, which can misbehave."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Behaviour = Callable[[socket.socket], None]


@contextmanager
def served(behave: Behaviour) -> Iterator[int]:
    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                behave(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


def shake_hands(connection: socket.socket) -> str:
    """Accept the connection, and return the request."""
    asked = connection.recv(4096).decode()
    key = re.findall(r"Sec-WebSocket-Key: (\S+)", asked)[0]
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False).digest()
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )
    return asked


def send(connection: socket.socket, text: bytes) -> None:
    connection.sendall(b"\x81\x7e" + len(text).to_bytes(2) + text)


def receive(connection: socket.socket) -> dict[str, Any]:
    head = connection.recv(2, socket.MSG_WAITALL)
    if not head:
        raise ConnectionError
    length = head[1] & 127
    if length == 126:
        length = int.from_bytes(connection.recv(2, socket.MSG_WAITALL))
    mask = connection.recv(4, socket.MSG_WAITALL)
    content = connection.recv(length, socket.MSG_WAITALL)
    message: dict[str, Any] = json.loads(bytes(byte ^ mask[place % 4] for place, byte in enumerate(content)))
    return message
