"""A person's own command for notifications."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def run_hook(
    command: Sequence[str], text: bytes, directory: Path, environ: Mapping[str, str], seconds: float
) -> str | None:
    """Run a command with a text on its standard input; returns None on success, else the reason.

    Args:
        seconds: time limit, after which it is killed together with its children.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        return f"it cannot be run: {error.strerror}"
    try:
        process.communicate(text, timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return f"it did not end within {seconds:g} s and was killed"
    return None if process.returncode == 0 else f"it ended with exit code {process.returncode}"
