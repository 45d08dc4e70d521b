"""Which parts of something changed after which number, for many readers of different speed."""

from __future__ import annotations

import threading


class Changes:
    """The number of the last change of each part.

    A reader asks for the parts that changed after the last number it has seen, and reads their current values. So a
    slow one misses values in between, and nothing is kept for it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers: dict[str, int] = {}
        self._last = 0
        self._closed = False

    def mark(self, *parts: str) -> None:
        """Record that these parts have changed."""
        with self._changed:
            self._last += 1
            self._numbers |= dict.fromkeys(parts, self._last)
            self._changed.notify_all()

    def forget(self, *parts: str) -> None:
        """Forget parts that no longer exist."""
        with self._changed:
            for part in parts:
                self._numbers.pop(part, None)

    def wait(self, after: int, seconds: float) -> tuple[int, list[str]]:
        """Wait until a part changes after a number.

        Returns:
            The number of the last change, and the parts; none of them when the time is over or this is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._last > after, seconds)
            return self._last, [part for part, number in self._numbers.items() if number > after]

    def number(self, part: str) -> int:
        """The number of a part's last change; 0 if there was none."""
        return self._numbers.get(part, 0)

    @property
    def closed(self) -> bool:
        """Whether there will be no further change."""
        return self._closed

    def close(self) -> None:
        """Wake all readers: there will be no further change."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
