"""An engine whose events come, and end, when a test wants them to."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from idlehands_deploy.health.monitor import Pace
from tests.support.containers import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from idlehands_deploy.engine.facts import ContainerFacts

# So long that a test which depended on it would not end.
PATIENT = Pace(unsettled=600, settled=600)


class ScriptedEngine:
    """Stands in for an engine whose events come, and end, when a test wants them to."""

    def __init__(self) -> None:
        self.facts: ContainerFacts | None = ENDED
        self.asked = 0
        self.failures: list[Exception] = []
        self.is_stopping = False
        self.told: Callable[[str], None]
        self.lost: Callable[[], None]

    @contextmanager
    def follow(self, _project: str, told: Callable[[str], None], lost: Callable[[], None]) -> Iterator[None]:
        self.told, self.lost = told, lost
        yield

    def alive(self) -> bool:
        return True

    def is_being_stopped(self, _facts: ContainerFacts, _within: float) -> bool:
        return self.is_stopping

    def containers(self, _project: str, _service: str) -> list[ContainerFacts]:
        self.asked += 1
        if self.failures:
            raise self.failures.pop()
        return [self.facts] if self.facts else []
