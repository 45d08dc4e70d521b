"""Containers, images and the engine as our own types."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from idlehands_deploy.contract import VERSION_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

# A digest of the sources that one of our images was built from.
CONTEXT_LABEL = "org.idlehands.deploy.context"
# The SHA-256 of the lock of its npm tree; an image without a lock has no such label.
LOCK_LABEL = "org.idlehands.deploy.lock"
# The id of the image that one with added packages was made from.
BASE_LABEL = "org.idlehands.deploy.base"
PROJECT_LABEL = "com.docker.compose.project"
ONE_OFF_LABEL = "com.docker.compose.oneoff"
NETWORK_LABEL = "com.docker.compose.network"
SERVICE_LABEL = "com.docker.compose.service"
DIRECTORY_LABEL = "com.docker.compose.project.working_dir"
FILES_LABEL = "com.docker.compose.project.config_files"


@dataclass(frozen=True)
class Limit:
    """A limit of a container that is reached.

    Attributes:
        name: processes, memory or files.
        reason: how much of what is in use.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class ContainerFacts:
    """One container of the project as the engine sees it.

    Attributes:
        state: Docker's word: created, running, restarting, paused, removing, exited or dead.
        health: Docker's word: starting, healthy or unhealthy; None without a health check.
        health_output: the output of the last health check of this run; empty without one.
        exit_code: of the last run; None while it runs.
        started_at: RFC 3339, as Docker writes it; empty if it never ran.
        directory: the deployment directory that Compose was called in.
        moved: whether that directory was moved since, so that it cannot start again as it is.
        mounts: paths in the container at which it mounts something of this host.
        missing_mounts: paths on this host that it mounts and that no longer exist.
        image_id: the image that it was created from.
        image: that image's name.
        digest: of what it was created from, from its label; empty if it has no such label.
        other_files: the names of the Compose files that it was created from, but for ours.
        version: its gateway's version, from a label of the image; empty if there is no such label.
        memory_limit: bytes; 0 for none.
        created_at: RFC 3339; empty if not known.
        pid: its first process, as the engine's host numbers it; 0 if it does not run.
        is_connected: whether it has a network.
        subnet: of its network, such as 172.20.0.0/16; empty if it does not run.
        base: the gateway's own port in it; 0 if not known.
        stop_timeout: how long it may take to stop, in seconds, before the engine kills it.
        published: the host's address for each port that it publishes, whether or not it runs.
        last_exit_code: of the previous run; None if not known.
        lacked_memory: whether the previous run ended because memory ran out.
        recent_deaths: how often it ended recently, as far as known.
        at_limit: the limits that it has reached, as far as known.
    """

    id: str
    profile: str
    state: str
    health: str | None
    exit_code: int | None
    oom_killed: bool
    restart_count: int
    started_at: str
    directory: str
    error: str = ""
    health_output: str = ""
    mounts: tuple[str, ...] = ()
    missing_mounts: tuple[str, ...] = ()
    image_id: str = ""
    image: str = ""
    digest: str = ""
    other_files: tuple[str, ...] = ()
    version: str = ""
    memory_limit: int = 0
    created_at: str = ""
    pid: int = 0
    is_connected: bool = True
    subnet: str = ""
    moved: bool = False
    base: int = 0
    stop_timeout: int = 10
    published: Mapping[int, str] = field(default_factory=dict)
    last_exit_code: int | None = None
    lacked_memory: bool = False
    recent_deaths: int = 0
    at_limit: tuple[Limit, ...] = ()

    @property
    def started(self) -> float:
        """Its last start, in seconds since 1970; 0 if it never ran."""
        return read_time(self.started_at) if self.started_at else 0.0

    @property
    def created(self) -> float:
        """Its creation, in seconds since 1970; 0 if not known."""
        return read_time(self.created_at) if self.created_at else 0.0


def read_time(text: str) -> float:
    """Docker's time (RFC 3339 with nanoseconds, in UTC or with an offset) in seconds since 1970."""
    # datetime reads microseconds at most.
    whole, fraction, zone = re.fullmatch(r"([^.]+?)(\.\d+)?(Z|[+-]\d\d:\d\d)", text).groups()  # type: ignore[union-attr]
    return datetime.fromisoformat(whole + zone.replace("Z", "+00:00")).timestamp() + float(fraction or 0)


@dataclass(frozen=True)
class ImageFacts:
    """One image of the engine."""

    id: str
    size: int
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def context(self) -> str | None:
        """The digest of its sources; None if this tool did not build it."""
        return self.labels.get(CONTEXT_LABEL)

    @property
    def version(self) -> str:
        """Its gateway's version; empty if no label names it."""
        return self.labels.get(VERSION_LABEL, "")


@dataclass(frozen=True)
class EngineFacts:
    """The engine itself.

    Attributes:
        root: the directory of its images and containers, on its own host.
        cpus: cores.
    """

    version: str
    root: str
    cpus: int
    has_seccomp: bool
    limits_memory: bool
    limits_pids: bool
    limits_cpus: bool

    @property
    def release(self) -> tuple[int, ...]:
        """The first three numbers of the version, for comparison: (20, 10, 24) for ``20.10.24+dfsg1``."""
        return tuple(int(part) for part in re.findall(r"\d+", self.version)[:3])


@dataclass(frozen=True)
class PortHolder:
    """A container that publishes a port; project and profile are empty if Compose did not create it."""

    container: str
    project: str
    profile: str


@dataclass(frozen=True)
class Death:
    """A container's end.

    Attributes:
        exit_code: None if it was removed while it ran.
        at: seconds since 1970.
        lacked_memory: whether the kernel killed one of its processes because memory ran out.
    """

    exit_code: int | None
    at: float
    lacked_memory: bool = False
