"""The ways to a dashboard from another computer, the safest first, as lines and as JSON."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.fleet.access import Access, Page
    from idlehands_deploy.host.network.reach import Login
    from idlehands_deploy.operations.dashboard import Doors

SSH_PORT = 22


def tunnel(access: Access, login: Login) -> str:
    """The command that a person runs on the other computer."""
    port = () if login.port == SSH_PORT else ("-p", str(login.port))
    return shlex.join(("ssh", "-N", "-L", access.forward, *port, f"{login.user}@{login.host}"))


def access_lines(doors: Doors) -> list[str | Remedy]:
    """How the dashboard is opened from another computer."""
    access = doors.access
    link = "the same link" if access.here == access.tunnelled else f"the link with {access.tunnelled}/ in front"
    steps = f"Run it there and leave it running. Then open {link} there."
    ways: list[tuple[str, str]] = [(tunnel(access, doors.login), steps)]
    upstream = f" to {access.upstream}" if access.upstream else ""
    ways += [(f"{origin}/", f"By TLS, through a reverse proxy{upstream}.") for origin in access.proxied]
    ways += [(f"{page.origin}/", _plainly(page)) for page in access.plain if page.is_accepted]
    lines: list[str | Remedy] = ["From another computer, the safest first:" if ways[1:] else "From another computer:"]
    for number, (what, how) in enumerate(ways, 1):
        mark = f"{number}. " if ways[1:] else ""
        lines += [f"  {mark}{what}", f"  {' ' * len(mark)}{how}"]
    if access.pages:
        lines.append(
            Remedy("There a new browser needs a link that lets it in, once: ", ours("url", doors.name, "--pair"))
        )
    return [*lines, *_refused(doors)]


def access_json(doors: Doors) -> dict[str, Any]:
    """The link and the ways, for scripts."""
    access = doors.access
    return {
        "profile": doors.name,
        "url": doors.link,
        "ssh": {"command": tunnel(access, doors.login), "url": f"{access.tunnelled}/"},
        "proxied": [f"{origin}/" for origin in access.proxied],
        "plain": [
            {"url": f"{page.origin}/", "interface": page.through or None, "accepted": page.is_accepted}
            for page in access.plain
        ],
    }


def _plainly(page: Page) -> str:
    through = f" through {page.through}" if page.through else ""
    from idlehands_deploy.fleet.access import RISK  # noqa: PLC0415 - every command loads this module

    return f"Plain HTTP{through}: {RISK}."


def _refused(doors: Doors) -> Iterator[Remedy]:
    if refused := [page for page in doors.access.plain if not page.is_accepted]:
        pages = ", ".join(f"{page.origin}/" for page in refused)
        hosts = ", ".join(page.host for page in refused)
        yield Remedy(
            f"Not at {pages}: a gateway lets no browser in at a public address that is not listed. "
            f"List it only if you must: `hosts: [{hosts}]` in fleet.yaml, then: ",
            ours("up", doors.name),
        )
