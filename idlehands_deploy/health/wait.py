"""The wait until a verdict is final; clock and observer are passed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from idlehands_deploy.health.verdict import Verdict

# A chat channel that is only slow to connect should not be called broken.
SETTLE = 5.0
# Two looks a human cannot tell apart, and a load that a starting gateway does not feel.
INTERVAL = 0.1
# Seconds in which a gateway that is not stuck answers, also where no time was given.
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
    """Observe until the verdict will not change by waiting, or the time is up.

    Args:
        observe: one look at reality, which may take so many seconds.
        timeout: seconds, which no look oversteps by more than the shortest that it is given.
        on_change: told of each new verdict.

    Returns:
        The last verdict. When the time was up it is a usable one only if the gateway was degraded just then.
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
    """Says whether a verdict will not change by waiting: at once, or after it has stood for a while."""

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
