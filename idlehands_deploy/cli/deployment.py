"""Commands for the fleet file and the files that are generated from it."""

from typing import Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import (
    READY_TIMEOUT,
    DryRun,
    Force,
    Json,
    Name,
    Names,
    Timeout,
    Yes,
    app,
    asked,
    progress,
    show_up,
    start_session,
)
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show import fleet as views
from idlehands_deploy.show import output
from idlehands_deploy.show import ports as port_views
from idlehands_deploy.show.dry_run import show_plan
from idlehands_deploy.text import printable


@app.command()
def init(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Profiles; none means main.")] = None,
    project: Annotated[
        str | None, typer.Option("--name", help="The Compose project's name. Default: the directory's.")
    ] = None,
    base_port: Annotated[int | None, typer.Option(metavar="PORT", help="Main's base port. Default: 18789.")] = None,
) -> None:
    """Create a deployment in this directory.

    This writes a fleet file, and the files that are generated from it.

    Example: idlehands-deploy init main rescue
    """
    session = start_session(ctx, new_here=True)
    operations.profiles.init(session, names or ["main"], project, base_port)
    progress.say(Remedy(f"Made {session.deployment.fleet_file}. Next: ", ours("up")))


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new profile.")],
    port: Annotated[int | None, typer.Option(help="Its base port. Default: the lowest free slot's.")] = None,
    rescues: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A profile that it is meant to repair.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Add a profile without starting it.

    Example: idlehands-deploy add rescue --rescues main
    """
    plan = operations.profiles.add(start_session(ctx, changes=True), name, port, rescues or [], asked(yes))
    output.show_table(port_views.COLUMNS, port_views.plan_rows(plan.ports.profiles[name]))


@app.command()
def remove(
    ctx: typer.Context,
    name: Name,
    purge: Annotated[bool, typer.Option("--purge", help="Delete its state, workspace and secrets too.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Remove a profile and its container.

    Its files stay, unless --purge is given.
    """
    session = start_session(ctx, changes=not dry_run)
    if dry_run:
        show_plan(progress, operations.profiles.prepare_removal(session, name, purge=purge).plan)
        return

    kept = operations.profiles.remove(session, name, purge=purge, confirm=asked(yes))
    progress.say(f"Removed {name}." + (f" Its files stay in {kept}." if kept else ""))


@app.command()
def rename(
    ctx: typer.Context,
    old: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    timeout: Timeout = READY_TIMEOUT,
    force: Force = False,
    dry_run: DryRun = False,
) -> None:
    """Rename a profile.

    Its files, secrets, sessions and port stay. If it runs, it is restarted under its new name.

    Example: idlehands-deploy rename rescue backup-bot
    """
    session = start_session(ctx, changes=not dry_run)
    if dry_run:
        show_plan(progress, operations.profiles.prepare_rename(session, old, new, force=force).plan)
        return
    result = operations.profiles.rename(session, old, new, timeout, force=force)
    if result is None:
        progress.say(Remedy(f"{old} is now {new}, and is stopped. Start it: ", ours("up", new)))
        return
    show_up(lambda: result, as_json=False)


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List the profiles of the fleet file."""
    listing = operations.ports.listing(start_session(ctx))
    if as_json:
        output.show_json(views.list_json(listing))
    else:
        output.show_table(views.LIST_COLUMNS, views.list_rows(listing))


@app.command()
def ports(ctx: typer.Context, names: Names = None, as_json: Json = False) -> None:
    """Show the ports of profiles and of native gateways.

    A note marks each port that a profile's own config overrides.
    """
    report = operations.ports.ports(start_session(ctx), names or [])
    if as_json:
        output.show_json(port_views.ports_json(report))
    else:
        output.show_table(*port_views.table(report))
        for finding in report.findings:
            progress.say(printable(f"{finding.place}: {finding.what}"))
        if report.findings:
            progress.say(Remedy("What to do: ", ours("doctor")))


@app.command()
def generate(
    ctx: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 2 with a diff if a file is stale.")
    ] = False,
) -> None:
    """Write compose.yaml from fleet.yaml."""
    session = start_session(ctx, changes=not check)
    if check:
        operations.generation.check_generated(session)
    elif operations.generation.generate(session):
        progress.say(f"Wrote {session.deployment.compose_file}.")
    else:
        progress.say(f"{session.deployment.compose_file} is up to date.")
