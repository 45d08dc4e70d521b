"""Commands for gateways and the watch at boot."""

from typing import Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import Names, app, progress, start_session
from idlehands_deploy.cli.watch import read_address

Watch = Annotated[bool, typer.Option("--watch", help="The service that runs `watch`; without a NAME, only that.")]


@app.command()
def install(
    ctx: typer.Context,
    names: Names = None,
    watch: Watch = False,
    metrics: Annotated[
        str | None, typer.Option(metavar="ADDRESS:PORT", help="With --watch: serve Prometheus metrics there.")
    ] = None,
    dashboard: Annotated[
        str | None, typer.Option(metavar="ADDRESS:PORT", help="With --watch: serve a page to look at there.")
    ] = None,
) -> None:
    """Let gateways come back after a reboot.

    This is needed only if the engine does not start at boot by itself. Stopped gateways stay stopped. With --watch,
    `watch` runs as a service.

    Example: sudo idlehands-deploy install rescue

    Example: sudo idlehands-deploy install --watch
    """
    session = start_session(ctx)
    for address, option in ((metrics, "--metrics"), (dashboard, "--dashboard")):
        read_address(address)
        if address and not watch:
            raise typer.BadParameter("goes with --watch", param_hint=option)
    if names or not watch:
        for name, what in operations.boot.install(session, names or []).items():
            progress.say(f"{name} {what}.")
    if watch:
        progress.say(operations.boot.install_watch(session, metrics, dashboard))


@app.command()
def uninstall(ctx: typer.Context, names: Names = None, watch: Watch = False) -> None:
    """Reverse install; no gateway is stopped.

    Without a NAME, this reverses all of it, the service for `watch` too.
    """
    session = start_session(ctx)
    if names or not watch:
        for name, what in operations.boot.uninstall(session, names or []).items():
            progress.say(f"{name} {what}.")
    if (watch or not names) and operations.boot.uninstall_watch(session):
        progress.say("Stopped the watch and removed its unit.")
    elif watch:
        progress.say("The watch had no unit.")
