"""What to do about a gateway as its verdicts come in: when to restart it, and when to notify people; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from idlehands_deploy.health.verdict import Verdict

# `up` makes a new container.
Action = Literal["restart", "up"]
Kind = Literal["problem", "recovered", "gave-up"]

# The gateway itself works, but only a new process brings these back.
_FROZEN = {("browser",), ("browser control",)}
# States that a person asked for, or that lead to one.
_EXPECTED = frozenset({"ready", "starting", "draining", "paused"})


@dataclass(frozen=True)
class Policy:
    """How long to wait for what; seconds of a monotonic clock.

    Attributes:
        restarts: whether the watch may restart anything.
        patience: how long a gateway may take to recover by itself.
        settle: how long a problem must last before people are notified.
        overdue: a start that takes this long is a problem.
        first, longest: the pause after the first restart for one problem, doubled after each, up to the longest.
        attempts: after this many restarts without success the watch gives up.
        cooldown: the pause between two restarts from then on.
        stable: a gateway that was usable for this long starts again at attempt 1.
    """

    restarts: bool = True
    patience: float = 90
    settle: float = 5
    overdue: float = 180
    first: float = 60
    longest: float = 1800
    attempts: int = 5
    cooldown: float = 3600
    stable: float = 600

    def pause(self, attempts: int) -> float:
        """Seconds until the next restart, after this many without success."""
        if attempts >= self.attempts:
            return self.cooldown
        return min(self.longest, self.first * 2.0 ** (attempts - 1))


@dataclass(frozen=True)
class Restart:
    """Restart a gateway, or make a new container for it.

    Attributes:
        attempt: number of this restart for the same problem, from 1.
        reason: the verdict in one line.
    """

    action: Action
    attempt: int
    reason: str


@dataclass(frozen=True)
class Notify:
    """Notify people about a gateway, in one sentence."""

    kind: Kind
    text: str
    remedy: Remedy = Remedy()  # noqa: RUF009 - a value


def action_for(verdict: Verdict) -> Action | None:
    """What brings back a gateway in this state; None if it recovers by itself, or a person must fix something first."""
    if verdict.state == "hung" or (verdict.state == "degraded" and verdict.failing in _FROZEN):
        return "restart"
    # Its ports or its network are broken: only a new container has them again.
    return "up" if verdict.state == "unreachable" else None


def signature(verdict: Verdict) -> tuple[str, ...]:
    """The part of a verdict that makes it a new one; what a starting gateway waits for is not part of it."""
    return verdict.state, *(verdict.failing if verdict.state == "degraded" else ())


class Supervisor:
    """Decides about one gateway; called with each verdict, and at regular times in between.

    Attributes:
        policy: may be replaced at any time.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._seen: tuple[str, ...] = ()
        self._since = 0.0
        self._action: Action | None = None
        self._patience_since = 0.0
        self._notified: tuple[str, ...] = ()
        self._stopped_cleanly = True
        self._usable_since: float | None = None
        self._attempts = 0
        self._next = 0.0
        self._gave_up = False

    def decide(self, verdict: Verdict, now: float, *, clean_exit: bool = False) -> list[Restart | Notify]:
        """What to do now.

        Args:
            now: seconds of a monotonic clock.
            clean_exit: the container's last run ended with exit code 0, as after `stop`.
        """
        if self._seen[:1] != (verdict.state,) or self._action != action_for(verdict):
            self._action, self._patience_since = action_for(verdict), now
        if self._seen != signature(verdict):
            self._seen, self._since = signature(verdict), now
        self._remember(verdict, now, clean_exit=clean_exit)
        decisions: list[Restart | Notify] = []
        if notify := self._notification(verdict, now):
            decisions.append(notify)
        return decisions + self._restart(verdict, now)

    def restarted(self, now: float) -> None:
        """A restart is done, with or without success: the next one is judged from here on."""
        self._next, self._patience_since = now + self.policy.pause(self._attempts), now

    def _remember(self, verdict: Verdict, now: float, *, clean_exit: bool) -> None:
        if verdict.state == "stopped":
            self._stopped_cleanly = clean_exit
        elif verdict.state != "missing":
            self._stopped_cleanly = False
        if not verdict.usable or action_for(verdict):
            self._usable_since = None
        elif self._usable_since is None:
            self._usable_since = now
        elif now - self._usable_since >= self.policy.stable:
            self._attempts, self._gave_up = 0, False

    def _notification(self, verdict: Verdict, now: float) -> Notify | None:
        lasted = now - self._since
        if lasted < self.policy.settle:
            return None
        name = verdict.profile
        if verdict.state == "ready" and self._notified:
            self._notified = ()
            return Notify("recovered", f"{name} is ready again")
        if self._is_problem(verdict, lasted) and self._notified != self._seen:
            self._notified = self._seen
            reason = f": {verdict.reason}" if verdict.reason else ""
            since = f" for {lasted:.0f} s" if verdict.state == "starting" else ""
            return Notify("problem", f"{name} is {verdict.state}{since}{reason}", verdict.remedy)
        return None

    def _is_problem(self, verdict: Verdict, lasted: float) -> bool:
        if verdict.state == "starting":
            return lasted >= self.policy.overdue
        # The person who ran `stop` or `down` knows that the gateway is not running.
        stopped = verdict.state in {"stopped", "missing"} and self._stopped_cleanly
        return verdict.state not in _EXPECTED and not stopped

    def _restart(self, verdict: Verdict, now: float) -> list[Restart | Notify]:
        policy, action = self.policy, action_for(verdict)
        if action is None or not policy.restarts or now - self._patience_since < policy.patience or now < self._next:
            return []
        self._attempts += 1
        self.restarted(now)
        restart = Restart(action, self._attempts, f"{verdict.state}: {verdict.reason}")
        if self._attempts < policy.attempts or self._gave_up:
            return [restart]
        self._gave_up = True
        name, minutes = verdict.profile, f"{policy.cooldown / 60:.0f}"
        text = (
            f"{name} is still {verdict.state} after {self._attempts - 1} restarts; "
            f"from now on it is restarted every {minutes} min"
        )
        return [restart, Notify("gave-up", text, verdict.remedy)]
