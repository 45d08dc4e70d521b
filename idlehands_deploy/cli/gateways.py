"""Commands for gateways and their containers."""

import sys
from typing import Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import (
    READY_TIMEOUT,
    DryRun,
    Force,
    InstallEngine,
    Json,
    Name,
    Names,
    Now,
    Timeout,
    Yes,
    app,
    asked,
    consent,
    progress,
    show_up,
    start_session,
)
from idlehands_deploy.cli.usage import words
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
    yes: Yes = False,
    force: Force = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    _as_ever: Annotated[
        bool, typer.Option("-d", "--detach", "--wait", hidden=True, help="It always does, as Compose does with these.")
    ] = False,
) -> None:
    """Bring gateways up and wait until each is usable.

    A NAME that is not in the fleet file is added.

    Example: idlehands-deploy up rescue

    Example: idlehands-deploy up --dry-run
    """
    session = start_session(ctx, changes=not dry_run, install=False if dry_run else consent(install_engine))
    if dry_run:
        prepared = operations.lifecycle.prepare_up(session, names or [], yes=yes, force=force)
        show_plan(progress, prepared.plan, prepared.notes, as_json=as_json)
        return
    show_up(
        lambda: operations.lifecycle.up(session, names or [], timeout, asked(yes), yes=yes, force=force),
        as_json=as_json,
    )


@app.command()
def logs(
    ctx: typer.Context,
    names: Names = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Keep showing new lines.")] = False,
    since: Annotated[str | None, typer.Option(help="Only lines since a time or an age, such as 10m.")] = None,
    tail: Annotated[
        str | None, typer.Option("-n", "--tail", metavar="NUMBER", help="Only the last lines of each, this many.")
    ] = None,
    timestamps: Annotated[bool, typer.Option("-t", "--timestamps", help="Begin each line with its time.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Show colours, and whatever else a gateway wrote.")] = False,
) -> None:
    """Show the gateways' logs, interleaved.

    On a terminal, only what is printable: what a gateway logs could otherwise change what you see there.

    Example: idlehands-deploy logs main rescue --follow --since 10m
    """
    terminal = sys.stdout.isatty()
    lines = operations.containers.LogLines(since, read_count(tail), timestamps=timestamps, colour=terminal and raw)
    session = start_session(ctx)
    as_it_is = raw or not terminal
    code = operations.containers.logs(session, names or [], lines, follow=follow, show=output.show, raw=as_it_is)
    raise typer.Exit(code)


def read_count(value: str | None) -> int | None:
    """A number of lines; None for all of them."""
    if value in {None, words.ALL}:
        return None
    if not value.isdecimal():
        raise typer.BadParameter("must be a number of lines, or all", param_hint="--tail")
    return int(value)


@app.command(
    "exec",
    context_settings={"allow_interspersed_args": False},
    options_metavar="[--raw]",
)
def exec_(
    ctx: typer.Context,
    name: Name,
    arguments: Annotated[list[str], typer.Argument(metavar="ARGUMENTS...", help="The arguments for `idlehands`.")],
    raw: Annotated[bool, typer.Option("--raw", help="Run ARGUMENTS themselves as the command.")] = False,
    no_terminal: Annotated[bool, typer.Option("-T", "--no-tty", hidden=True, help="Use no terminal.")] = False,
    _as_ever: Annotated[
        bool, typer.Option("-i", "-t", "--interactive", "--tty", hidden=True, help="It does where there is a terminal.")
    ] = False,
) -> None:
    """Run the gateway's own command in its container.

    Example: idlehands-deploy exec rescue browser status

    Example: idlehands-deploy exec --raw rescue bash
    """
    if not raw:
        words.refuse_shell(name, arguments)
    command = arguments if raw else ["idlehands", *arguments]
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and not no_terminal
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
        list[str] | None,
        typer.Argument(metavar="[ARGUMENTS]...", help="Further arguments for the onboarding."),
    ] = None,
    non_interactive: Annotated[
        bool, typer.Option("--non-interactive", help="Ask nothing: use the provider's key from the secrets.")
    ] = False,
    auth_choice: Annotated[
        str | None, typer.Option(help="The provider, as the gateway names it. Default: that of the first key.")
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Use a model on this host, such as Ollama's or LM Studio's; ask nothing.")
    ] = False,
    port: Annotated[
        int | None, typer.Option(help="With --local: the port of the model server. Default: the usual ones.")
    ] = None,
    model: Annotated[str, typer.Option(help="With --local: the model. Default: the server's first.")] = "",
    timeout: Timeout = READY_TIMEOUT,
) -> None:
    """Set a gateway up with a model provider, or a model on this host.

    The gateway is brought up, and its own onboarding runs in its container.

    Example: idlehands-deploy onboard rescue

    Example: idlehands-deploy onboard rescue --non-interactive

    Example: idlehands-deploy onboard rescue --local
    """
    if (port or model) and not local:
        raise typer.BadParameter("is only for a model on this host: add --local", param_hint="--port, --model")
    terminal = not non_interactive and sys.stdin.isatty() and sys.stdout.isatty()
    session = start_session(ctx, changes=True)
    wish = operations.onboarding.LocalModel(port, model) if local else None
    result, findings = operations.onboarding.onboard(
        session, name, auth_choice, arguments or [], timeout, terminal=terminal, local=wish
    )
    show_up(lambda: result, as_json=False)
    for finding in findings:
        progress.say(printable(f"{finding.place}: {finding.what}"))
        progress.say(Remedy("  ").then(finding.fix))


@app.command()
def stop(ctx: typer.Context, names: Names = None, now: Now = False, dry_run: DryRun = False) -> None:
    """Stop gateways; each finishes its work first.

    They stay stopped, also after a reboot.
    """
    session = start_session(ctx, changes=not dry_run)
    if dry_run:
        show_plan(progress, operations.lifecycle.prepare_stop(session, names or [], now=now).plan)
        return
    for name in operations.lifecycle.stop(session, names or [], now=now):
        progress.say(f"{name} is stopped.")


@app.command()
def start(
    ctx: typer.Context,
    names: Names = None,
    timeout: Timeout = READY_TIMEOUT,
    force: Force = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Start stopped gateways and wait until each is usable."""
    session = start_session(ctx, changes=not dry_run)
    if dry_run:
        show_plan(progress, operations.lifecycle.prepare_start(session, names or [], force=force).plan, as_json=as_json)
        return
    show_up(lambda: operations.lifecycle.start(session, names or [], timeout, force=force), as_json=as_json)


@app.command()
def restart(
    ctx: typer.Context,
    names: Names = None,
    timeout: Timeout = READY_TIMEOUT,
    now: Now = False,
    force: Force = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Restart gateways and wait until each is usable.

    Each finishes its work first.
    """
    session = start_session(ctx, changes=not dry_run)
    if dry_run:
        prepared = operations.lifecycle.prepare_restart(session, names or [], now=now, force=force)
        show_plan(progress, prepared.plan, as_json=as_json)
        return
    show_up(lambda: operations.lifecycle.restart(session, names or [], timeout, now=now, force=force), as_json=as_json)


@app.command()
def down(ctx: typer.Context, names: Names = None, now: Now = False, dry_run: DryRun = False) -> None:
    """Stop gateways and remove their containers.

    Each finishes its work first. Config, state and workspace stay.
    """
    session = start_session(ctx, changes=not dry_run)
    if dry_run:
        show_plan(progress, operations.lifecycle.prepare_down(session, names or [], now=now).plan)
        return
    for name in operations.lifecycle.down(session, names or [], now=now):
        progress.say(f"{name} is down; its files stay in {session.deployment.root}.")
