"""PNG files made by hand."""

from __future__ import annotations

import zlib

Colour = tuple[int, ...]


def png(
    left: Colour, right: Colour, *, size: tuple[int, int] = (40, 30), filters: bytes = b"\0", alpha: bool = False
) -> bytes:
    """A picture of two halves; its lines use these filters in turn."""
    width, height = size
    opaque = (255,) if alpha else ()
    line = bytes((*left, *opaque) * (width // 2) + (*right, *opaque) * (width - width // 2))
    channels = 4 if alpha else 3
    data, above = b"", bytes(len(line))
    for row in range(height):
        kind = filters[row % len(filters)]
        data += bytes([kind]) + _filtered(kind, line, above, channels)
        above = line
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 6 if alpha else 2, 0, 0, 0])
    compressed = zlib.compress(data)
    half = len(compressed) // 2
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"tEXt", b"x")
        + _chunk(b"IDAT", compressed[:half]) + _chunk(b"IDAT", compressed[half:]) + _chunk(b"IEND", b"")
    )  # fmt: skip


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def _filtered(kind: int, line: bytes, above: bytes, channels: int) -> bytes:
    done = bytearray()
    for place, value in enumerate(line):
        a = line[place - channels] if place >= channels else 0
        b = above[place]
        c = above[place - channels] if place >= channels else 0
        p = a + b - c
        paeth = a if abs(p - a) <= abs(p - b) and abs(p - a) <= abs(p - c) else b if abs(p - b) <= abs(p - c) else c
        done.append((value - [0, a, b, (a + b) // 2, paeth][kind]) & 255)
    return bytes(done)
