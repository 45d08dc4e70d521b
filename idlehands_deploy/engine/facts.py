"""What the engine says, in types of our own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from idlehands_deploy.contract import VERSION_LABEL

# What an image of ours was built from: a digest.
CONTEXT_LABEL = "org.idlehands.deploy.context"
PROJECT_LABEL = "com.docker.compose.project"
ONE_OFF_LABEL = "com.docker.compose.oneoff"
SERVICE_LABEL = "com.docker.compose.service"
DIRECTORY_LABEL = "com.docker.compose.project.working_dir"


@dataclass(frozen=True)
class ContainerFacts:
    """One container of the project as the engine sees it.

    Attributes:
        state: Docker's word: created, running, restarting, paused, removing, exited or dead.
        health: Docker's word: starting, healthy or unhealthy; None without a health check.
        health_said: what the newest health check of this run printed; empty without one.
        exit_code: of the last run; None while it runs.
        started_at: RFC 3339, as Docker writes it; empty if it never ran.
        directory: the deployment directory that Compose was called in.
        missing_mounts: paths on this host that it mounts and that are not there any more.
        image_id: of the image that it was made from.
        image: the name of that image.
        digest: of what it was made from, as the compose file has it; empty for a container that has none.
        version: of the gateway in it, as its image says; empty if that does not.
        memory_limit: bytes; 0 for none.
        created_at: when it was made, RFC 3339; empty where that is not known.
        pid: of its first process, as the engine's own host sees it; 0 if it does not run.
        is_connected: whether it has a network.
        last_exit_code: of the run before this one, where it is known.
        lacked_memory: whether that run ended for lack of memory, where it is known.
        recent_deaths: how often it ended not long ago, as far as that is known.
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
    health_said: str = ""
    missing_mounts: tuple[str, ...] = ()
    image_id: str = ""
    image: str = ""
    digest: str = ""
    version: str = ""
    memory_limit: int = 0
    created_at: str = ""
    pid: int = 0
    is_connected: bool = True
    last_exit_code: int | None = None
    lacked_memory: bool = False
    recent_deaths: int = 0

    @property
    def started(self) -> float:
        """When it was last started, in seconds since 1970; 0 if never."""
        return read_time(self.started_at) if self.started_at else 0.0

    @property
    def created(self) -> float:
        """When it was made, in seconds since 1970; 0 if that is not known."""
        return read_time(self.created_at) if self.created_at else 0.0


def read_time(text: str) -> float:
    """Seconds since 1970 of a time as Docker writes it: RFC 3339 with nanoseconds, in UTC or with an offset."""
    # datetime reads no more than microseconds.
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
        """The digest of what it was built from; None for one that this tool did not build."""
        return self.labels.get(CONTEXT_LABEL)

    @property
    def version(self) -> str:
        """Of the gateway in it; empty if it does not say."""
        return self.labels.get(VERSION_LABEL, "")


@dataclass(frozen=True)
class EngineFacts:
    """The engine itself.

    Attributes:
        root: where it keeps images and containers, as a path of its own host.
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
        """The version's numbers, for comparing; of ``20.10.24+dfsg1`` the first three."""
        return tuple(int(part) for part in re.findall(r"\d+", self.version)[:3])


@dataclass(frozen=True)
class PortHolder:
    """A container that publishes a port; project and profile are empty for one that Compose did not make."""

    container: str
    project: str
    profile: str


@dataclass(frozen=True)
class Death:
    """A container's end.

    Attributes:
        exit_code: None when it was removed.
        at: seconds since 1970.
        lacked_memory: the kernel had killed something in it for lack of memory.
    """

    exit_code: int | None
    at: float
    lacked_memory: bool = False
