"""Who may read the page: a browser of this host that was given the link. No I/O."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from email.message import Message

# Everything but the way in lies below this path, and the cookie is for it alone: cookies are not kept apart by port, so
# that a gateway's dashboard on this address would be sent one for the whole host.
ROOT = "/fleet/"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Door:
    """The token in the link, and the cookie that takes its place after the first load.

    Attributes:
        token: for the link.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(32)
        # The name too is this process's: the pages of two fleets may be open in one browser, on two ports of one host.
        self._name = f"idlehands_fleet_{secrets.token_hex(4)}"
        self._cookie = secrets.token_urlsafe(32)

    def opens_for(self, query: str) -> bool:
        """Whether the query of the first request has the token."""
        return _is_same((parse_qs(query).get("token") or [""])[-1], self.token)

    def knows(self, cookies: str | None) -> bool:
        """Whether a Cookie header has the cookie."""
        try:
            found = SimpleCookie(cookies or "").get(self._name)
        except CookieError:
            return False
        return found is not None and _is_same(found.value, self._cookie)

    def cookie(self) -> str:
        """The Set-Cookie header; it lasts until the browser ends."""
        return f"{self._name}={self._cookie}; Path={ROOT}; HttpOnly; SameSite=Strict"


def is_loopback(address: str) -> bool:
    """Whether an address is of this host alone."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def is_this_host(hosts: list[str]) -> bool:
    """Whether the Host headers of a request name this host: another name may be an attacker's that leads here.

    Any port is right: `ssh -L` may have another one on the other side.
    """
    if len(hosts) != 1:
        return False
    name, _, port = hosts[0].rpartition(":") if not hosts[0].endswith("]") else (hosts[0], "", "")
    name = name or port
    return name.lower() == "localhost" or is_loopback(name.removeprefix("[").removesuffix("]"))


def is_from_the_page(headers: Message) -> bool:
    """Whether a request comes from the page itself or a person, as browsers say it; other programs say nothing.

    A gateway's dashboard is the same site as the page, but another origin.
    """
    site = headers.get("Sec-Fetch-Site", "none")
    return site in {"none", "same-origin"} or headers.get("Sec-Fetch-Mode") == "navigate"


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())
