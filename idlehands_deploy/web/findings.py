"""What `doctor` finds, now and then, while somebody looks at the page."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from idlehands_deploy.errors import DeployError
from idlehands_deploy.show import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from idlehands_deploy.operations.watch import PageSource

# An examination costs a fifth of a second of CPU time: again after this time, and sooner after a change; seconds.
EVERY = 600.0
SOONEST = 15.0


class Findings:
    """The last result of `doctor`; one examination at a time, in a thread of its own.

    Args:
        done: called after each examination.

    Attributes:
        result: for the page; None before the first examination.
    """

    def __init__(self, source: PageSource, words: page.Words, done: Callable[[], None]) -> None:
        self._source = source
        self._words = words
        self._done = done
        self._lock = threading.Lock()
        self._runs = False
        self._began: float | None = None
        self._change = 0
        self.result: dict[str, Any] | None = None

    def want(self, change: int) -> None:
        """Examine, unless that was done a short time ago; returns at once.

        Args:
            change: the number of the last event of the fleet.
        """
        with self._lock:
            now = time.monotonic()
            if self._runs:
                return
            if self._began is not None and now - self._began < (SOONEST if change != self._change else EVERY):
                return
            self._runs, self._began, self._change = True, now, change
        # A daemon: an engine that never responds must not keep the program from ending.
        threading.Thread(target=self._run, name="doctor", daemon=True).start()

    def _run(self) -> None:
        try:
            self.result = page.findings(self._source.examine(), time.time(), self._words)
        except DeployError as error:
            self.result = page.failed(error.what, time.time(), self._words)
        finally:
            with self._lock:
                self._runs = False
        self._done()
