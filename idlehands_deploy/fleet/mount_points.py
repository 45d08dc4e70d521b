"""Paths in a container that a person's own mounts must leave alone."""

from __future__ import annotations

from pathlib import PurePosixPath

from idlehands_deploy.contract import HOME_TARGET, PROGRAM_TARGETS, SECRETS_TARGET, STATE_TARGET, WORKSPACE_TARGET

# Nothing may be mounted over or below these. Below a mount, the engine would create the mount point in it, as root.
CLOSED = {
    str(HOME_TARGET): "the gateway's home directory",
    STATE_TARGET: "the gateway's state",
    WORKSPACE_TARGET: "the gateway's workspace",
    SECRETS_TARGET: "the gateway's secrets",
    "/proc": "the kernel's",
    "/sys": "the kernel's",
    "/dev": "the container's devices (see `devices`)",
} | dict.fromkeys(PROGRAM_TARGETS, "the gateway's program")
# A link to /run in the image.
RUN = "/var/run"
# Nothing may be mounted over these, or over what they are in.
KEPT = {
    "/tmp": "the container's scratch space",  # noqa: S108 - the container's
    "/run": "the container's scratch space",
    RUN: "the container's scratch space",
    "/etc/hosts": "the engine's file of host names",
    "/etc/hostname": "the engine's file of the host name",
    "/etc/resolv.conf": "the engine's file of name servers (see `dns`)",
} | dict.fromkeys(
    ("/bin", "/sbin", "/lib", "/lib64", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/local/bin/node", "/etc/chromium.d"),
    "a part of the image",
)
# Each container has its own of these.
KERNEL_DEVICES = frozenset({
    "console", "core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout",
    "tty", "urandom", "zero",
})  # fmt: skip


def collision(path: PurePosixPath) -> str:
    """Why nothing can be mounted at a path in the container; empty if something can."""
    real = PurePosixPath("/run") / path.relative_to(RUN) if path.is_relative_to(RUN) else path
    for place, what in (CLOSED | KEPT).items():
        there = PurePosixPath(place)
        if there == real:
            return f"{path} in the container is {what}{_ELSEWHERE}"
        if there.is_relative_to(real):
            return f"{path} in the container holds {place}, {what}{_ELSEWHERE}"
        if place in CLOSED and real.is_relative_to(there):
            return f"{path} in the container is inside {place}, {what}{_ELSEWHERE}"
    return ""


def is_kernel_device(path: PurePosixPath) -> str:
    """Why a device cannot have a path in the container; empty if it can."""
    first = path.parts[2]
    return f"every container has its own /dev/{first}" if first in KERNEL_DEVICES else ""


_ELSEWHERE = "; choose another, such as /mnt/NAME"
