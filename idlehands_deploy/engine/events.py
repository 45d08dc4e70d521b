"""Containers that end, told by the engine's own events instead of by asking again and again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from idlehands_deploy.engine.facts import Death

if TYPE_CHECKING:
    from types import TracebackType


class DeathWatch:
    """Deaths of containers since the watch was made, by container id; use it as a context.

    Attributes:
        lost: the stream has ended, so that silence no longer means life.
    """

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - docker-py's stream has no public type
        self.lost = False
        self._deaths: dict[str, Death] = {}
        self._stream = stream
        self._thread = threading.Thread(target=self._follow, name="engine-events", daemon=True)

    def death(self, container: str, since: float) -> Death | None:
        """How this container ended after a moment (seconds since 1970); None while it lives."""
        death = self._deaths.get(container)
        return death if death and death.at > since else None

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
        self.lost = True

    def _note(self, event: dict[str, Any]) -> None:
        container = event.get("Actor", {}).get("ID", "")
        death = read_death(event)
        if death.exit_code is None and container in self._deaths:
            return  # `destroy` follows `die`, whose exit code says more
        self._deaths[container] = death


def read_death(event: dict[str, Any]) -> Death:
    """The death that a ``die`` or ``destroy`` event tells of."""
    code = event.get("Actor", {}).get("Attributes", {}).get("exitCode")
    return Death(int(code) if code is not None else None, event["timeNano"] / 1e9)
