"""Commands for a gateway's own config."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import Group, Json, Name, Names, app, progress, start_session
from idlehands_deploy.errors import UsageError
from idlehands_deploy.show import config as views
from idlehands_deploy.show import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.errors import Problem
    from idlehands_deploy.operations.config import Saved

config_app = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None)
app.add_typer(config_app, name="config")


@config_app.callback()
def config() -> None:
    """Show, check and change a gateway's own config."""


@config_app.command()
def show(
    ctx: typer.Context,
    name: Name,
    raw: Annotated[bool, typer.Option("--raw", help="With its secrets.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the value that takes effect, as JSON.")] = False,
) -> None:
    """Print a gateway's config, without its secrets.

    Files that it includes follow it. With --json they are merged in.
    """
    session = start_session(ctx)
    if as_json:
        output.show_json(operations.config.effective(session, name, raw=raw))
        return
    for line in views.text_lines(operations.config.show(session, name, raw=raw), terminal=output.is_terminal()):
        output.show(line)


@config_app.command()
def check(ctx: typer.Context, names: Names = None, as_json: Json = False) -> None:
    """Ask gateways whether they accept their configs.

    Exits with 2 if one does not. The gateways need not run.
    """
    checks = operations.config.check(start_session(ctx), names or [])
    progress.close()
    if as_json:
        output.show_json(views.checks_json(checks))
    else:
        for line in views.check_lines(checks):
            output.show_line(line)
    if any(item.problems for item in checks):
        raise typer.Exit(2)


@config_app.command()
def edit(
    ctx: typer.Context,
    name: Name,
    file: Annotated[str | None, typer.Argument(metavar="[FILE]", help="A file that the config includes.")] = None,
) -> None:
    """Edit a gateway's config in $VISUAL or $EDITOR.

    It is saved once the gateway would accept it.

    Example: idlehands-deploy config edit rescue
    """
    if not sys.stdin.isatty():
        raise UsageError("config edit needs a terminal.", "To set one value from a script, use `config set`.")

    def again(problems: Sequence[Problem]) -> bool:
        progress.say(f"{name} would not start with this:")
        for problem in problems:
            progress.say(f"  {problem}")
        return typer.confirm("Edit it again? (No discards your changes.)", default=True, err=True)

    saved = operations.config.edit(start_session(ctx, changes=True), name, file, again)
    progress.close()
    if saved is None:
        progress.say("Discarded: nothing was saved.")
    else:
        _tell(name, saved)


@config_app.command("set", context_settings={"ignore_unknown_options": True})
def set_(
    ctx: typer.Context,
    name: Name,
    key: Annotated[str, typer.Argument(metavar="KEY", help="A dotted path, such as agents.defaults.workspace.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="JSON5, or a text; - reads it from standard input.")],
) -> None:
    """Set one value of a gateway's config; its comments stay.

    Nothing is changed if the gateway would refuse it.

    Example: idlehands-deploy config set rescue browser.headless true
    """
    text = sys.stdin.read().strip() if value == "-" else value
    saved = operations.config.set_value(start_session(ctx, changes=True), name, key, text)
    progress.close()
    _tell(name, saved)


@config_app.command()
def unset(
    ctx: typer.Context,
    name: Name,
    key: Annotated[str, typer.Argument(metavar="KEY", help="A dotted path, such as gateway.port.")],
) -> None:
    """Take one value out of a gateway's config; comments beside it stay.

    Nothing is changed if the gateway would refuse the rest.
    """
    saved = operations.config.unset_value(start_session(ctx, changes=True), name, key)
    progress.close()
    _tell(name, saved)


def _tell(name: str, saved: Saved) -> None:
    for line in views.saved_lines(name, saved):
        progress.say(line)
