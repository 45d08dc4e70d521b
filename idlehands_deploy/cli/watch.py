"""The `watch` command, and `history`, which shows what it recorded."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import Json, Names, app, progress, start_session
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show import output
from idlehands_deploy.show import watch as watch_views
from idlehands_deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.operations.watch import Overview

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# The longest age: earlier dates cannot be computed; seconds.
LONGEST = 50 * 366 * 86400


def read_address(value: str | None) -> tuple[str, int] | None:
    """An address and a port, such as 127.0.0.1:9464 or [::1]:9464."""
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    if not host or not re.fullmatch(r"\d{1,5}", port) or not 0 < int(port) <= 65535:
        raise typer.BadParameter("must be an address and a port, such as 127.0.0.1:9464")
    return host.strip("[]"), int(port)


def read_age(value: str) -> float:
    """The seconds of an age such as 30m, 24h or 7d."""
    if not (found := re.fullmatch(r"(\d{1,6})([smhd])", value)):
        raise typer.BadParameter("must be an age such as 30m, 24h or 7d")
    return min(int(found[1]) * UNITS[found[2]], LONGEST)


class Screen:
    """Shows the watch's entries as they are written, and stops the watch if its output is closed."""

    def __init__(self, text: Callable[[dict[str, Any]], str]) -> None:
        self._text = text
        self.stopped = threading.Event()
        self.code = 0

    def show(self, entry: dict[str, Any]) -> None:
        """Show an entry; called from several threads, and never ends one."""
        try:
            output.show_now(self._text(entry))
        except SystemExit as ended:
            self.code = int(ended.code or 0)
            self.stopped.set()


def stop_on_sigterm(stopped: threading.Event) -> None:
    """Set an event on SIGTERM."""
    # In a thread: the handler may interrupt a thread that holds the event's lock, and would then wait forever.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=stopped.set).start())


@app.command()
def watch(
    ctx: typer.Context,
    names: Names = None,
    metrics: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS:PORT", help="Serve Prometheus metrics there, such as 127.0.0.1:9464."),
    ] = None,
    dashboard: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS:PORT", help="Serve a page to look at there, such as 127.0.0.1:18700."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Record changes, restart hung gateways and notify people.

    Runs until it is stopped. Its settings are under `watch:` in fleet.yaml. `dashboard --link` prints the link of the
    page that --dashboard serves.

    Example: idlehands-deploy watch --metrics 127.0.0.1:9464 --dashboard 127.0.0.1:18700
    """
    screen = Screen(json.dumps if as_json else watch_views.line)
    stop_on_sigterm(screen.stopped)
    session, address = start_session(ctx), read_address(dashboard)
    wanted = operations.watch.WatchOptions(names or [], read_address(metrics), screen.show, screen.stopped)
    try:
        with _page(session, address) as overview:
            operations.watch.watch(session, replace(wanted, overview=overview))
    except KeyboardInterrupt:  # Ctrl-C is the usual way to end it
        raise typer.Exit(130) from None
    raise typer.Exit(screen.code)


@app.command()
def history(
    ctx: typer.Context,
    names: Names = None,
    since: Annotated[str, typer.Option(metavar="AGE", help="How far back, such as 30m, 24h or 7d.")] = "24h",
    as_json: Json = False,
) -> None:
    """Show what `watch` recorded, and how available each gateway was.

    Example: idlehands-deploy history rescue --since 7d
    """
    now = time.time()
    found = operations.watch.history(start_session(ctx), names or [], now - read_age(since), now)
    if as_json:
        output.show_json(watch_views.as_json(found))
        return
    output.show_table(watch_views.COLUMNS, watch_views.rows(found))
    for line in watch_views.summary(found):
        output.show(printable(line))


@contextmanager
def _page(session: Session, address: tuple[str, int] | None) -> Iterator[Overview | None]:
    """Serve the page of a watch during the block; gives what the watch has to fill, or None without an address."""
    if address is None:
        yield None
        return
    from idlehands_deploy.web.server import served  # noqa: PLC0415

    source = operations.watch.page_source(session, is_own=True)
    with (
        served(source, *address, "--dashboard") as link,
        operations.watch.kept_link(session.deployment, link),
    ):
        # The log of a service is no place for a token.
        where = link.partition("?")[0]
        progress.say(Remedy(f"The page is at {where}, and its link, with the token: ", ours("dashboard", "--link")))
        yield source.overview
