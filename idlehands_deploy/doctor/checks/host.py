"""Checks of the host: kernel, memory, disks, clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.findings import Finding
from idlehands_deploy.host.facts import INOTIFY_INSTANCES, INOTIFY_WATCHES, UNPRIVILEGED, USER_NAMESPACES
from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.host.facts import HostFacts

MB = 1 << 20
# An idle gateway uses 0.8 GB, and 1 GB with its browser.
ONE_GATEWAY = 1024 * MB
# Below this the image's own check does not start a gateway.
NO_ROOM = 64 * MB
LITTLE_ROOM = 1024 * MB
FEW_FILES = 5000
# A gateway uses one and its browser two; the user's other programs need some too.
INSTANCES_EACH = 3
INSTANCES_ELSE = 32
WATCHES = 8192
EACH = {INOTIFY_INSTANCES: INSTANCES_EACH, INOTIFY_WATCHES: 500}
# The clocks of two machines that share a disk may differ by this; seconds.
CLOCK_SLACK = 120


def check_host(host: HostFacts, fleet: Fleet, to_start: int, written_at: Mapping[str, float]) -> Iterator[Finding]:
    """What keeps gateways from working on this host.

    Args:
        to_start: how many more gateways may be started next.
        written_at: when files of the deployment were written: seconds since 1970, by name.
    """
    yield from _check_namespaces(host, fleet)
    yield from _check_inotify(host, len(fleet.profiles), to_start)
    yield from _check_memory(host, to_start)
    yield from _check_disks(host)
    for name, written in written_at.items():
        if written > host.now + CLOCK_SLACK:
            yield Finding(
                "error", "clock", f"is behind: {name} was written {_span(written - host.now)} in the future",
                "a gateway does not start while its lease is dated in the future, and sessions are out of order",
                Remedy("set the clock: sudo timedatectl set-ntp true"),
            )  # fmt: skip


def _check_namespaces(host: HostFacts, fleet: Fleet) -> Iterator[Finding]:
    setting = next((name for name in (USER_NAMESPACES, UNPRIVILEGED) if host.settings.get(name) == 0), None)
    wanting = {name: item.browser.sandbox for name, item in fleet.profiles.items() if item.browser.sandbox != "off"}
    if setting is None or not wanting:
        return
    required = [name for name, sandbox in wanting.items() if sandbox == "required"]
    value = 1 if setting == UNPRIVILEGED else 15000
    yield Finding(
        "error" if required else "warning", setting, "is 0: only root can create user namespaces",
        f"Chromium's sandbox cannot work, so {_names(required)} will not start" if required
        else f"the browsers of {_names(list(wanting))} run without their sandbox",
        Remedy(f"sudo sysctl -w {setting}={value}"),
    )  # fmt: skip


def _check_inotify(host: HostFacts, profiles: int, to_start: int) -> Iterator[Finding]:
    needs = {INOTIFY_INSTANCES: INSTANCES_ELSE + INSTANCES_EACH * profiles, INOTIFY_WATCHES: WATCHES}
    for name, need in needs.items():
        limit, taken = host.settings.get(name, need), host.taken.get(name, 0)
        more = to_start * EACH[name]
        if limit < need:
            what = f"is {limit}, but {profiles} gateways need {need}"
        elif limit - taken < more:
            what = f"is {limit} with {taken} in use, but the next gateway needs {more}"
        else:
            continue
        yield Finding(
            "warning", name, what,
            "a gateway that cannot watch more files misses changes of its config and workspace",
            Remedy(f"sudo sysctl -w {name}={2 * max(need, taken + more)}"),
        )  # fmt: skip


def _check_memory(host: HostFacts, to_start: int) -> Iterator[Finding]:
    need = to_start * ONE_GATEWAY
    if host.available_memory is not None and host.available_memory < need:
        yield Finding(
            "warning", "memory",
            f"{_size(host.available_memory)} are free, but {to_start} more gateways need {_size(need)}",
            "when memory runs short, starts take minutes and the kernel kills processes",
            Remedy("stop what you do not need, or run fewer gateways with a lower `resources.memory`"),
        )  # fmt: skip


def _check_disks(host: HostFacts) -> Iterator[Finding]:
    for disk in host.disks:
        if disk.free < LITTLE_ROOM:
            none = disk.free < NO_ROOM
            yield Finding(
                "error" if none else "warning", disk.path, f"only {_size(disk.free)} are free",
                "a gateway does not start below 64 MB" if none else "sessions, logs and browser data grow every day",
                Remedy(f"see what uses the space: du -xh -d 2 {disk.path} | sort -h | tail"),
            )  # fmt: skip
        elif disk.free_files is not None and disk.free_files < FEW_FILES:
            yield Finding(
                "warning", disk.path, f"has room for only {disk.free_files} more files",
                "a browser's cache alone has thousands",
                Remedy(f"see where they are: du --inodes -x -d 2 {disk.path} | sort -n | tail"),
            )  # fmt: skip


def _names(names: list[str]) -> str:
    return " and ".join(names)


def _size(size: int) -> str:
    return f"{size / (1 << 30):.1f} GB" if size >= 1 << 30 else f"{size // MB} MB"


def _span(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
