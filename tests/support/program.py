"""The real program in a process of its own, forked from one that has loaded it: a start costs no second of imports."""

from __future__ import annotations

import io
import multiprocessing
import os
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from multiprocessing import forkserver
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest

from idlehands_deploy.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

ROOT = Path(__file__).parent.parent.parent
# What commands load when they need it. (A name that is not there any more costs time, and nothing else.)
LIBRARIES = ("docker", "json5", "psutil", "rich.console", "rich.table", "ruamel.yaml", "typer._adapters", "yaml")
OURS = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.glob("idlehands_deploy/**/*.py")]
_processes = multiprocessing.get_context("forkserver")


def call(
    arguments: tuple[str, ...],
    home: Path,
    environ: Mapping[str, str],
    within: float = 60,
    uid: int | None = None,
    around: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> subprocess.CompletedProcess[str]:
    """Run the program in a pipe.

    What happens before its first line and after its last is not tried: for that, start a Python.

    Args:
        uid: of an ordinary user to run it as, when root runs the tests; None for who runs them.
        around: makes what is entered in its process before it begins, and left at its end; a function of a module.

    Raises:
        subprocess.TimeoutExpired: it took longer than ``within`` seconds, and was ended.
    """
    _start_server()
    with tempfile.TemporaryDirectory(prefix="idlehands-tests-") as name:
        said = [Path(name, stream) for stream in ("out", "err")]
        process = _processes.Process(target=_be_program, args=(arguments, home, dict(environ), said, uid, around))
        process.start()
        process.join(within)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), within)
        out, err = (path.read_text(encoding="utf-8") for path in said)
        return subprocess.CompletedProcess(list(arguments), process.exitcode, out, err)


def _start_server() -> None:
    with pytest.MonkeyPatch.context() as patch:
        # For the server, which looks for modules where a new Python does.
        patch.setenv("PYTHONPATH", str(ROOT))
        _processes.set_forkserver_preload(["tests.support.program", *LIBRARIES, *OURS])
        forkserver.ensure_running()


def _be_program(
    arguments: tuple[str, ...],
    home: Path,
    environ: dict[str, str],
    said: list[Path],
    uid: int | None,
    around: Callable[[], AbstractContextManager[None]],
) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(home)
    for number, path in enumerate(said, 1):
        with path.open("wb") as file:
            os.dup2(file.fileno(), number)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stdout, sys.stderr = (_stream(number) for number in (1, 2))
    sys.argv = ["idlehands-deploy", *arguments]
    if uid is not None and not os.geteuid():
        os.setgroups([])
        os.setegid(uid)
        os.seteuid(uid)
    with around():
        main()


def _stream(number: int) -> io.TextIOWrapper:
    binary: BinaryIO = open(number, "wb", closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(binary, encoding="utf-8", write_through=True)
