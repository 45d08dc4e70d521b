"""The `doctor` command."""

from pathlib import Path
from typing import Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import Json, app, progress, start_session
from idlehands_deploy.errors import NotReadyError
from idlehands_deploy.show import findings as finding_views
from idlehands_deploy.show import output
from idlehands_deploy.show import status as status_views


@app.command()
def doctor(
    ctx: typer.Context,
    as_json: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 6 for warnings, too.")] = False,
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write an archive for a bug report instead, without secrets."),
    ] = None,
) -> None:
    """Find out what is wrong, why, and how to fix it.

    Checks the engine, the host, files, containers, configs and gateways, and changes nothing. Exits with 6 if there is
    an error.

    Example: idlehands-deploy doctor --bundle report.tar.gz
    """
    session = start_session(ctx)
    if bundle is not None:
        operations.doctor.report(session, bundle, status_views.as_json, finding_views.text)
        progress.say(f"Wrote {bundle}. Look through it before you share it.")
        return
    diagnosis = operations.doctor.examine(session)
    if as_json:
        output.show_json(finding_views.as_json(diagnosis, strict=strict))
    else:
        output.show_lines(finding_views.lines(diagnosis))
    if not diagnosis.passes(strict=strict):
        raise typer.Exit(NotReadyError.exit_code)
