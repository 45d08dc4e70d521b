"""Kill a piece of work at each thing that it does to files, one after the other."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What Python tells of each call that changes a file or a directory (sys.addaudithook), and each open for writing.
CHANGES = {
    "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.link", "os.symlink", "os.chmod", "os.chown", "os.truncate",
    "os.utime", "fcntl.ioctl", "tempfile.mkstemp",
}  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def killed_at(work: Callable[[], object], number: int) -> bool:
    """Do work in a process of its own, and kill that before its change with this number, from 0.

    Returns:
        Whether it was killed; false if it ended before.
    """
    child = os.fork()
    if child == 0:
        _die_at(number)
        try:
            work()
        except BaseException:  # noqa: BLE001 - pytest must not go on in this process
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def each_kill(prepare: Callable[[], Callable[[], object]], step: int = 1) -> Iterator[int]:
    """Kill the same work at each of its changes, until it is not killed any more.

    Args:
        prepare: puts everything back as it was before the work, and gives the work.
        step: kill at every change whose number this divides.
    """
    number = 0
    while killed_at(prepare(), number):
        yield number
        number += step
    yield number


def _die_at(number: int) -> None:
    left = number

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event not in CHANGES and not (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES):
            return
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    sys.addaudithook(hook)
