"""Commands about running gateways."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import (
    READY_TIMEOUT,
    DryRun,
    InstallEngine,
    Json,
    Name,
    Names,
    Now,
    Timeout,
    app,
    consent,
    show_up,
    start_session,
    talk,
)
from idlehands_deploy.remedies import Remedy
from idlehands_deploy.show import output
from idlehands_deploy.show.dry_run import show_plan
from idlehands_deploy.text import printable


@app.command()
def up(
    ctx: typer.Context,
    names: Names = None,
    timeout: Timeout = READY_TIMEOUT,
    install_engine: InstallEngine = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Bring gateways up and wait until each is usable; a NAME that does not exist is added.

    Example: idlehands-deploy up rescue

    Example: idlehands-deploy up --dry-run
    """
    session = start_session(ctx, install=False if dry_run else consent(install_engine))
    if dry_run:
        prepared = operations.lifecycle.prepare_up(session, names or [])
        show_plan(talk, prepared.plan, prepared.note, as_json=as_json)
        return
    show_up(lambda: operations.lifecycle.up(session, names or [], timeout), as_json=as_json)


@app.command()
def url(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Print the dashboard's link, which logs straight in. It holds the token: keep it to yourself.

    Example: xdg-open "$(idlehands-deploy url rescue)"
    """
    link = operations.dashboard.url(start_session(ctx), name)
    if as_json:
        output.show_json({"profile": name, "url": link})
    else:
        output.show(link)


@app.command("open")
def open_(ctx: typer.Context, name: Name) -> None:
    """Open the dashboard in your browser, logged in; print its link where there is no browser."""
    link = operations.dashboard.open_dashboard(start_session(ctx), name)
    if link is None:
        talk.say(f"Opened the dashboard of {name}.")
    else:
        output.show(link)


@app.command()
def logs(
    ctx: typer.Context,
    names: Names = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on showing new lines.")] = False,
    since: Annotated[str | None, typer.Option(help="From a time or an age on, such as 10m.")] = None,
    tail: Annotated[int | None, typer.Option(min=0, help="Only so many lines of each.")] = None,
) -> None:
    """Show the gateways' logs, interleaved.

    Example: idlehands-deploy logs main rescue --follow --since 10m
    """
    colour = sys.stdout.isatty()
    session = start_session(ctx)
    output.show(operations.containers.logs(session, names or [], follow=follow, since=since, tail=tail, colour=colour))


@app.command(
    "exec",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    options_metavar="[--raw]",
)
def exec_(
    ctx: typer.Context,
    name: Name,
    arguments: Annotated[list[str], typer.Argument(metavar="ARGUMENTS...", help="What `idlehands` is called with.")],
    raw: Annotated[bool, typer.Option("--raw", help="ARGUMENTS are a command of their own.")] = False,
) -> None:
    """Run the gateway's own command in its container.

    Example: idlehands-deploy exec rescue browser status

    Example: idlehands-deploy exec --raw rescue bash
    """
    command = arguments if raw else ["idlehands", *arguments]
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    operations.containers.execute(start_session(ctx), name, command, terminal=terminal)


@app.command()
def shell(ctx: typer.Context, name: Name) -> None:
    """Open a shell in a gateway's container, as the gateway's user."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    operations.containers.shell(start_session(ctx), name, terminal=terminal)


@app.command(context_settings={"ignore_unknown_options": True})
def onboard(
    ctx: typer.Context,
    name: Name,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGUMENTS]...", help="More for the gateway's own onboarding.")
    ] = None,
    non_interactive: Annotated[
        bool, typer.Option("--non-interactive", help="Ask nothing: take the provider's key from the secrets.")
    ] = False,
    auth_choice: Annotated[
        str | None, typer.Option(help="The provider, as the gateway calls it. Default: that of the first key.")
    ] = None,
    timeout: Timeout = READY_TIMEOUT,
) -> None:
    """Bring a gateway up and set it up with a model provider, by its own onboarding in its container.

    Example: idlehands-deploy onboard rescue

    Example: idlehands-deploy onboard rescue --non-interactive
    """
    terminal = not non_interactive and sys.stdin.isatty() and sys.stdout.isatty()
    session = start_session(ctx)
    result, findings = operations.onboarding.onboard(
        session, name, auth_choice, arguments or [], timeout, terminal=terminal
    )
    show_up(lambda: result, as_json=False)
    for finding in findings:
        talk.say(printable(f"{finding.place}: {finding.what}"))
        talk.say(Remedy("  ").then(finding.fix))


@app.command()
def stop(ctx: typer.Context, names: Names = None, now: Now = False, dry_run: DryRun = False) -> None:
    """Stop gateways, each when its work is done; they stay stopped, also after a reboot."""
    session = start_session(ctx)
    if dry_run:
        show_plan(talk, operations.lifecycle.prepare_stop(session, names or [], now=now).plan)
        return
    for name in operations.lifecycle.stop(session, names or [], now=now):
        talk.say(f"{name} is stopped.")


@app.command()
def start(
    ctx: typer.Context,
    names: Names = None,
    timeout: Timeout = READY_TIMEOUT,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Start stopped gateways and wait until each is usable."""
    session = start_session(ctx)
    if dry_run:
        show_plan(talk, operations.lifecycle.prepare_start(session, names or []).plan, as_json=as_json)
        return
    show_up(lambda: operations.lifecycle.start(session, names or [], timeout), as_json=as_json)


@app.command()
def restart(
    ctx: typer.Context,
    names: Names = None,
    timeout: Timeout = READY_TIMEOUT,
    now: Now = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Restart gateways, each when its work is done, and wait until each is usable."""
    session = start_session(ctx)
    if dry_run:
        show_plan(talk, operations.lifecycle.prepare_restart(session, names or [], now=now).plan, as_json=as_json)
        return
    show_up(lambda: operations.lifecycle.restart(session, names or [], timeout, now=now), as_json=as_json)


@app.command()
def down(ctx: typer.Context, names: Names = None, now: Now = False, dry_run: DryRun = False) -> None:
    """Stop gateways and remove their containers; config, state and workspace stay."""
    session = start_session(ctx)
    if dry_run:
        show_plan(talk, operations.lifecycle.prepare_down(session, names or [], now=now).plan)
        return
    for name in operations.lifecycle.down(session, names or [], now=now):
        talk.say(f"{name} is down; its files stay in {session.deployment.root}.")


@app.command()
def token(
    ctx: typer.Context,
    name: Name,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new one, and restart the gateway if it runs.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Print a gateway's token."""
    session = start_session(ctx)
    if dry_run and rotate:
        show_plan(talk, operations.dashboard.prepare_rotation(session, name).plan)
        return
    if rotate:
        operations.dashboard.rotate_token(session, name, READY_TIMEOUT)
    output.show(operations.dashboard.token(session, name))
