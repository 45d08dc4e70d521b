"""Wait until a verdict is final. The clock and the observer are parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from idlehands_deploy.health.verdict import Verdict

# How long a gateway must stay degraded: its chat channel may only be slow to connect; seconds.
SETTLE = 5.0
# The pause between two looks: too short to notice, and long enough not to slow a starting gateway; seconds.
INTERVAL = 0.1
# What a gateway that works needs to respond; each look gets at least this, even without a timeout; seconds.
SHORTEST_LOOK = 0.5

_WILL_NOT_CHANGE = frozenset({"ready", "crash-looping", "misconfigured", "paused", "stopped", "failed", "missing"})


def wait_until_final(
    observe: Callable[[float], Verdict],
    timeout: float,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    on_change: Callable[[Verdict], None],
) -> Verdict:
    """Observe until the verdict is final, or the time is up.

    Args:
        observe: makes one observation, which may take the given number of seconds.
        timeout: seconds; the last look exceeds it by ``SHORTEST_LOOK`` at most.
        on_change: called with each new verdict.

    Returns:
        The last verdict. If the time was up, the gateway is usable only if it was degraded at that time.
    """
    from tenacity import RetryCallState, Retrying, retry_if_not_result  # noqa: PLC0415
    from tenacity.wait import wait_fixed  # noqa: PLC0415

    deadline = clock() + timeout
    final = _Finality(clock)
    last: list[Verdict] = []

    def look() -> Verdict:
        verdict = observe(max(SHORTEST_LOOK, deadline - clock()))
        if not last or last[-1] != verdict:
            last.append(verdict)
            on_change(verdict)
        return verdict

    def time_is_up(_: RetryCallState) -> bool:
        return clock() + INTERVAL > deadline

    return Retrying(
        retry=retry_if_not_result(final),
        stop=time_is_up,
        wait=wait_fixed(INTERVAL),
        sleep=sleep,
        retry_error_callback=lambda _: last[-1],
    )(look)


class _Finality:
    """Decides whether a verdict is final: most are at once, ``degraded`` only after ``SETTLE`` seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._degraded_since: float | None = None

    def __call__(self, verdict: Verdict) -> bool:
        if verdict.state != "degraded":
            self._degraded_since = None
            return verdict.state in _WILL_NOT_CHANGE
        if self._degraded_since is None:
            self._degraded_since = self._clock()
        return self._clock() - self._degraded_since >= SETTLE
