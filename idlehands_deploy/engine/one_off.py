"""A container that runs one command, reads what it is given, and is gone."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docker.errors import APIError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import docker

LABEL = "org.idlehands.deploy.one-off"
# No command of ours takes as long; seconds.
FORGOTTEN = 600


@dataclass(frozen=True)
class OneOff:
    """A command in a container of its own: without network and capabilities, and nothing in it can be written.

    Attributes:
        image: by name or id.
        mounts: what it reads: paths in it by their path on this host.
        scratch: directories in memory that it can write to, with the options of their mount.
        memory: bytes.
    """

    image: str
    command: Sequence[str]
    user: str
    environment: Mapping[str, str]
    mounts: Mapping[Path, str]
    scratch: Mapping[str, str] = field(default_factory=dict)
    memory: int = 1 << 30


def run_one_off(client: docker.DockerClient, task: OneOff, seconds: int) -> str | None:
    """Run it, and return its standard output; None if it could not be run, or did not end in time."""
    api = client.api
    _remove_leftovers(client)
    try:
        container = api.create_container(
            task.image,
            list(task.command),
            user=task.user,
            environment=dict(task.environment),
            labels={LABEL: "1"},
            host_config=api.create_host_config(
                binds={str(source): {"bind": target, "mode": "ro"} for source, target in task.mounts.items()},
                tmpfs=dict(task.scratch),
                network_mode="none",
                read_only=True,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges:true"],
                mem_limit=task.memory,
                pids_limit=256,
            ),
        )["Id"]
    except APIError:
        return None
    try:
        api.start(container)
        api.wait(container, timeout=seconds)
        return bytes(api.logs(container, stderr=False)).decode(errors="replace")
    except (APIError, OSError):  # an OSError when the time is up
        return None
    finally:
        with suppress(APIError):
            api.remove_container(container, force=True)


def _remove_leftovers(client: docker.DockerClient) -> None:
    """Remove what a command left that was killed."""
    for row in client.api.containers(all=True, filters={"label": LABEL}):
        if row["Created"] < time.time() - FORGOTTEN:
            with suppress(APIError):
                client.api.remove_container(row["Id"], force=True)
