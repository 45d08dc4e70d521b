"""The ways into a gateway's dashboard and browsers, and a page of the whole fleet to look at."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import Json, Name, app, progress, start_session
from idlehands_deploy.errors import PortConflictError, UsageError
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show import access, output

if TYPE_CHECKING:
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.operations.dashboard import Doors

# Below the port of every gateway.
PORT = 18700


@app.command()
def url(
    ctx: typer.Context,
    name: Name,
    pair: Annotated[
        bool, typer.Option("--pair", help="Print a link that lets a browser of another computer in, once.")
    ] = False,
    cdp: Annotated[
        bool, typer.Option("--cdp", help="Print the addresses of its browsers for Playwright and the like.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print the dashboard's link, and how to open it from elsewhere.

    The link logs you in: it holds the token, so keep it secret. It alone is on standard output.

    Example: xdg-open "$(idlehands-deploy url rescue)"
    """
    if pair and cdp:
        raise UsageError("--pair and --cdp are two things to print.", "Give one of them.")
    if cdp:
        addresses = operations.dashboard.cdp_addresses(start_session(ctx), name)
        output.show_json({"profile": name, "cdp": addresses}) if as_json else output.show("\n".join(addresses.values()))
        progress.say(Remedy("They answer while the browser runs. Start it: ", ours("exec", name, "browser", "start")))
        return
    if pair:
        links = operations.dashboard.pair(start_session(ctx), name)
        progress.close()
        output.show_json({"profile": name, "links": links}) if as_json else output.show("\n".join(links))
        return
    doors = operations.dashboard.doors(start_session(ctx), name)
    if as_json:
        output.show_json(access.access_json(doors))
        return
    _show_doors(doors)


@app.command("open")
def open_(ctx: typer.Context, name: Name) -> None:
    """Open the dashboard in your browser, logged in.

    If there is no browser here, its link is printed instead, as `url` does.
    """
    doors = operations.dashboard.open_dashboard(start_session(ctx), name)
    if doors is None:
        progress.say(Remedy(f"Opened the dashboard of {name}. If nothing opens, print its link: ", ours("url", name)))
    else:
        _show_doors(doors)


def _show_doors(doors: Doors) -> None:
    """The link as data, and beside it what a person at another computer does."""
    output.show(doors.link)
    for line in access.access_lines(doors):
        progress.say(line)


@app.command()
def dashboard(
    ctx: typer.Context,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help=f"On loopback. Default: {PORT}, or a free one.")
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="Print the link of the page that `watch --dashboard` serves.")
    ] = False,
) -> None:
    """Serve a page to look at: gateways, ports, outages.

    The page shows the gateways live, and changes nothing. Its link logs straight in, so keep it to yourself. It is
    served on 127.0.0.1 until Ctrl-C. From another computer: ssh -L 18700:127.0.0.1:18700 HOST

    Example: idlehands-deploy dashboard
    """
    session = start_session(ctx)
    if link:
        output.show(operations.watch.read_link(session.deployment))
        return
    try:
        _serve(session, PORT if port is None else port)
    except PortConflictError:
        if port is not None:
            raise
        _serve(session, 0)


def _serve(session: Session, port: int) -> None:
    """Serve the page until Ctrl-C."""
    from idlehands_deploy.web.server import served  # noqa: PLC0415 - a web server, which no other command needs

    source = operations.watch.page_source(session, is_own=False)
    with served(source, "127.0.0.1", port, "--port") as found:
        progress.say("The page of this fleet, until Ctrl-C. Its link logs straight in:")
        output.show_now(found)
        # At once: there is nothing to finish, and a request to a hung gateway takes seconds.
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
        operations.watch.follow(session, source.overview, threading.Event())
