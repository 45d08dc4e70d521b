"""Checks of the engine and of the image on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.findings import Finding
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.engine.facts import EngineFacts, ImageFacts
    from idlehands_deploy.fleet.model import Fleet

# The first that supports host-gateway; this project is tested with it.
OLDEST = (20, 10)
# The first that hides ports published on 127.0.0.1 from other machines on the local network.
LOOPBACK_IS_LOOPBACK = (28, 0)


def check_engine(engine: EngineFacts, fleet: Fleet) -> Iterator[Finding]:
    """Missing features of the engine."""
    if engine.release < OLDEST:
        yield Finding(
            "error", "Docker Engine", f"is version {engine.version}", "this tool needs version 20.10 or newer",
            Remedy("upgrade it the way it was installed"),
        )  # fmt: skip
    if not engine.has_seccomp:
        yield Finding(
            "error", "Docker Engine", "has no seccomp",
            "containers can use every system call, and Chromium's sandbox loses one of its layers",
            Remedy("use a kernel and an engine with seccomp; check: docker info --format '{{.SecurityOptions}}'"),
        )  # fmt: skip
    limits = {
        "memory": (engine.limits_memory, True),
        "pids": (engine.limits_pids, True),
        "cpus": (engine.limits_cpus, any(item.resources.cpus for item in fleet.profiles.values())),
    }
    for name, (has, wanted) in limits.items():
        if wanted and not has:
            yield Finding(
                "warning", f"resources.{name}", "cannot be enforced: this kernel lacks the cgroup controller",
                "one gateway can use up what the others and the host need",
                Remedy(
                    "enable the controller; on a Raspberry Pi add cgroup_enable=memory to /boot/firmware/cmdline.txt"
                ),
            )  # fmt: skip
    if engine.release < LOOPBACK_IS_LOOPBACK and any(item.publish.cdp == "open" for item in fleet.profiles.values()):
        yield Finding(
            "note", "Docker Engine",
            f"{engine.version} lets machines on the local network reach ports published on 127.0.0.1",
            "the CDP ports among them ask for no token",
            Remedy("if you do not trust that network, set `publish: {cdp: true}`, or use Docker Engine 28 or newer"),
        )  # fmt: skip
    for profile, item in fleet.profiles.items():
        if item.resources.cpus and item.resources.cpus > engine.cpus:
            yield Finding(
                "error", f"fleet.yaml:profiles.{profile}.resources.cpus",
                f"is {item.resources.cpus:g}, but this host has {engine.cpus} CPUs",
                "the engine refuses to create the container",
                Remedy(f"lower it to {engine.cpus}, then: ", ours("up", profile)),
            )  # fmt: skip


def check_image(reference: str, image: ImageFacts | None, context: str | None) -> Iterator[Finding]:
    """Whether the image exists, and what it was built from.

    Args:
        context: the digest of this version's build context; None for an image that is not built from it.
    """
    if image is None:
        build = context is not None
        yield Finding(
            "note", f"image {reference}", "is not on this engine",
            "the next `up` builds it first, which takes minutes" if build else "the next `up` pulls it first",
            Remedy.run("image", "build") if build else Remedy(f"docker pull {reference}"),
        )  # fmt: skip
    elif context is not None and image.context is None:
        yield Finding(
            "warning", f"image {reference}", "was not built by this tool",
            "its content is unknown",
            Remedy(ours("image", "build"), "   (or name another image in fleet.yaml)"),
        )  # fmt: skip
    elif context is not None and image.context != context:
        yield Finding(
            "warning", f"image {reference}", "was built from another version of this tool's build context",
            "its scripts may not work with this version of the tool",
            Remedy(ours("image", "build"), " && ", ours("up")),
        )  # fmt: skip
