"""The `health` command, for scripts and monitors."""

from typing import Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import READY_TIMEOUT, Json, Names, app, progress, start_session
from idlehands_deploy.errors import NotReadyError
from idlehands_deploy.show import health as health_views
from idlehands_deploy.show import output


@app.command()
def health(
    ctx: typer.Context,
    names: Names = None,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Also test the token, the browser, a page and its picture; then restore all."),
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until each is usable, as `up` does.")] = False,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="With --wait: how long to wait for each gateway.")
    ] = READY_TIMEOUT,
    as_json: Json = False,
) -> None:
    """Check gateways, for scripts and monitors.

    Exits with 0 only if each is ready, and with --deep passes its tests; else with 6.

    Example: idlehands-deploy health rescue --deep
    """
    check = operations.health.check(start_session(ctx), names or [], timeout if wait else None, deep=deep)
    progress.close()
    if as_json:
        output.show_json(health_views.as_json(check))
    else:
        output.show_lines(health_views.lines(check))
    if not check.healthy:
        raise typer.Exit(NotReadyError.exit_code)
