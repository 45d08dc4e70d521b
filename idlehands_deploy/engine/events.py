"""Follow containers through the engine's events, instead of polling."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from idlehands_deploy.engine.facts import SERVICE_LABEL, Death

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

# Events that can change a verdict; the runs of health checks are left out.
CHANGES = ["create", "start", "die", "destroy", "pause", "unpause", "oom", "update", "rename", "health_status"]
# How long after a `die` event its `oom` event may come; seconds.
OOM_DELAY = 1.0


class DeathWatch:
    """The deaths of containers since this object was created, by container id; a context manager.

    Attributes:
        began: when this object was created; seconds since 1970.
        lost: whether the stream has ended, so that deaths are no longer seen.
    """

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - docker-py's stream has no public type
        self.began = time.time()
        self.lost = False
        self._deaths: dict[str, Death] = {}
        self._stream = stream
        self._thread = threading.Thread(target=self._follow, name="engine-events", daemon=True)
        self._changed = threading.Condition()
        self._on_death: Callable[[str], None] = lambda _: None
        self._awaited: set[str] = set()

    def death(self, container: str, since: float) -> Death | None:
        """How this container ended after ``since`` (seconds since 1970); None if it has not."""
        death = self._deaths.get(container)
        return death if death and death.at > since else None

    def wait_for_death(self, container: str, since: float, timeout: float) -> Death | None:
        """How this container ended; waits at most ``timeout`` seconds for its end."""
        with self._changed:
            self._changed.wait_for(lambda: self.lost or self.death(container, since), timeout)
        return self.death(container, since)

    def report_deaths(self, on_death: Callable[[str], None], containers: set[str]) -> None:
        """Call ``on_death``, in the stream's thread, with the id of each of these containers when it ends."""
        self._on_death, self._awaited = on_death, set(containers)

    def __enter__(self) -> DeathWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def _follow(self) -> None:
        try:
            for event in self._stream:
                self._note(event)
        except Exception:  # noqa: BLE001, S110 - the stream is broken, which is reported below
            pass
        with self._changed:
            self.lost = True
            self._changed.notify_all()

    def _note(self, event: dict[str, Any]) -> None:
        container = event.get("Actor", {}).get("ID", "")
        death = read_death(event)
        if death.exit_code is None and container in self._deaths:
            return  # `destroy` follows `die`, whose exit code says more
        # The callback comes first, so that its message appears before those of threads that wait for the end.
        if container in self._awaited:
            self._awaited.remove(container)
            self._on_death(container)
        with self._changed:
            self._deaths[container] = death
            self._changed.notify_all()


class EventStream:
    """Events of containers, by their service; a context manager that closes the stream.

    Args:
        on_event: called with the service of each event, in the stream's thread.
        on_lost: called once, when the stream has ended.
    """

    def __init__(self, stream: Any, on_event: Callable[[str], None], on_lost: Callable[[], None]) -> None:  # noqa: ANN401
        self._stream = stream
        self._on_event = on_event
        self._on_lost = on_lost
        self._thread = threading.Thread(target=self._follow, name="engine-events", daemon=True)

    def __enter__(self) -> EventStream:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def _follow(self) -> None:
        try:
            for event in self._stream:
                self._on_event(event.get("Actor", {}).get("Attributes", {}).get(SERVICE_LABEL, ""))
        except Exception:  # noqa: BLE001, S110 - the stream is broken, which is reported below
            pass
        self._on_lost()


def read_death(event: dict[str, Any]) -> Death:
    """The death in a ``die`` or ``destroy`` event."""
    code = event.get("Actor", {}).get("Attributes", {}).get("exitCode")
    return Death(int(code) if code is not None else None, event["timeNano"] / 1e9)


def read_deaths(events: Iterable[dict[str, Any]]) -> list[Death]:
    """The deaths of one container, from its ``die`` and ``oom`` events, oldest first."""
    ordered = list(events)
    kills = [event["timeNano"] / 1e9 for event in ordered if event["Action"] == "oom"]
    deaths: list[Death] = []
    for death in (read_death(event) for event in ordered if event["Action"] == "die"):
        since = deaths[-1].at + OOM_DELAY if deaths else 0.0
        deaths.append(replace(death, lacked_memory=any(since < kill <= death.at + OOM_DELAY for kill in kills)))
    return deaths
