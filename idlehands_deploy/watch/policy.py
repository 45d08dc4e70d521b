"""What to do about a gateway whose verdicts come in one by one: when to restart it, and what to tell; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from idlehands_deploy.health.verdict import Verdict

Cure = Literal["restart", "up"]
Kind = Literal["problem", "recovered", "gave-up"]

# What only a new process mends, while the gateway works.
_FROZEN = {("browser",), ("browser control",)}
# What is as a person wants it, or on its way there.
_EXPECTED = frozenset({"ready", "starting", "draining", "paused"})


@dataclass(frozen=True)
class Policy:
    """How long to wait for what; seconds of a steady clock.

    Attributes:
        restarts: whether anything may be restarted at all.
        patience: what a gateway has to recover by itself.
        settle: what must last so long is told; a passing trouble is not.
        overdue: a start that lasts so long is a problem.
        first, longest: between two restarts of one trouble, doubled each time.
        attempts: after so many in vain the circuit opens.
        cooldown: between two tries from then on.
        stable: a gateway that was usable for so long starts with a clean slate.
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
        """Seconds from one restart to the next, after so many in vain."""
        if attempts >= self.attempts:
            return self.cooldown
        return min(self.longest, self.first * 2.0 ** (attempts - 1))


@dataclass(frozen=True)
class Treat:
    """Do something about a gateway.

    Attributes:
        attempt: the how manieth for this trouble, from 1 on.
    """

    cure: Cure
    attempt: int
    why: str


@dataclass(frozen=True)
class Tell:
    """Tell people about a gateway, in a sentence."""

    kind: Kind
    text: str
    remedy: Remedy = Remedy()  # noqa: RUF009 - a value


def cure_for(verdict: Verdict) -> Cure | None:
    """What heals a gateway in this state; None where it heals by itself, or a person must mend something first."""
    if verdict.state == "hung" or (verdict.state == "degraded" and verdict.failing in _FROZEN):
        return "restart"
    # Its ports or its network are not what they were: Compose makes them anew.
    return "up" if verdict.state == "unreachable" else None


def essence(verdict: Verdict) -> tuple[str, ...]:
    """What makes a verdict another one; what a gateway waits for while it starts does not."""
    return verdict.state, *(verdict.failing if verdict.state == "degraded" else ())


class Supervisor:
    """Decides about one gateway; asked with its verdict whenever there is one, and now and then in between.

    Attributes:
        policy: may be another one from now on.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._seen: tuple[str, ...] = ()
        self._since = 0.0
        self._cure: Cure | None = None
        self._waits_from = 0.0
        self._told: tuple[str, ...] = ()
        self._ended_well = True
        self._well_since: float | None = None
        self._attempts = 0
        self._next = 0.0
        self._gave_up = False

    def decide(self, verdict: Verdict, now: float, *, ended_well: bool = False) -> list[Treat | Tell]:
        """What is to be done now.

        Args:
            now: seconds of a steady clock.
            ended_well: the container's last run ended with exit code 0, as it does when somebody stops it.
        """
        if self._seen[:1] != (verdict.state,) or self._cure != cure_for(verdict):
            self._cure, self._waits_from = cure_for(verdict), now
        if self._seen != essence(verdict):
            self._seen, self._since = essence(verdict), now
        self._remember(verdict, now, ended_well=ended_well)
        decisions: list[Treat | Tell] = []
        if tell := self._news(verdict, now):
            decisions.append(tell)
        return decisions + self._treatment(verdict, now)

    def treated(self, now: float) -> None:
        """What was to be done has been done, well or not: what comes of it is judged from here on."""
        self._next, self._waits_from = now + self.policy.pause(self._attempts), now

    def _remember(self, verdict: Verdict, now: float, *, ended_well: bool) -> None:
        if verdict.state == "stopped":
            self._ended_well = ended_well
        elif verdict.state != "missing":
            self._ended_well = False
        if not verdict.usable or cure_for(verdict):
            self._well_since = None
        elif self._well_since is None:
            self._well_since = now
        elif now - self._well_since >= self.policy.stable:
            self._attempts, self._gave_up = 0, False

    def _news(self, verdict: Verdict, now: float) -> Tell | None:
        lasted = now - self._since
        if lasted < self.policy.settle:
            return None
        name = verdict.profile
        if verdict.state == "ready" and self._told:
            self._told = ()
            return Tell("recovered", f"{name} is ready again")
        if self._is_problem(verdict, lasted) and self._told != self._seen:
            self._told = self._seen
            reason = f": {verdict.reason}" if verdict.reason else ""
            since = f" for {lasted:.0f} s" if verdict.state == "starting" else ""
            return Tell("problem", f"{name} is {verdict.state}{since}{reason}", verdict.remedy)
        return None

    def _is_problem(self, verdict: Verdict, lasted: float) -> bool:
        if verdict.state == "starting":
            return lasted >= self.policy.overdue
        # Whoever stops a gateway, and takes it down then, knows that it is not there.
        return verdict.state not in _EXPECTED and not (verdict.state in {"stopped", "missing"} and self._ended_well)

    def _treatment(self, verdict: Verdict, now: float) -> list[Treat | Tell]:
        policy, cure = self.policy, cure_for(verdict)
        if cure is None or not policy.restarts or now - self._waits_from < policy.patience or now < self._next:
            return []
        self._attempts += 1
        self.treated(now)
        treat = Treat(cure, self._attempts, f"{verdict.state}: {verdict.reason}")
        if self._attempts < policy.attempts or self._gave_up:
            return [treat]
        self._gave_up = True
        every = f"{policy.cooldown / 60:.0f} min"
        said = f"{verdict.profile} was started anew {self._attempts - 1} times in vain, and is {verdict.state} still"
        return [treat, Tell("gave-up", f"{said}; from now on it is tried every {every}", verdict.remedy)]
