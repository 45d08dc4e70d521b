"""Commands for a gateway's token, and for the keys that it gets as variables."""

import sys
from typing import Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import (
    READY_TIMEOUT,
    DryRun,
    Force,
    Group,
    Json,
    Name,
    Names,
    app,
    asked,
    progress,
    show_up,
    start_session,
)
from idlehands_deploy.errors import UsageError
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show import output
from idlehands_deploy.show import secrets as views
from idlehands_deploy.show.dry_run import show_plan

secret_app = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None)
app.add_typer(secret_app, name="secret")

# More than any variable can hold; bytes.
MOST = 1 << 20
Key = Annotated[str, typer.Argument(metavar="KEY", help="The variable's name, such as OPENAI_API_KEY.")]
Up = Annotated[bool, typer.Option("--up", help="Then bring the gateway up, so that it has the change.")]


@secret_app.callback()
def secret() -> None:
    """Set, list and remove the keys that gateways get."""


@secret_app.command("set", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def set_(ctx: typer.Context, name: Name, key: Key, then_up: Up = False, dry_run: DryRun = False) -> None:
    """Set a key; its value comes from standard input or a prompt.

    The value goes into a file of its own, which only the gateway can read. fleet.yaml names the key.

    Example: idlehands-deploy secret set rescue OPENAI_API_KEY < key.txt
    """
    if ctx.args:
        raise UsageError(
            "secret set takes a profile and a name. A value as an argument can be seen by every user of this host, "
            "and stays in your shell's history.",
            Remedy("The value is asked for, or comes from standard input: ", ours("secret", "set", "NAME", "KEY")),
        )
    session = start_session(ctx, changes=not dry_run)
    operations.secrets.check(session, name, key)
    value = _read_value(name, key)
    if dry_run:
        show_plan(progress, operations.secrets.prepare_set(session, name, key, value, then_up=then_up).plan)
        return
    result = operations.secrets.set_secret(session, name, key, value, READY_TIMEOUT, then_up=then_up)
    if result:
        show_up(lambda: result, as_json=False)


@secret_app.command("list")
def list_(ctx: typer.Context, names: Names = None, as_json: Json = False) -> None:
    """List the keys of profiles, never their values."""
    found = operations.secrets.list_secrets(start_session(ctx), names or [])
    if as_json:
        output.show_json(views.as_json(found))
        return
    output.show_table(views.COLUMNS, views.rows(found))
    for note in views.notes(found):
        progress.say(note)


@secret_app.command()
def rm(
    ctx: typer.Context,
    name: Name,
    key: Key,
    then_up: Up = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Remove a key, and delete its value.

    A container that has the key must be recreated first, which --up does.

    Example: idlehands-deploy secret rm rescue OPENAI_API_KEY --up
    """
    session = start_session(ctx, changes=not dry_run)
    if dry_run:
        change = operations.secrets.prepare_removal(session, name, key, then_up=then_up)
        show_plan(progress, change.plan, [change.next] if change.next else [])
        return
    result = operations.secrets.remove_secret(session, name, key, READY_TIMEOUT, asked(yes), then_up=then_up)
    if result:
        show_up(lambda: result, as_json=False)


def _read_value(name: str, key: str) -> bytes:
    if not sys.stdin.isatty():
        return sys.stdin.buffer.read(MOST)
    value: str = typer.prompt(f"Value of {key} for {name} (hidden)", hide_input=True, err=True)
    return operations.secrets.read_typed(value)


@app.command()
def token(
    ctx: typer.Context,
    name: Name,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Replace it and its CDP token, and restart the gateway if it runs.")
    ] = False,
    force: Force = False,
    dry_run: DryRun = False,
) -> None:
    """Print a gateway's token."""
    session = start_session(ctx, changes=rotate and not dry_run)
    if dry_run and rotate:
        show_plan(progress, operations.dashboard.prepare_rotation(session, name, force=force).plan)
        return
    if rotate:
        operations.dashboard.rotate_token(session, name, READY_TIMEOUT, force=force)
    output.show(operations.dashboard.token(session, name))
