"""The person's own editor."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# `editor` is Debian's name for the one that the administrator chose.
USUAL = ("editor", "nano", "vi")


def find_editor(environ: Mapping[str, str]) -> list[str] | None:
    """The editor's command: ``$VISUAL``, else ``$EDITOR``, else a usual one; None if there is none."""
    for variable in ("VISUAL", "EDITOR"):
        if command := environ.get(variable, "").strip():
            return shlex.split(command)
    return next(([name] for name in USUAL if shutil.which(name, path=environ.get("PATH"))), None)


def run_editor(command: list[str], file: Path, environ: Mapping[str, str]) -> str:
    """Edit a file on this terminal; returns why that failed, or nothing.

    Args:
        command: the editor with its own options.
    """
    try:
        process = subprocess.Popen([*command, str(file)], env=dict(environ))
    except OSError as error:
        return f"{command[0]} cannot be run: {error.strerror}"
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:  # the editor receives it too, and decides
            continue
        return f"{command[0]} ended with exit code {code}" if code else ""
