"""Memory and CPU of one container over the last hour."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idlehands_deploy.engine.usage import Usage

# One value for each half minute of the last hour; seconds, and how many.
STEP = 30
KEPT = 120
# After a longer pause, as of a container that did not run, the CPU time in between belongs to no half minute; seconds.
LONGEST_PAUSE = 2 * STEP


@dataclass(frozen=True)
class _Slot:
    """Half a minute: the most memory in it, and the CPU seconds of its measured part."""

    number: int
    memory: int
    spent: float = 0.0
    measured: float = 0.0


class Samples:
    """One value for each half minute; older ones are dropped."""

    def __init__(self) -> None:
        self._slots: deque[_Slot] = deque(maxlen=KEPT + 1)
        self._last: tuple[float, float] | None = None

    def add(self, usage: Usage, now: float) -> bool:
        """Add a reading; returns whether it began another half minute.

        Args:
            now: seconds since 1970.
        """
        number, before = int(now // STEP), self._slots[-1].number if self._slots else -1
        if number < before:  # the clock was set back
            self._slots.clear()
            self._last = None
        slot = self._slots.pop() if self._slots and number == before else _Slot(number, 0)
        spent, measured = self._since_last(usage.cpu_seconds, now)
        self._slots.append(
            replace(
                slot,
                memory=max(slot.memory, usage.memory),
                spent=slot.spent + spent,
                measured=slot.measured + measured,
            )
        )
        return number != before

    def memory(self, now: float) -> list[int | None]:
        """Bytes, oldest first; None where nothing was measured."""
        return [slot.memory if slot else None for slot in self._last_hour(now)]

    def cpu(self, now: float) -> list[float | None]:
        """Cores, oldest first; None where nothing was measured."""
        return [slot.spent / slot.measured if slot and slot.measured else None for slot in self._last_hour(now)]

    def _since_last(self, cpu_seconds: float, now: float) -> tuple[float, float]:
        """CPU seconds spent since the last reading, and how long ago that was; zeros if they are not comparable."""
        last, self._last = self._last, (cpu_seconds, now)
        if last is None:
            return 0.0, 0.0
        spent, measured = cpu_seconds - last[0], now - last[1]
        # Another run of the container counts from zero.
        return (spent, measured) if spent >= 0 and 0 < measured <= LONGEST_PAUSE else (0.0, 0.0)

    def _last_hour(self, now: float) -> list[_Slot | None]:
        newest = int(now // STEP)
        slots = {slot.number: slot for slot in self._slots}
        return [slots.get(number) for number in range(newest - KEPT + 1, newest + 1)]
