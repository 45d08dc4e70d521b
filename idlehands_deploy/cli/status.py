"""The `status` command: the state of each gateway, once or continuously."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import Json, Names, app, progress, start_session
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show import output
from idlehands_deploy.show import status as status_views

if TYPE_CHECKING:
    from idlehands_deploy.operations.status import StatusReport

Watch = Annotated[bool, typer.Option("-w", "--watch", help="Keep running, and show each change when it happens.")]


@app.command()
def status(ctx: typer.Context, names: Names = None, watch: Watch = False, as_json: Json = False) -> None:
    """Show the current state of each gateway.

    Example: idlehands-deploy status --watch
    """
    session = start_session(ctx)
    if watch:
        _watch(operations.status.StatusWatch(session, names or []), as_json=as_json)
        return
    report = operations.status.status(session, names or [])
    if as_json:
        output.show_json(status_views.as_json(report))
    else:
        now = time.time()
        output.show_table(status_views.COLUMNS, status_views.rows(report, now))
        for line in status_views.notes(report, now):
            output.show_line(line)
        if report.is_stale:
            progress.say(Remedy("The fleet file has changed. Apply it: ", ours("up")))
    if report.failure:
        raise report.failure


def _watch(watch: operations.status.StatusWatch, *, as_json: bool) -> None:
    """Show changes until Ctrl-C: in place on a terminal, one per line in a pipe, one report per line for a script."""
    try:
        if as_json:
            watch.run(lambda report, _: output.show_now(status_views.as_json_line(report)))
        elif output.is_terminal():
            with output.LiveTable(status_views.COLUMNS, lambda: _lines(watch.report)) as table:
                watch.run(lambda _report, _changed: table.refresh())
        else:
            watch.run(lambda _, changed: output.show_now(status_views.change_line(changed, time.time())))
    except KeyboardInterrupt:  # Ctrl-C is the usual way to end it
        raise typer.Exit(130) from None


def _lines(report: StatusReport) -> tuple[list[tuple[str, ...]], list[str | Remedy]]:
    now = time.time()
    return status_views.rows(report, now), status_views.notes(report, now)
