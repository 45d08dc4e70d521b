"""The `destroy` command."""

from __future__ import annotations

from typing import Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import DryRun, Now, Yes, app, asked, progress, start_session
from idlehands_deploy.errors import UsageError
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show.dry_run import show_plan
from idlehands_deploy.text import some


@app.command()
def destroy(
    ctx: typer.Context,
    keep_files: Annotated[
        bool, typer.Option("--keep-files", help="Remove containers, networks and boot units only.")
    ] = False,
    now: Now = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Delete a whole deployment for good.

    It asks first. Containers, networks, boot units, profiles, secrets and the fleet file go; the image and files of
    yours stay.

    Example: idlehands-deploy destroy --dry-run
    """
    session = start_session(ctx)
    if dry_run:
        found = operations.cleanup.destroy.prepare_destroy(session, keep_files=keep_files, now=now)
        show_plan(progress, found.plan)
        return
    if yes and session.deployment.is_default:
        # A script that runs twice must not destroy another deployment the second time.
        raise UsageError(
            f"There is no deployment here, and --yes does not destroy your default one, {session.deployment.root}.",
            Remedy("If you mean it: ", ours("-C", str(session.deployment.root), "destroy", "--yes")),
        )
    left = operations.cleanup.destroy.destroy(session, asked(yes), keep_files=keep_files, now=now)
    root = session.deployment.root
    if keep_files:
        progress.say(f"Removed what ran from {root}; all files stay.")
    else:
        progress.say(f"Destroyed the deployment in {root}." + (f" Left in it: {some(left)}." if left else ""))
