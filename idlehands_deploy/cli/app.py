"""The program's own options, and what all commands share: the session, options and output."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from idlehands_deploy import __version__, operations
from idlehands_deploy.cli.usage import words
from idlehands_deploy.cli.usage.help_page import page_width, write_commands
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show import fleet as fleet_views
from idlehands_deploy.show import output

if TYPE_CHECKING:
    from collections.abc import Callable

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.operations.lifecycle import UpResult


class Group(TyperGroup):
    """A group that lists its commands in the order of use, and reports an interruption."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - Typer's own signature
        """The commands, unsorted."""
        return list(self.commands)

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:  # noqa: ANN401 - the same
        """A context whose help pages are not wider than the terminal."""
        return super().make_context(info_name, args, parent, **(page_width() | extra))

    def format_commands(self, _ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - Typer's own signature
        """The commands of the help page, in groups."""
        write_commands(formatter, self.commands)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - Typer's own signature
        """Run the command; Ctrl-C exits with 130 and says how to see what runs."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, typer.Abort) as error:
            progress.close()
            # An operation that has undone what it had begun says so itself.
            said = str(error) or "Interrupted: nothing is undone."
            progress.say(Remedy(f"\n{said} See what runs: ", ours("status")))
            raise typer.Exit(130) from None
        except Exception as error:
            words.explain_option(error)
            raise

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer's own signature
        """Take the group's own options; one of another program's is explained."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            words.explain_option(error)
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - Typer's own signature
        """The command that is meant; one of another program's is explained."""
        args = words.understood(ctx.info_name if ctx.parent else "", args)
        if ctx.parent is None and args[0] not in self.commands:
            words.refuse_unknown(args[0], ctx.params.get("directory"))
        found = super().resolve_command(ctx, args)
        if found[1] is not None:
            # Only for the command that runs: Typer would look at these for each command, at every start.
            words.take_directory(ctx, found[1])
            words.take_all(found[1], lambda ctx: start_session(ctx, changes=None).fleet().profiles)
        return found


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,  # it breaks sentences where the source does, and is slow to load
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
progress = output.StderrProgress()


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
            "-C",
            "--directory",
            metavar="DIRECTORY",
            help="The deployment directory. Default: $IDLEHANDS_DEPLOY_DIR, else the nearest parent with a "
            "fleet.yaml, else ~/.local/share/idlehands-deploy.",
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("-V", "--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Run several IdleHands gateways on one host, each in a container of its own.

    Exit codes: 0 done, 2 usage or fleet file, 3 port conflict, 4 engine unreachable, 5 engine or build
    failed, 6 not healthy (in time, or by doctor), 7 state operation refused, 130 interrupted. exec and logs exit
    with the code of their own command.
    """
    ctx.obj = directory
    output.remember_directory(directory)


def start_session(
    ctx: typer.Context, *, changes: bool | None = False, install: bool | None = False, new_here: bool = False
) -> "Session":
    """Start a session in the deployment directory of this call.

    Args:
        changes: whether the command changes the deployment: it first finishes a rename that was interrupted, where
            another only says that there is one. Either undoes what was being done to a gateway's state, but only the
            first fails where that cannot be undone. None does nothing of this.
        install: whether missing packages may be installed; None asks at the terminal.
        new_here: use the working directory if no directory is named, for a new deployment.
    """

    def may_install(what: str) -> bool:
        if install is not None:
            return install
        progress.close()
        return typer.confirm(f"Install {what} on this machine with apt-get?", default=False, err=True)

    directory: Path | None = ctx.find_root().obj
    if new_here and directory is None and not os.environ.get("IDLEHANDS_DEPLOY_DIR"):
        directory = Path()
    from idlehands_deploy.deployment.session import Session  # noqa: PLC0415 - slow to load, and not needed for `--help`

    session = Session.start(directory, os.environ, _working(), _home(), progress, may_install)
    if changes is not None and session.deployment.is_default:
        progress.say(
            f"Deployment directory: {session.deployment.root} (your default, since there is no fleet.yaml here)"
        )
    if changes is not None and session.deployment.in_transaction:
        operations.snapshots.recover_interrupted(session, must=changes)
    if changes is not None and os.path.lexists(session.deployment.rename_file):
        if changes:
            operations.profiles.finish_rename(session)
        else:
            operations.profiles.tell_of_unfinished_rename(session)
    return session


def _working() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:  # it was deleted
        return None


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # HOME is not set, and the user has no passwd entry
        return None


def show_up(run: "Callable[[], UpResult]", *, as_json: bool) -> None:
    """Bring gateways up, and show the result."""
    result = run()
    progress.close()
    if as_json:  # also after a failure: a script needs the reasons
        output.show_json(fleet_views.up_json(result.seen))
    elif result.failure is None:
        for line in fleet_views.up_lines(result):
            output.show_line(line)
    result.usable()


def consent(given: bool) -> bool | None:
    """``--install-engine`` as given; None if a person at a terminal can be asked."""
    if given:
        return True
    return None if sys.stdin.isatty() and sys.stderr.isatty() else False


def asked(yes: bool) -> "Callable[[str], bool]":
    """How a question is answered: by ``--yes``, else by the person at the terminal, else with no."""

    def confirm(question: str) -> bool:
        if yes:
            return True
        progress.close()
        return sys.stdin.isatty() and typer.confirm(output.fitted(question), err=True)

    return confirm


def _complete_profile(ctx: typer.Context, incomplete: str) -> list[str]:
    try:
        root = ctx.find_root()
        root.obj = root.obj or root.params.get("directory")
        return [name for name in start_session(ctx, changes=None).fleet().profiles if name.startswith(incomplete)]
    except Exception:  # noqa: BLE001 - a wrong fleet file must not break the shell's completion
        return []


Names = Annotated[
    list[str] | None,
    typer.Argument(help="Profiles; none means all.", autocompletion=_complete_profile),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A profile.", autocompletion=_complete_profile)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and why; change nothing.")]
READY_TIMEOUT = 180.0
Timeout = Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long to wait for each gateway.")]
Yes = Annotated[bool, typer.Option("--yes", help="Answer yes to every question.")]
Now = Annotated[bool, typer.Option("--now", help="Allow unfinished work five seconds, not the whole grace period.")]
Force = Annotated[bool, typer.Option("--force", help="Do it with a config that the gateway refuses, too.")]
InstallEngine = Annotated[
    bool,
    typer.Option(
        "--install-engine",
        help="If Docker is missing, install it from Debian's or Ubuntu's own packages, and start it.",
    ),
]
