"""A test page with two colours, and whether a picture shows it; without an image library."""

from __future__ import annotations

import zlib
from typing import NamedTuple
from urllib.parse import quote

LEFT = (200, 0, 60)
RIGHT = (0, 90, 200)
_STYLE = f"margin:0;height:100vh;background:linear-gradient(90deg,rgb{LEFT} 50%,rgb{RIGHT} 50%)"
# The page as an address, for a browser that opens any address.
_HTML = f'<!doctype html><title>idlehands-deploy health</title><body style="{_STYLE}">'
PAGE = f"data:text/html,{quote(_HTML)}"
# The same, painted on an open page, for a gateway that forbids such an address.
PAINT = f"() => {{ document.body.style.cssText = '{_STYLE}' }}"
# A browser paints these colours exactly, or nearly if it has a colour profile.
TOLERANCE = 12
# The line that is checked: low enough that a bar at the top of the window does not hide it.
LINE = 16
WIDEST = 16384
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 6: 4}


class Pixels(NamedTuple):
    """The colours at 1/4 and 3/4 of a line."""

    left: tuple[int, ...]
    right: tuple[int, ...]


def flaw(png: bytes) -> str:
    """What is wrong with a picture of the page, to complete a sentence; empty if it shows the page."""
    try:
        seen = look(png)
    except ValueError as error:
        return str(error)
    if _near(seen.left, LEFT) and _near(seen.right, RIGHT):
        return ""
    if seen.left == seen.right:
        return f"is blank: rgb{seen.left} everywhere"
    return f"shows rgb{seen.left} and rgb{seen.right} instead of rgb{LEFT} and rgb{RIGHT}"


def look(png: bytes) -> Pixels:
    """Decode a PNG as far as is needed to see two of its pixels.

    Raises:
        ValueError: it is not a PNG in a browser's format; the message completes a sentence.
    """
    header, data = _chunks(png)
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    channels = _CHANNELS.get(header[9])
    if header[8] != 8 or channels is None or header[12] or height <= LINE or not 4 <= width <= WIDEST:
        raise ValueError(f"has an unexpected format ({width} x {height}, {header[8]} bits, colour type {header[9]})")
    line = _line(data, width * channels, channels)

    def pixel(x: int) -> tuple[int, ...]:
        return tuple(line[x * channels : x * channels + 3])

    return Pixels(pixel(width // 4), pixel(3 * width // 4))


def _chunks(png: bytes) -> tuple[bytes, bytes]:
    """The header and the compressed lines."""
    if not png.startswith(_SIGNATURE):
        raise ValueError("is not a PNG")
    header, data, place = b"", b"", len(_SIGNATURE)
    while place + 8 <= len(png):
        length, kind = int.from_bytes(png[place : place + 4]), png[place + 4 : place + 8]
        content = png[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            header = content
        elif kind == b"IDAT":
            data += content
        place += length + 12
    if len(header) != 13:
        raise ValueError("is a PNG without a header")
    return header, data


def _line(data: bytes, size: int, channels: int) -> bytes:
    """The bytes of one line; each line depends on the one above, so all lines above are decoded too."""
    wanted = (LINE + 1) * (size + 1)
    try:
        lines = zlib.decompressobj().decompress(data, wanted)
    except zlib.error:
        lines = b""
    if len(lines) < wanted:
        raise ValueError("is a damaged PNG")
    above = bytes(size)
    for start in range(0, wanted, size + 1):
        above = _unfiltered(lines[start], lines[start + 1 : start + 1 + size], above, channels)
    return above


def _unfiltered(kind: int, line: bytes, above: bytes, channels: int) -> bytes:
    """A line as it was before its filter (PNG specification, 9.2)."""
    done = bytearray(line)
    for place, value in enumerate(line):
        left = done[place - channels] if place >= channels else 0
        corner = above[place - channels] if place >= channels else 0
        up = above[place]
        guess = (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind] if kind < 5 else 0
        done[place] = (value + guess) & 255
    return bytes(done)


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def _near(seen: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return all(abs(a - b) <= TOLERANCE for a, b in zip(seen, wanted, strict=True))
