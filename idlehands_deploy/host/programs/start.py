"""Other programs of this host, which may be missing, damaged or made for another processor."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING

from idlehands_deploy.errors import EngineFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def starting(program: str) -> Iterator[None]:
    """Turn the system's refusal to start a program into an error of ours.

    Raises:
        EngineFailedError: it cannot be started.
    """
    try:
        yield
    except OSError as error:
        remedy = (
            f"Look at it: ls -l {shlex.quote(program)}"
            if "/" in program
            else "Install it, or add its directory to PATH."
        )
        raise EngineFailedError(f"{program} cannot be run: {error.strerror or error}.", remedy) from None
