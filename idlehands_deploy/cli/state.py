"""Commands for a gateway's state."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import DryRun, app, progress, start_session
from idlehands_deploy.errors import UsageError
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show import output
from idlehands_deploy.show import ports as port_views
from idlehands_deploy.show.dry_run import show_plan

TWICE = "two of them would answer the same chats"


@app.command("import")
def import_(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new profile; with --undo, the imported one.")],
    directory: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIRECTORY", help="The native gateway's state, such as ~/.idlehands-rescue."),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Its base port. Default: the lowest free slot's.")] = None,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt",
            help="Move the files, within one file system; keep the port if it is free.",
        ),
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Undo an import; adopted files go back to where they were.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Import a native gateway as a profile.

    Its config, state and workspace are copied, or moved with --adopt. It must not run.

    Example: idlehands-deploy import rescue --from ~/.idlehands-rescue
    """
    if undo and dry_run:
        raise UsageError("import: --undo has no --dry-run", "Leave --dry-run out: --undo asks before it deletes.")
    if undo:
        _undo(ctx, name, yes=yes)
        return
    if directory is None:
        raise UsageError("import: --from is missing", "Name the native gateway's state directory with --from.")
    if dry_run:
        prepared = operations.imports.prepare_import(start_session(ctx), name, directory, port, adopt=adopt)
        show_plan(progress, prepared.plan)
        for warning in prepared.warnings:
            progress.say(f"Warning: {warning}")
        return
    done = operations.imports.import_native(start_session(ctx, changes=True), name, directory, port, adopt=adopt)
    for warning in done.warnings:
        progress.say(f"Warning: {warning}")
    progress.close()
    output.show_table(port_views.COLUMNS, port_views.plan_rows(done.ports))
    progress.say(f"Keep the native gateway from starting again: {'it has lost its files' if adopt else TWICE}.")
    progress.say(Remedy(f"Imported {name} from {done.source}. Next: ", ours("up", name)))


def _undo(ctx: typer.Context, name: str, *, yes: bool) -> None:
    def confirm(question: str) -> bool:
        return yes or (sys.stdin.isatty() and typer.confirm(question, err=True))

    journal = operations.imports.undo(start_session(ctx, changes=True), name, confirm=confirm)
    progress.say(f"Removed {name}." + (f" Its files are back in {journal.source}." if journal.adopted else ""))
