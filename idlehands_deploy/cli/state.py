"""Commands for a gateway's state."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import (
    READY_TIMEOUT,
    DryRun,
    Group,
    Json,
    Name,
    Names,
    Timeout,
    app,
    progress,
    show_up,
    start_session,
)
from idlehands_deploy.errors import UsageError
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show import output
from idlehands_deploy.show import ports as port_views
from idlehands_deploy.show import snapshots as snapshot_views
from idlehands_deploy.show.dry_run import show_plan
from idlehands_deploy.text import printable


class Listing(Group):
    """A group that lists where none of its commands is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer's own signature
        """Take the arguments, with the command that is meant."""
        is_named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if is_named else ["list", *args])


snapshots_app = typer.Typer(cls=Listing, rich_markup_mode=None)
app.add_typer(snapshots_app, name="snapshots")

Snapshot = Annotated[str, typer.Argument(metavar="SNAPSHOT", help="Its id, the beginning of it, or its label.")]
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


@snapshots_app.callback()
def snapshots() -> None:
    """List, take, label and delete what a gateway can go back to.

    Example: idlehands-deploy snapshots main
    """


@snapshots_app.command("list")
def list_(ctx: typer.Context, names: Names = None, as_json: Json = False) -> None:
    """List the snapshots."""
    found = operations.snapshots.list_snapshots(start_session(ctx), names or [])
    if as_json:
        output.show_json(snapshot_views.as_json(found))
        return
    if found:
        output.show_table(snapshot_views.COLUMNS, snapshot_views.rows(found))
    for note in snapshot_views.notes(found, names or []):
        progress.say(note)


@snapshots_app.command()
def create(
    ctx: typer.Context,
    names: Names = None,
    label: Annotated[str, typer.Option(help="Your own words. One with a label is never deleted automatically.")] = "",
    dry_run: DryRun = False,
) -> None:
    """Take a snapshot of state, workspace and home.

    A gateway that runs is frozen while its files are copied, so that its databases are whole.

    Example: idlehands-deploy snapshots create main --label "before the new plugin"
    """
    session = start_session(ctx, changes=not dry_run)
    if dry_run:
        show_plan(progress, operations.snapshots.plan_all(session, names or [], label))
        return
    for made in operations.snapshots.create(session, names or [], label):
        progress.say(
            Remedy(
                f"Took snapshot {made.id} of {made.profile}. Go back to it: ",
                ours("rollback", made.profile, "--to", made.id),
            )
        )


@snapshots_app.command("label")
def label_(
    ctx: typer.Context,
    name: Name,
    snapshot: Snapshot,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="Your own words; an empty text takes the label away.")],
) -> None:
    """Label a snapshot, so that it is never deleted automatically."""
    done = operations.snapshots.relabel(start_session(ctx, changes=True), name, snapshot, label)
    progress.say(
        f"Snapshot {done.id} of {name} " + (f'has the label "{printable(done.label)}".' if label else "has no label.")
    )


@snapshots_app.command("prune")
def prune_(ctx: typer.Context, names: Names = None, dry_run: DryRun = False) -> None:
    """Delete the snapshots that `snapshots` in fleet.yaml does not keep.

    The newest, the newest that a gateway was ready with, and those with a label stay.
    """
    session = start_session(ctx, changes=not dry_run)
    if dry_run:
        show_plan(progress, operations.snapshots.prepare_prune(session, names or [])[0])
        return
    if not operations.snapshots.prune(session, names or []):
        progress.say("Nothing to do.")


@app.command()
def rollback(
    ctx: typer.Context,
    name: Name,
    to: Annotated[
        str | None,
        typer.Option(metavar="SNAPSHOT", help="Its id, the beginning of it, or its label. Default: the newest."),
    ] = None,
    timeout: Timeout = READY_TIMEOUT,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Go back to a snapshot of state, workspace and home.

    What is there now becomes a snapshot itself. A gateway that ran must be ready again; if it is not, all is put back.

    Example: idlehands-deploy rollback main --to 20261128
    """
    session = start_session(ctx, changes=not dry_run)
    if dry_run:
        prepared = operations.snapshots.prepare_rollback(session, name, to, timeout)
        show_plan(progress, prepared.plan, as_json=as_json)
        return
    done = operations.snapshots.rollback(session, name, to, timeout)
    if done is None:
        progress.say(Remedy(f"{name} has the files of that snapshot. Start it: ", ours("up", name)))
        return
    show_up(lambda: done, as_json=as_json)


@app.command()
def upgrade(
    ctx: typer.Context,
    names: Names = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="VERSION|IMAGE", help="A version of the fleet's image, or another image. Default: it."),
    ] = None,
    timeout: Timeout = READY_TIMEOUT,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let gateways of another version take over, one after the other.

    State, workspace and home become a snapshot, and the new gateway gets a copy. If it is not ready, or fails a deep
    check that the old one passed, image and state go back together.

    Example: idlehands-deploy upgrade main --to 2026.9.6
    """
    session = start_session(ctx, changes=not dry_run)
    if dry_run:
        show_plan(progress, operations.upgrade.plan_all(session, names or [], to, timeout), as_json=as_json)
        return
    show_up(lambda: operations.upgrade.upgrade(session, names or [], to, timeout), as_json=as_json)
