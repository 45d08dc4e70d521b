"""Makes every system call of x86_64, with arguments that no call accepts, and prints what came of each."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import signal
import sys

KERNEL_TABLE = 600
# The calls of x32 have numbers of their own, and all others with this bit.
X32_BIT = 0x40000000
INVALID = (ctypes.c_long(-1),) * 6
PREPARE_GETPID = b"\x53\xb8\x14\x00\x00\x00\xcd\x80\x5b\xc3"  # push rbx; mov eax, 20; int 0x80; pop rbx; ret


def outcome(number: int) -> str:
    """An error's name, "returned", or "signal N"."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _try(number, writer)
    os.close(writer)
    said = os.read(reader, 50).decode()
    os.close(reader)
    _, status = os.waitpid(child, 0)
    if said:
        return said
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "returned"


def _try(number: int, writer: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    # Ends what waits.
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    result = libc.syscall(ctypes.c_long(number), *INVALID)
    code = ctypes.get_errno()
    os.write(writer, (errno.errorcode.get(code, str(code)) if result == -1 else "returned").encode())
    os._exit(0)


def of_32_bits() -> str:
    """What happens to a process that makes a call the way of 32-bit programs."""
    child = os.fork()
    if child == 0:
        memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        memory.write(PREPARE_GETPID)
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "returned"


if __name__ == "__main__":
    for tried in [*range(KERNEL_TABLE), X32_BIT, X32_BIT | 41]:
        sys.stdout.write(f"{tried} {outcome(tried)}\n")
        sys.stdout.flush()
    sys.stdout.write(f"int80 {of_32_bits()}\n")
