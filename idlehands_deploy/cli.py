"""The command line: each command calls one operation and shows what came of it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from idlehands_deploy import __version__, output, views
from idlehands_deploy.operations import editing, inspection, lifecycle
from idlehands_deploy.operations.session import Session, select

READY_TIMEOUT = 180.0


class _Group(TyperGroup):
    """Commands in the order they are needed, and an interruption that says what it leaves."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - Typer's own signature
        return list(self.commands)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - Typer's own signature
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            talk.close()
            talk.say("\nInterrupted: what runs goes on running. See it: idlehands-deploy status")
            raise typer.Exit(130) from None


_MARKUP: Any = "rich" if sys.stdout.isatty() else None
app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode=_MARKUP,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
image_app = typer.Typer(
    cls=_Group, no_args_is_help=True, rich_markup_mode=_MARKUP, help="The gateway's image."
)
talk = output.Talk()


def _complete_profile(ctx: typer.Context, incomplete: str) -> list[str]:
    try:
        directory = ctx.find_root().params.get("directory")
        return [name for name in _session(directory).fleet().profiles if name.startswith(incomplete)]
    except Exception:  # noqa: BLE001 - a broken fleet file must not break the person's shell
        return []


Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Profiles; none means all.", autocompletion=_complete_profile),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A profile.", autocompletion=_complete_profile)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds to wait for each gateway.")]
InstallEngine = Annotated[
    bool,
    typer.Option(
        "--install-engine", help="Install Debian's or Ubuntu's own Docker packages where they are missing."
    ),
]


@dataclass(frozen=True)
class _Options:
    directory: Path | None


def _session(directory: Path | None, *, install: bool | None = False) -> Session:
    """A session; ``install`` is None where a person at a terminal may be asked."""

    def may_install(what: str) -> bool:
        if install is not None:
            return install
        talk.close()
        return typer.confirm(f"Install {what} on this machine with apt-get?", default=False, err=True)

    return Session.start(directory, os.environ, Path.cwd(), Path.home(), talk, may_install)


def _directory(ctx: typer.Context) -> Path | None:
    options: _Options = ctx.obj
    return options.directory


def _consent(given: bool) -> bool | None:
    if given:
        return True
    return None if sys.stdin.isatty() and sys.stderr.isatty() else False


def _show_version(value: bool) -> None:
    if value:
        output.show(f"idlehands-deploy {__version__}")
        raise typer.Exit


@app.callback()
def main(
    ctx: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Option(
            "-C", "--directory", metavar="DIRECTORY",
            help="The deployment directory. Default: $IDLEHANDS_DEPLOY_DIR, else the nearest parent with a "
            "fleet.yaml, else ~/.local/share/idlehands-deploy.",
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:  # fmt: skip
    """Run several IdleHands gateways on one host, each in a container of its own.

    Exit codes: 0 done, 2 usage or fleet file, 3 port conflict, 4 engine unreachable, 5 engine or build
    failed, 6 not healthy in time, 7 state operation refused, 130 interrupted.
    """
    ctx.obj = _Options(directory)


@app.command()
def up(
    ctx: typer.Context,
    names: Names = None,
    timeout: Timeout = READY_TIMEOUT,
    install_engine: InstallEngine = False,
    as_json: Json = False,
) -> None:
    """Bring gateways up and wait until each is usable; a NAME that does not exist is added.

    Example: idlehands-deploy up rescue
    """
    session = _session(_directory(ctx), install=_consent(install_engine))
    _show_up(lifecycle.up(session, names or [], timeout), as_json=as_json)


@app.command()
def status(ctx: typer.Context, names: Names = None, as_json: Json = False) -> None:
    """Show what is true of each gateway now."""
    report = inspection.status(_session(_directory(ctx)), names or [])
    if as_json:
        output.show_json(views.status_json(report))
    else:
        output.show_table(views.STATUS_COLUMNS, views.status_rows(report))


@app.command()
def url(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Print the dashboard's link, which logs straight in. It holds the token: keep it to yourself.

    Example: xdg-open "$(idlehands-deploy url rescue)"
    """
    link = inspection.url(_session(_directory(ctx)), name)
    if as_json:
        output.show_json({"profile": name, "url": link})
    else:
        output.show(link)


@app.command()
def logs(
    ctx: typer.Context,
    names: Names = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on showing new lines.")] = False,
    since: Annotated[str | None, typer.Option(help="From a time or an age on, such as 10m.")] = None,
    tail: Annotated[str | None, typer.Option(help="Only so many lines of each.")] = None,
) -> None:
    """Show the gateways' logs, interleaved.

    Example: idlehands-deploy logs main rescue --follow --since 10m
    """
    from idlehands_deploy.engine.compose import log_arguments  # noqa: PLC0415

    session = _session(_directory(ctx))
    fleet = session.fleet()
    arguments = log_arguments(
        select(fleet, names or []), follow=follow, since=since, tail=tail, colour=sys.stdout.isatty()
    )
    session.engine()
    session.compose(fleet).become(*arguments)


@app.command(
    "exec",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    options_metavar="[--raw]",
)
def exec_(
    ctx: typer.Context,
    name: Name,
    arguments: Annotated[
        list[str], typer.Argument(metavar="ARGUMENTS...", help="What `idlehands` is called with.")
    ],
    raw: Annotated[bool, typer.Option("--raw", help="ARGUMENTS are a command of their own.")] = False,
) -> None:
    """Run the gateway's own command in its container.

    Example: idlehands-deploy exec rescue browser status

    Example: idlehands-deploy exec --raw rescue bash
    """
    from idlehands_deploy.engine.compose import exec_arguments  # noqa: PLC0415

    session = _session(_directory(ctx))
    fleet = session.fleet()
    select(fleet, [name])
    session.engine()
    command = arguments if raw else ["idlehands", *arguments]
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    session.compose(fleet).become(*exec_arguments(name, command, terminal=terminal))


@app.command()
def stop(ctx: typer.Context, names: Names = None) -> None:
    """Stop gateways, each when its work is done; they stay stopped, also after a reboot."""
    for name in lifecycle.stop(_session(_directory(ctx)), names or []):
        talk.say(f"{name} is stopped.")


@app.command()
def start(
    ctx: typer.Context, names: Names = None, timeout: Timeout = READY_TIMEOUT, as_json: Json = False
) -> None:
    """Start stopped gateways and wait until each is usable."""
    session = _session(_directory(ctx))
    _show_up(lifecycle.start(session, names or [], timeout), as_json=as_json)


@app.command()
def restart(
    ctx: typer.Context, names: Names = None, timeout: Timeout = READY_TIMEOUT, as_json: Json = False
) -> None:
    """Restart gateways, each when its work is done, and wait until each is usable."""
    session = _session(_directory(ctx))
    _show_up(lifecycle.restart(session, names or [], timeout), as_json=as_json)


@app.command()
def down(ctx: typer.Context, names: Names = None) -> None:
    """Stop gateways and remove their containers; config, state and workspace stay."""
    session = _session(_directory(ctx))
    for name in lifecycle.down(session, names or []):
        talk.say(f"{name} is down; its files stay in {session.deployment.root}.")


@app.command()
def init(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Profiles; none means main.")
    ] = None,
) -> None:
    """Make a deployment: a fleet file, and what is generated from it."""
    session = _session(_directory(ctx) or (None if os.environ.get("IDLEHANDS_DEPLOY_DIR") else Path.cwd()))
    editing.init(session, names or ["main"])
    talk.say(f"Made {session.deployment.fleet_file}. Next: idlehands-deploy up")


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new profile.")],
    port: Annotated[int | None, typer.Option(help="Its base port. Default: the lowest free slot's.")] = None,
    rescues: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A profile that it is meant to repair.", autocompletion=_complete_profile
        ),
    ] = None,
) -> None:
    """Add a profile without starting it.

    Example: idlehands-deploy add rescue --rescues main
    """
    plan = editing.add(_session(_directory(ctx)), name, port, rescues or [])
    output.show_table(views.PORT_COLUMNS, views.port_rows([plan.ports.profiles[name]]))


@app.command()
def remove(
    ctx: typer.Context,
    name: Name,
    purge: Annotated[
        bool, typer.Option("--purge", help="Delete its state, workspace and secrets too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting.")] = False,
) -> None:
    """Take a profile out, with its container. Its files stay unless --purge is given."""

    def confirm(question: str) -> bool:
        return yes or (sys.stdin.isatty() and typer.confirm(question, err=True))

    kept = lifecycle.remove(_session(_directory(ctx)), name, purge=purge, confirm=confirm)
    talk.say(f"Removed {name}." + (f" Its files stay in {kept}." if kept else ""))


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List the profiles of the fleet file."""
    session = _session(_directory(ctx))
    fleet, plans = session.fleet(), inspection.ports(session, [])
    if as_json:
        output.show_json(views.list_json(fleet, plans))
    else:
        output.show_table(views.LIST_COLUMNS, views.list_rows(fleet, plans))


@app.command()
def ports(ctx: typer.Context, names: Names = None, as_json: Json = False) -> None:
    """Show which ports each profile takes on this host."""
    plans = inspection.ports(_session(_directory(ctx)), names or [])
    if as_json:
        output.show_json(views.ports_json(plans))
    else:
        output.show_table(views.PORT_COLUMNS, views.port_rows(plans))


@app.command()
def generate(
    ctx: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 2 with a diff if it is stale.")
    ] = False,
) -> None:
    """Write compose.yaml from fleet.yaml."""
    session = _session(_directory(ctx))
    if check:
        editing.check_generated(session)
    elif editing.generate(session):
        talk.say(f"Wrote {session.deployment.compose_file}.")
    else:
        talk.say(f"{session.deployment.compose_file} is up to date.")


@app.command()
def token(
    ctx: typer.Context,
    name: Name,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new one, and restart the gateway if it runs.")
    ] = False,
) -> None:
    """Print a gateway's token."""
    session = _session(_directory(ctx))
    output.show(
        lifecycle.rotate_token(session, name, READY_TIMEOUT) if rotate else inspection.token(session, name)
    )


@image_app.callback()
def image() -> None:
    """Build the gateway's image."""


@image_app.command("build")
def image_build(
    ctx: typer.Context,
    tag: Annotated[str | None, typer.Option(help="The image's name. Default: the fleet file's.")] = None,
    gateway_package: Annotated[
        str, typer.Option(help="An npm package that speaks the gateway's contract.")
    ] = "openclaw",
    gateway_version: Annotated[
        str | None, typer.Option(help="Its version. Default: the image's tag.")
    ] = None,
    gateway_command: Annotated[str, typer.Option(help="The program that it installs.")] = "openclaw",
    gateway_prefix: Annotated[
        str, typer.Option(help="The prefix of the variables that it reads.")
    ] = "OPENCLAW_",
    install_engine: InstallEngine = False,
) -> None:
    """Build the gateway's image; a second build with nothing changed takes seconds."""
    from idlehands_deploy.image import GatewayPackage  # noqa: PLC0415
    from idlehands_deploy.operations.images import build  # noqa: PLC0415

    session = _session(_directory(ctx), install=_consent(install_engine))
    package = GatewayPackage(gateway_package, gateway_version, gateway_command, gateway_prefix)
    built = build(session, tag, package)
    talk.say(f"Built {built.reference}: {built.megabytes} MB.")


app.add_typer(image_app, name="image")


def _show_up(result: lifecycle.UpResult, *, as_json: bool) -> None:
    talk.close()
    if as_json:
        output.show_json([views.observation_json(item) for item in result.seen])
        return
    for line in views.up_lines(result):
        output.show(line)
