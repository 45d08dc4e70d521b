"""Containers that end, told by the engine's own events instead of by asking again and again."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from idlehands_deploy.engine.facts import SERVICE_LABEL, Death

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

# What happens to a container that a verdict can depend on; a health check's own runs are left out.
CHANGES = ["create", "start", "die", "destroy", "pause", "unpause", "oom", "update", "rename", "health_status"]
# Seconds by which the news of a lack of memory may come after that of the death.
LATE = 1.0


class DeathWatch:
    """Deaths of containers since the watch was made, by container id; use it as a context.

    Attributes:
        began: when the watch was made, in seconds since 1970.
        lost: the stream has ended, so that silence no longer means life.
    """

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - docker-py's stream has no public type
        self.began = time.time()
        self.lost = False
        self._deaths: dict[str, Death] = {}
        self._stream = stream
        self._thread = threading.Thread(target=self._follow, name="engine-events", daemon=True)
        self._changed = threading.Condition()
        self._tell: Callable[[str], None] = lambda _: None
        self._told: set[str] = set()

    def death(self, container: str, since: float) -> Death | None:
        """How this container ended after a moment (seconds since 1970); None while it lives."""
        death = self._deaths.get(container)
        return death if death and death.at > since else None

    def wait_for_death(self, container: str, since: float, timeout: float) -> Death | None:
        """How this container ended, waiting for the news for at most ``timeout`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.lost or self.death(container, since), timeout)
        return self.death(container, since)

    def tell(self, listener: Callable[[str], None], containers: set[str]) -> None:
        """Call the listener, in a thread of the watch, with the id of each of these containers that ends."""
        self._tell, self._told = listener, set(containers)

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
        except Exception:  # noqa: BLE001, S110 - the stream broke: that it is lost is all there is to say
            pass
        with self._changed:
            self.lost = True
            self._changed.notify_all()

    def _note(self, event: dict[str, Any]) -> None:
        container = event.get("Actor", {}).get("ID", "")
        death = read_death(event)
        if death.exit_code is None and container in self._deaths:
            return  # `destroy` follows `die`, whose exit code says more
        # Told before anybody who waits goes on and speaks of what comes after.
        if container in self._told:
            self._told.remove(container)
            self._tell(container)
        with self._changed:
            self._deaths[container] = death
            self._changed.notify_all()


class EventStream:
    """News of containers, by their service; use it as a context, which closes the stream.

    Args:
        told: called with the service of each, in a thread of the stream.
        lost: called once, when the stream has ended.
    """

    def __init__(self, stream: Any, told: Callable[[str], None], lost: Callable[[], None]) -> None:  # noqa: ANN401
        self._stream = stream
        self._told = told
        self._lost = lost
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
                self._told(event.get("Actor", {}).get("Attributes", {}).get(SERVICE_LABEL, ""))
        except Exception:  # noqa: BLE001, S110 - the stream broke: that it is lost is all there is to say
            pass
        self._lost()


def read_death(event: dict[str, Any]) -> Death:
    """The death that a ``die`` or ``destroy`` event tells of."""
    code = event.get("Actor", {}).get("Attributes", {}).get("exitCode")
    return Death(int(code) if code is not None else None, event["timeNano"] / 1e9)


def read_deaths(events: Iterable[dict[str, Any]]) -> list[Death]:
    """The deaths of one container, from its ``die`` and ``oom`` events in the order of time."""
    told = list(events)
    lacks = [event["timeNano"] / 1e9 for event in told if event["Action"] == "oom"]
    deaths: list[Death] = []
    for death in (read_death(event) for event in told if event["Action"] == "die"):
        since = deaths[-1].at + LATE if deaths else 0.0
        deaths.append(replace(death, lacked_memory=any(since < lack <= death.at + LATE for lack in lacks)))
    return deaths
