"""The `dashboard` command: a page of the whole fleet to look at."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import app, progress, start_session
from idlehands_deploy.errors import PortConflictError
from idlehands_deploy.show import output

if TYPE_CHECKING:
    from idlehands_deploy.deployment.session import Session

# Below the port of every gateway.
PORT = 18700


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
