"""The real program on a terminal of a given size, as a person sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from tests.support.helpers import clean_environ

WIDTHS = (40, 60, 80, 120, 200)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


def on_terminal(home: Path, *arguments: str, width: int = 80, typed: str = "", **environ: str) -> tuple[int, list[str]]:
    """The program's exit code, and the lines that it printed on both streams, without their colours.

    Args:
        typed: what a person types.
    """
    command = [sys.executable, "-m", "idlehands_deploy", *arguments]
    return _run(command, home, clean_environ(home, TERM="xterm", **environ), width, typed)


def at_a_shell(home: Path, line: str, width: int = 80) -> tuple[int, list[str]]:
    """The same for a line that a person types in a directory, in which the program goes by its name."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return _run(["bash", "-c", line], home, {**os.environ, "TERM": "xterm", "PATH": path}, width)


def _run(command: list[str], home: Path, environ: dict[str, str], width: int, typed: str = "") -> tuple[int, list[str]]:
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    process = subprocess.Popen(command, cwd=home, env=environ, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(mine, typed.encode())
    shown = b""
    try:
        while part := os.read(mine, 65536):
            shown += part
    except OSError:  # how Linux says that nobody writes any more
        pass
    os.close(mine)
    code = process.wait(timeout=60)
    return code, _CONTROL.sub("", shown.decode()).splitlines()
