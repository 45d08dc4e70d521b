"""Which system calls a container may make, tried from inside."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.targets.seccomp import seccomp_text
from tests.support import try_calls
from tests.support.site import IMAGE

if TYPE_CHECKING:
    import docker

pytestmark = pytest.mark.engine

LISTED = Path(__file__).with_name("allowed_calls.txt").read_text()
ALLOWED = dict(re.findall(r"^(\d+) (\w+)$", LISTED, re.MULTILINE))
WITH_SOME_ARGUMENTS = {"clone", "personality", "socket", "unshare"}
REFUSED = {"EPERM", "ENOSYS"}
# Bits of linux/sched.h, each a kind of namespace.
NAMESPACES = {
    "time": 0x80, "mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000,
    "pid": 0x20000000, "network": 0x40000000,
}  # fmt: skip
TRY_NAMESPACES = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for bit in sys.argv[1:]:
    # In a user namespace of its own, where every kind would be allowed.
    if not os.fork():
        os._exit(libc.unshare(0x10000000 | int(bit)) and ctypes.get_errno())
    print(bit, os.waitstatus_to_exitcode(os.wait()[1]))
"""
# Family, type, protocol: the kinds that make a hole where a kernel has a bug, and what a browser and an agent use.
SOCKETS = {
    "unix stream": (1, 1, 0), "unix packets": (1, 5, 0), "tcp": (2, 1, 6), "udp": (2, 2, 17), "tcp of IPv6": (10, 1, 0),
    "ping": (2, 2, 1), "routes": (16, 3, 0),
    "raw": (2, 3, 1), "raw of IPv6": (10, 3, 58), "sctp": (2, 1, 132), "netfilter": (16, 3, 12), "audit": (16, 3, 9),
    "packet": (17, 3, 3), "xdp": (44, 3, 0), "vsock": (40, 1, 0), "kernel crypto": (38, 5, 0), "bluetooth": (31, 3, 1),
    "tipc": (30, 1, 0), "can": (29, 3, 1), "infiniband": (27, 3, 0), "unknown family": (60, 1, 0),
}  # fmt: skip
MAY_BE_OPENED = {"unix stream", "unix packets", "tcp", "udp", "tcp of IPv6", "ping", "routes"}
TRY_SOCKETS = """
import os, socket, sys, ctypes
ctypes.CDLL(None).unshare(0x50000000)
for kind in sys.argv[1:]:
    try: socket.socket(*map(int, kind.split(","))); print(kind, "opened")
    except OSError as error: print(kind, error.errno)
"""


def run(engine: docker.DockerClient, seccomp: str, *words: str) -> dict[str, str]:
    """The "key value" lines that a Python program prints in a container with a seccomp profile."""
    printed = engine.containers.run(
        IMAGE, [*words], entrypoint=["python3", "-c"], remove=True, init=True, read_only=True, network_mode="none",
        cap_drop=["ALL"], security_opt=["no-new-privileges", f"seccomp={seccomp}"],
    )  # fmt: skip
    return dict(line.split(" ", 1) for line in printed.decode().splitlines())


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the table is of x86_64")
def test_a_container_makes_the_calls_of_the_committed_list_and_no_other(engine: docker.DockerClient) -> None:
    script = Path(try_calls.__file__).read_text()
    with_profile = run(engine, seccomp_text(), script)
    without = run(engine, "unconfined", script)
    assert len(with_profile) == len(without) > try_calls.KERNEL_TABLE
    # Numbers of x32 and of 32-bit programs end the process.
    made = {number for number, came in with_profile.items() if came not in REFUSED and came != "signal 31"}
    assert {number: with_profile[number] for number in made - ALLOWED.keys()} == {}
    # An engine that does not know a new call by name answers ENOSYS.
    lost = {name for number, name in ALLOWED.items() if with_profile[number] == "EPERM" != without[number]}
    assert lost <= WITH_SOME_ARGUMENTS


def test_a_process_makes_namespaces_of_the_kinds_of_chromium_s_sandbox_alone(engine: docker.DockerClient) -> None:
    came = run(engine, seccomp_text(), TRY_NAMESPACES, *(str(bit) for bit in NAMESPACES.values()))
    assert {name for name, bit in NAMESPACES.items() if came[str(bit)] == "0"} == {"user", "pid", "network"}
    assert set(came.values()) == {"0", "1"}


def test_sockets_of_rare_families_do_not_open_even_for_root_of_a_namespace(engine: docker.DockerClient) -> None:
    kinds = {name: ",".join(str(number) for number in kind) for name, kind in SOCKETS.items()}
    came = run(engine, seccomp_text(), TRY_SOCKETS, *kinds.values())
    # The kernel allows ping by group, and not in a new namespace.
    assert {name for name, kind in kinds.items() if came[kind] == "opened"} in (MAY_BE_OPENED, MAY_BE_OPENED - {"ping"})
