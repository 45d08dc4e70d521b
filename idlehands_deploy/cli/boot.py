"""Commands about what happens when the host starts."""

from __future__ import annotations

import typer  # noqa: TC002 - Typer reads the annotation

from idlehands_deploy import operations
from idlehands_deploy.cli.app import Names, app, start_session, talk


@app.command()
def install(ctx: typer.Context, names: Names = None) -> None:
    """Let gateways that were up come back after a reboot, where the engine does not start at boot by itself.

    Example: sudo idlehands-deploy install rescue
    """
    for name, what in operations.booting.install(start_session(ctx), names or []).items():
        talk.say(f"{name} {what}.")


@app.command()
def uninstall(ctx: typer.Context, names: Names = None) -> None:
    """Take back what install did; nothing is stopped."""
    for name, what in operations.booting.uninstall(start_session(ctx), names or []).items():
        talk.say(f"{name} {what}.")
