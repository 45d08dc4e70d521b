"""Words that people know from Docker, Compose and systemd: each works here, or names what does."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idlehands_deploy.errors import UsageError
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show import output

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

ALL = "all"
# Other names of commands that do just that, by the group that they are in.
SAME = {
    "": {
        "log": "logs", "ls": "list", "mv": "rename", "profiles": "list", "ps": "status", "secrets": "secret",
        "stat": "status", "version": "--version",
    },
    "secret": {"add": "set", "delete": "rm", "ls": "list", "remove": "rm", "unset": "rm"},
}  # fmt: skip
SHELLS = ("ash", "bash", "dash", "sh", "zsh")

# What to type instead of a command that there is not; a command of ours stands in backticks.
INSTEAD = dict.fromkeys(("bash", "sh", "ssh", "attach", "terminal"), "A shell in a container: `shell NAME`.")
INSTEAD |= dict.fromkeys(("build", "images"), "The gateway's image is built by `image build`.")
INSTEAD |= dict.fromkeys(("check", "lint", "validate"), "`doctor` finds what is wrong; `up --dry-run` what is new.")
INSTEAD |= dict.fromkeys(("create", "new"), "`add NAME` adds a profile, and `up NAME` starts it as well.")
INSTEAD |= dict.fromkeys(("delete", "del", "rm"), "`down NAME` removes a container, `remove NAME` the profile too.")
INSTEAD |= dict.fromkeys(("deploy", "apply", "recreate"), "`up` brings up what has changed in fleet.yaml.")
INSTEAD |= dict.fromkeys(("enable", "disable"), "`install` lets gateways come back at boot, `uninstall` reverses it.")
INSTEAD |= dict.fromkeys(("events", "monitor"), "`watch` records what happens, `history` shows it.")
INSTEAD |= dict.fromkeys(("login", "auth", "setup", "configure"), "`onboard NAME` sets up a model provider.")
INSTEAD |= dict.fromkeys(("top", "stats", "info"), "`status` shows each gateway; with --watch it goes on.")
INSTEAD |= {
    "update": "A newer gateway: `upgrade --to VERSION`. A newer version of this tool: get it, then `image build`.",
    "edit": "Edit fleet.yaml with your editor; `up` applies it.",
    "kill": "`stop NAME --now` allows unfinished work five seconds.",
    "pause": "`stop NAME` stops a gateway once its work is done.",
    "pull": "`up` pulls an image that is missing; the gateway's own is built by `image build`.",
    "reload": "A gateway reads its config by itself; `restart NAME` restarts it.",
    "run": "`up NAME` starts a gateway; `exec NAME ...` runs the gateway's own command in it.",
    "unpause": "`start NAME` starts a stopped gateway.",
    "wait": "`health --wait` waits until each is usable.",
}

_GRACE = "It waits as long as stop_grace_period in fleet.yaml says; --now allows five seconds."
_DIRECTORY = "A deployment is named by its directory: -C DIRECTORY."
_NAME = "Name the profile without an option, as in `status rescue`."
# The same for options: of a command, or of any.
OPTIONS = {
    ("", "-v"): "The version: `--version`.",
    ("doctor", "--fix"): "It changes nothing: each finding ends with what to type.",
    ("down", "--rmi"): "Images are the engine's: docker image rm.",
    ("exec", "-u"): "It runs as the gateway's user, never as root.",
    ("image", "-t"): "The image's name: --tag NAME.",
    ("logs", "--lines"): "The last lines: --tail NUMBER, or -n NUMBER.",
    ("logs", "--until"): "It has --since and --tail.",
    ("status", "-f"): "It goes on with --watch.",
    ("status", "--follow"): "It goes on with --watch.",
    ("up", "--build"): "First build the image: `image build`.",
    ("up", "--force-recreate"): "It recreates what is out of date; `restart` restarts the rest.",
    ("up", "--pull"): "It pulls an image that is missing; the gateway's own is built by `image build`.",
}
OPTIONS |= {("remove", option): "Do not ask: --yes." for option in ("-f", "--force")}
OPTIONS |= {
    (command, option): "A profile is removed with its files by `remove NAME --purge`."
    for command in ("down", "remove")
    for option in ("-v", "--volumes")
}
OPTIONS |= {(command, option): _GRACE for command in ("stop", "down", "restart") for option in ("-t", "--time")}
OPTIONS |= {(command, "--timeout"): _GRACE for command in ("stop", "down")}
ANYWHERE = dict.fromkeys(("-a", "--all"), "No name means all.")
ANYWHERE |= dict.fromkeys(("-f", "--file", "-p", "--project-name", "--project-directory"), _DIRECTORY)
ANYWHERE |= dict.fromkeys(("-o", "--output", "--format"), "For scripts: --json.")
ANYWHERE |= dict.fromkeys(("-q", "--quiet"), "Messages are on standard error: 2>/dev/null hides them.")
ANYWHERE |= {"--profile": _NAME, "-y": "Do not ask: --yes."}


def understood(group: str, words: Sequence[str]) -> list[str]:
    """The words of a command line, from the command on, as this program has them.

    Args:
        group: the group's name; empty for the program.
    """
    word, *more = words
    if word == "help":
        word, *more = [*(other for other in more if not other.startswith("-")), "--help"]
    return [SAME.get(group, {}).get(word, word), *more]


def refuse_unknown(word: str, directory: Path | None) -> None:
    """Name the command that is meant by a word of another program.

    Args:
        directory: the deployment directory of this call.

    Raises:
        UsageError: there is one.
    """
    if sentence := INSTEAD.get(word):
        output.remember_directory(directory)
        raise UsageError(f"There is no command {word}.", _remedy(sentence))


def explain_option(error: Exception) -> None:
    """Name what is meant by an option of another program, if that is what the error is about.

    Raises:
        UsageError: it is.
    """
    option, context = getattr(error, "option_name", None), getattr(error, "ctx", None)
    if option is None or context is None or not hasattr(error, "possibilities"):
        return
    path = context.command_path.split()[1:]
    command = path[0] if path else ""
    if sentence := OPTIONS.get((command, option)) or ANYWHERE.get(option):
        raise UsageError(f"{' '.join(path) or 'The program'} has no option {option}.", _remedy(sentence)) from None


def take_directory(context: Any, command: Any) -> None:  # noqa: ANN401 - Typer's types depend on its version
    """Let a command take the program's ``-C`` as well, as in ``list -C DIRECTORY``."""
    if any(option.name == _AGAIN for option in command.params):
        return
    given = next((option for option in context.find_root().command.params if option.name == "directory"), None)
    if given is not None:
        again = copy.copy(given)
        again.name, again.hidden, again.expose_value, again.callback = _AGAIN, True, False, _set_directory
        again.is_eager = True  # before the names, which may need the fleet file
        command.params.append(again)


_AGAIN = "deployment_directory"


def _set_directory(context: Any, _: object, directory: str | None) -> None:  # noqa: ANN401
    if directory is not None:
        context.find_root().obj = Path(directory)
        output.remember_directory(context.find_root().obj)


def take_all(command: Any, profiles: Callable[[Any], Container[str]]) -> None:  # noqa: ANN401
    """Let a command that takes profiles' names take ``all`` for every one of them.

    Args:
        profiles: gives those of the fleet file, in the context of the call.
    """

    def read(context: Any, _: object, names: Any) -> Any:  # noqa: ANN401
        if not names or ALL not in names or context.resilient_parsing:
            return names
        return every(names, profiles(context))

    for parameter in command.params:
        if parameter.name == "names" and command.name != "init":  # which makes new ones
            parameter.callback = read


def every(names: Sequence[str], profiles: Container[str]) -> list[str]:
    """The names as profiles: ``all`` means every one, as no name does, unless a profile has that name.

    Raises:
        UsageError: ``all`` stands beside another name.
    """
    if ALL in profiles:
        return list(names)
    if set(names) != {ALL}:
        raise UsageError(f"{ALL} means every profile, and stands alone.", "Name some profiles, or all.")
    return []


def refuse_shell(name: str, arguments: Sequence[str]) -> None:
    """See that `exec` is given a command of the gateway, not a shell.

    Raises:
        UsageError: it is a shell.
    """
    if arguments[0].rpartition("/")[2] not in SHELLS:
        return
    words = ("exec", "--raw", name, *arguments) if arguments[1:] else ("shell", name)
    raise UsageError(
        f"{arguments[0]} is no command of the gateway, whose own commands exec runs.",
        Remedy("In its container: ", ours(*words)),
    )


def _remedy(sentence: str) -> Remedy:
    """A sentence with commands in backticks."""
    parts: list[Any] = []
    for index, part in enumerate(sentence.split("`")):
        parts += ["`", ours(*part.split()), "`"] if index % 2 else [part]
    return Remedy(*parts)
