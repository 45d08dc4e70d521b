"""Checks of each profile's files: mounts, owners, modes, secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idlehands_deploy.contract import MADE_SECRETS
from idlehands_deploy.deployment.secret_values import BLANK
from idlehands_deploy.doctor.checks.owners import is_handed_over, is_unreadable
from idlehands_deploy.findings import Finding
from idlehands_deploy.planning.notes import check_unused_secret
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.host.file_facts import ForeignFiles, PathFacts

OTHERS = 0o077


@dataclass(frozen=True)
class ProfileFiles:
    """One profile's files in the deployment directory.

    Attributes:
        uid: of its container's user; ``gid`` too.
        mounts: state and workspace.
        private: the directories above the mounts and above the secrets, outer before inner, in two pairs.
        secrets: the files that the container gets.
        unused: names in the secrets directory that the container does not get.
        foreign: files of other users in the mounts, by the mount's path.
        flaws: why a secret cannot be meant as it is, by its path.
    """

    name: str
    uid: int
    gid: int
    mounts: tuple[PathFacts, ...]
    private: tuple[PathFacts, ...]
    secrets: tuple[PathFacts, ...]
    unused: tuple[str, ...]
    foreign: dict[str, ForeignFiles]
    flaws: dict[str, str] = field(default_factory=dict)


def check_files(files: ProfileFiles, handover: Remedy) -> Iterator[Finding]:
    """What is wrong with a profile's files.

    Args:
        handover: the command that gives every file of the deployment to the user that needs it.
    """
    # If `up` or `generate` has run for it, its files must exist.
    was_made = any(path.exists for path in files.private[1::2])
    for mount in files.mounts:
        yield from _check_mount(files, mount, handover, was_made=was_made)
    for secret in files.secrets:
        yield from _check_secret(files, secret, handover, was_made=was_made)
    for outer, inner in (files.private[:2], files.private[2:]):
        # One of the two is enough to keep other users out.
        if all(path.kind == "directory" and path.mode & OTHERS for path in (outer, inner)):
            yield Finding(
                "warning", inner.path, f"has mode {inner.mode:04o}: other users of this host can read it",
                "it contains sessions and credentials",
                Remedy(f"chmod 700 {inner.full}"),
            )  # fmt: skip
    for unused in files.unused:
        yield check_unused_secret(files.name, unused)


def _check_mount(files: ProfileFiles, mount: PathFacts, handover: Remedy, *, was_made: bool) -> Iterator[Finding]:
    if not mount.exists:
        if was_made:
            yield Finding(
                "error", mount.path, "does not exist", "the engine does not start a container without it",
                Remedy(ours("up", files.name), "   (creates an empty one; or put back the old one)"),
            )  # fmt: skip
    elif mount.kind not in {"directory", "link"}:
        yield Finding(
            "error",
            mount.path,
            "is not a directory",
            "it cannot be mounted",
            Remedy(f"mv {mount.full} {mount.full}.old"),
        )
    elif not is_handed_over(files, mount):
        return
    elif mount.uid != files.uid:
        yield Finding(
            "error", mount.path, f"belongs to user {mount.uid}, but the gateway runs as {files.uid}",
            "the gateway cannot write there", handover,
        )  # fmt: skip
    else:
        foreign = files.foreign[mount.path]
        yield Finding(
            "error", foreign.first,
            f"does not belong to the gateway's user ({files.uid})" + _and_more(foreign.count),
            "the gateway cannot write to it, and does not start if it is a database", handover,
        )  # fmt: skip


def _make_secret(profile: str, name: str) -> Remedy:
    if name in MADE_SECRETS:
        return Remedy(ours("up", profile), "   (creates a new one)")
    return Remedy(ours("secret", "set", profile, name), "; ", ours("up", profile))


def _check_secret(files: ProfileFiles, secret: PathFacts, handover: Remedy, *, was_made: bool) -> Iterator[Finding]:
    name = secret.path.rpartition("/")[2]
    if not secret.exists:
        if was_made:
            yield Finding(
                "error", secret.path, "does not exist", "the engine does not start a container without it",
                _make_secret(files.name, name),
            )  # fmt: skip
    elif secret.kind != "file":
        yield Finding(
            "error", secret.path, "is not a file", "the gateway cannot read a value from it",
            Remedy(f"mv {secret.full} {secret.full}.old; ").then(_make_secret(files.name, name)),
        )  # fmt: skip
    elif flaw := files.flaws.get(secret.path, "is empty" if secret.size == 0 else ""):
        yield Finding(
            "error", secret.path, flaw, "the gateway does not start until it has a value",
            _make_secret(files.name, name) if flaw in BLANK or name not in MADE_SECRETS
            else Remedy.run("token", files.name, "--rotate"),
        )  # fmt: skip
    else:
        if secret.mode & OTHERS:
            yield Finding(
                "warning", secret.path, f"has mode {secret.mode:04o}: other users of this host can read or change it",
                "it is a secret", Remedy(f"chmod 600 {secret.full}"),
            )  # fmt: skip
        if is_unreadable(files, secret):
            yield Finding(
                "error", secret.path,
                f"belongs to user {secret.uid} with mode {secret.mode:04o}, but the gateway runs as {files.uid}",
                "the gateway cannot read it", handover,
            )  # fmt: skip


def _and_more(count: int) -> str:
    return f"; the same for {count - 1} more" if count > 1 else ""
