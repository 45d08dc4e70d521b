"""Commands that keep watch over gateways, and tell what a watch has seen."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from typing import Annotated

import typer

from idlehands_deploy import operations, output, watch_views
from idlehands_deploy.cli.app import Json, Names, app, start_session

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def read_address(value: str | None) -> tuple[str, int] | None:
    """An address and a port, as in 127.0.0.1:9464 or [::1]:9464."""
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    if not host or not re.fullmatch(r"\d{1,5}", port) or not 0 < int(port) <= 65535:
        raise typer.BadParameter("must be an address and a port, such as 127.0.0.1:9464")
    return host.strip("[]"), int(port)


def read_age(value: str) -> float:
    """Seconds of an age, as in 30m, 24h or 7d."""
    if not (found := re.fullmatch(r"(\d{1,6})([smhd])", value)):
        raise typer.BadParameter("must be an age such as 30m, 24h or 7d")
    return int(found[1]) * UNITS[found[2]]


@app.command()
def watch(
    ctx: typer.Context,
    names: Names = None,
    metrics: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS:PORT", help="Answer Prometheus there, as at 127.0.0.1:9464."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Keep watch: write down each change, start anew what hangs, and tell people as `watch:` in fleet.yaml says.

    Example: idlehands-deploy watch --metrics 127.0.0.1:9464
    """
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    show = json.dumps if as_json else watch_views.line
    told = lambda entry: output.show_now(output.hint(show(entry)))  # noqa: E731
    address = read_address(metrics)
    wanted = operations.watching.Watching(names or [], address, told, stopped)
    try:
        operations.watching.watch(start_session(ctx), wanted)
    except KeyboardInterrupt:  # the way to end it
        raise typer.Exit(130) from None


@app.command()
def history(
    ctx: typer.Context,
    names: Names = None,
    since: Annotated[str, typer.Option(metavar="AGE", help="How far back, such as 30m, 24h or 7d.")] = "24h",
    as_json: Json = False,
) -> None:
    """Show what `watch` has seen and done, and how available each gateway was.

    Example: idlehands-deploy history rescue --since 7d
    """
    now = time.time()
    found = operations.history.history(start_session(ctx), names or [], now - read_age(since), now)
    if as_json:
        output.show_json(watch_views.as_json(found))
        return
    output.show_table(watch_views.COLUMNS, watch_views.rows(found))
    for line in watch_views.summary(found):
        output.show(output.printable(line))
