"""From facts to one verdict a profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from idlehands_deploy.contract import DRAINING, EXIT_MISCONFIGURED, MISCONFIGURED, NO_SPACE
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.engine.facts import ContainerFacts, Limit
    from idlehands_deploy.gateway.probe import Answer, GatewayAnswers

# The key of `resources` that raises a limit, by the limit's name.
RESOURCES = {"processes": "pids", "memory": "memory"}

State = Literal[
    "ready",
    "degraded",
    "starting",
    "draining",
    "hung",
    "unreachable",
    "crash-looping",
    "misconfigured",
    "paused",
    "stopped",
    "failed",
    "missing",
    "unknown",
]

# One or two restarts can be a recovery. Three or more, at least two of them recent, are a loop.
LOOPING = 3
LOOPING_NOW = 2
# How browser control responds to a wrong token.
REFUSED = {401, 403}
# What is still starting, for a few seconds, after the gateway reports that it started.
SIDECARS = ("startup-sidecars",)


@dataclass(frozen=True)
class Verdict:
    """What is true of one profile.

    Attributes:
        reason: why, in a few words; empty when ready.
        failing: the names of the failing checks, as the gateway names them.
        remedy: the next command; empty when there is nothing to do.
    """

    profile: str
    state: State
    reason: str = ""
    failing: tuple[str, ...] = ()
    remedy: Remedy = Remedy()  # noqa: RUF009 - a value

    @property
    def usable(self) -> bool:
        """Whether a person can use the gateway now."""
        return self.state in {"ready", "degraded"}

    @property
    def is_held(self) -> bool:
        """Whether its container runs, but does not start the gateway until a person fixes something."""
        return self.state == "misconfigured" and bool(self.failing)


def assess(profile: str, facts: ContainerFacts | None, answers: GatewayAnswers | None) -> Verdict:
    """The verdict that follows from the facts. Pure: no clock, no I/O.

    Args:
        facts: what the engine reports; None if there is no container.
        answers: the gateway's responses; None if it was not asked.
    """
    if facts is None:
        return Verdict(profile, "missing", "no container", remedy=Remedy.run("up", profile))
    if facts.state == "running" and answers is not None:
        return _assess_running(profile, facts, answers)
    return _assess_container(profile, facts)


def assess_unknown(profile: str, why: str, answers: GatewayAnswers | None) -> Verdict:
    """The verdict when the engine cannot be asked: the gateway's own report is shown, but is not enough to judge.

    Args:
        why: why the engine does not respond.
    """
    said = "was not asked" if answers is None else "does not respond"
    if answers is not None and answers.ready.status is not None:
        said = "reports that it is ready" if answers.is_ready else "responds, but does not report that it is ready"
    return Verdict(profile, "unknown", f"{why}; the gateway {said}", remedy=Remedy.run("doctor"))


def _assess_running(profile: str, facts: ContainerFacts, answers: GatewayAnswers) -> Verdict:
    if answers.is_ready:
        return _assess_ready(profile, facts, answers)
    failing = _failing(answers.ready)
    if failing == SIDECARS:
        return Verdict(profile, "starting", f"waits for {SIDECARS[0]}", failing)
    if answers.has_started:
        what = f"these checks fail: {', '.join(failing)}" if failing else "an unnamed check fails"
        remedy = Remedy.run("exec", profile, "channels", "status")
        return Verdict(profile, "degraded", f"it works, but {what}", failing, remedy)
    if answers.started.body.get("status") == MISCONFIGURED:
        return _held(profile, answers.started)
    # Either endpoint may report it: they are asked one after the other, and a drain may begin in between.
    if answers.started.body.get("status") == DRAINING or "gateway-draining" in failing:
        return Verdict(profile, "draining", "it finishes its work before it stops", failing)
    state, reason, remedy = _not_started(profile, facts, answers)
    return Verdict(profile, state, reason, failing, remedy)


def _assess_ready(profile: str, facts: ContainerFacts, answers: GatewayAnswers) -> Verdict:  # noqa: PLR0911 - a table
    # A gateway that cannot write still reports that it is ready.
    if facts.health_output.startswith(NO_SPACE):
        reason = f"disk: {plain(facts.health_output.removeprefix(NO_SPACE))}"
        return Verdict(profile, "degraded", reason, ("disk",), Remedy(f"df -h profiles/{profile}/state"))
    if facts.at_limit:
        return _at_limit(profile, facts.at_limit)
    if suppressed := _names(answers.ready, "suppressed"):
        # After three crashes the gateway turns its channels off by itself, and still reports that it is ready.
        reason = f"after repeated crashes it keeps {', '.join(suppressed)} off for some minutes"
        return Verdict(profile, "degraded", reason, suppressed, Remedy.run("logs", profile, "--tail", "50"))
    if frozen := [name for name, answer in answers.browsers.items() if answer.silent]:
        reason = "its browser accepts connections but never responds"
        if len(frozen) > 1:
            reason = f"its browsers {', '.join(frozen)} accept connections but never respond"
        return Verdict(profile, "degraded", reason, ("browser",), Remedy.run("restart", profile))
    if (control := answers.control) and control.silent:
        reason = "its browser control accepts connections but never responds"
        return Verdict(profile, "degraded", reason, ("browser control",), Remedy.run("restart", profile))
    if control and control.status in REFUSED:
        # /readyz needs no token, so that it does not show this.
        reason = f"it rejects the token in its secret file (HTTP {control.status})"
        return Verdict(profile, "degraded", reason, ("token",), Remedy.run("up", profile))
    return Verdict(profile, "ready")


def _at_limit(profile: str, limits: Sequence[Limit]) -> Verdict:
    # It answers, but what it or its browser does next can fail.
    reason = "; ".join(plain(limit.reason) for limit in limits)
    keys = [f"profiles.{profile}.resources.{RESOURCES[limit.name]}" for limit in limits if limit.name in RESOURCES]
    remedy = Remedy.run("restart", profile)
    if keys:
        raised = f"   (if it comes back: increase {' and '.join(keys)} in fleet.yaml, then: "
        remedy = remedy.then(raised, ours("up", profile), ")")
    return Verdict(profile, "degraded", reason, tuple(limit.name for limit in limits), remedy)


def _held(profile: str, answer: Answer) -> Verdict:
    """The verdict when the image responds in place of a gateway that cannot start, with a reason for a person."""
    failing = _failing(answer)
    state, _, remedy = _misconfigured(profile)
    if "config" not in failing:
        remedy = Remedy("fix that, then: ", ours("up", profile))
    return Verdict(profile, state, plain(answer.body.get("reason", "the gateway does not say why")), failing, remedy)


def _not_started(profile: str, facts: ContainerFacts, answers: GatewayAnswers) -> tuple[State, str, Remedy]:
    """State, reason and remedy of a gateway that runs but has not reported that it started."""
    logs = ours("logs", profile, "--tail", "50")
    if facts.last_exit_code == EXIT_MISCONFIGURED:
        return _misconfigured(profile)
    waiting = _waiting_for(answers)
    if facts.restart_count:
        waiting += f"; {_restarted(facts)}"
    if facts.restart_count >= LOOPING and facts.recent_deaths >= LOOPING_NOW:
        return "crash-looping", waiting, Remedy(logs)
    return (
        _hung(profile, facts, answers, waiting)
        or _out_of_reach(profile, facts, answers)
        or ("starting", waiting, Remedy())
    )


def _hung(
    profile: str, facts: ContainerFacts, answers: GatewayAnswers, waiting: str
) -> tuple[State, str, Remedy] | None:
    # With --now: a hung gateway ignores SIGTERM, and would use its whole grace period.
    remedy = Remedy.run("restart", profile, "--now")
    if facts.health == "unhealthy" and facts.is_connected:
        return "hung", f"runs, but {waiting}", remedy
    if facts.health == "healthy" and answers.ready.silent:
        return "hung", "accepts connections but never responds", remedy
    return None


def _out_of_reach(profile: str, facts: ContainerFacts, answers: GatewayAnswers) -> tuple[State, str, Remedy] | None:
    if not facts.is_connected:
        return "unreachable", "its container is not connected to its network", Remedy.run("up", profile)
    if facts.health == "healthy" and answers.ready.status is None:
        # Compose finds nothing to change here, so that `up` would only wait.
        remedy = Remedy.run("restart", profile)
        return "unreachable", "healthy inside the container, but its published port does not respond", remedy
    return None


def _misconfigured(profile: str) -> tuple[State, str, Remedy]:
    # The gateway ends so for a state that it cannot bring up to date, too.
    check, edit = ours("config", "check", profile), ours("config", "edit", profile)
    logs = ours("logs", profile, "--tail", "50")
    remedy = Remedy(check, "   (says what is wrong; mend it: ", edit, "; if that is nothing: ", logs, ")")
    return "misconfigured", "exit code 78: the gateway rejects its configuration", remedy


def _restarted(facts: ContainerFacts) -> str:
    times = "once" if facts.restart_count == 1 else f"{facts.restart_count} times"
    code = f", last exit code {facts.last_exit_code}" if facts.last_exit_code is not None else ""
    return f"restarted {times}{code}{', killed: out of memory' if facts.lacked_memory else ''}"


def _waiting_for(answers: GatewayAnswers) -> str:
    if answers.ready.silent:
        return "accepts connections but does not respond yet"
    if answers.ready.status is None:
        return "nothing responds on its port yet"
    pending = plain(answers.started.body.get("pendingReason") or ", ".join(_failing(answers.ready)))
    if pending:
        return f"waits for {pending}"
    foreign = ", but not in the gateway's format" if answers.ready.ok else ""
    return f"/readyz returns HTTP {answers.ready.status}{foreign}"


def _failing(answer: Answer) -> tuple[str, ...]:
    return _names(answer, "failing")


def _names(answer: Answer, key: str) -> tuple[str, ...]:
    names = answer.body.get(key)
    return tuple(plain(name) for name in names) if isinstance(names, list) else ()


def _assess_container(profile: str, facts: ContainerFacts) -> Verdict:
    if facts.moved and facts.state in {"exited", "created"}:
        reason = f"the deployment directory was moved from {facts.directory}"
        return Verdict(profile, "stopped", reason, remedy=Remedy.run("up", profile))
    state, reason, remedy = _judge_container(profile, facts)
    return Verdict(profile, state, reason, remedy=remedy)


def _judge_container(profile: str, facts: ContainerFacts) -> tuple[State, str, Remedy]:  # noqa: PLR0911 - a table
    """State, reason and remedy where the container alone decides."""
    ended = f"exit code {facts.exit_code}"
    logs = ours("logs", profile, "--tail", "50")
    up = ours("up", profile)
    match facts.state:
        case "exited" | "restarting" if facts.exit_code == EXIT_MISCONFIGURED:
            return _misconfigured(profile)
        case "exited" | "restarting" if facts.oom_killed:
            remedy = Remedy(f"increase profiles.{profile}.resources.memory in fleet.yaml, then: ", up)
            return "failed", "killed: out of memory", remedy
        case "exited" | "created" if facts.missing_mounts:
            what = f"cannot start: {', '.join(facts.missing_mounts)} does not exist"
            return "failed", what, Remedy("put it back, then: ", up)
        case "restarting" if facts.restart_count < LOOPING:
            return "starting", f"ended with {ended}; Docker restarts it", Remedy()
        case "restarting":
            return "crash-looping", f"{ended}, {_restarted(facts)}", Remedy(logs)
        case "paused":
            return "paused", "paused with `docker pause`", Remedy(f"docker unpause {facts.id[:12]}")
        case "created" if not facts.error:
            return "stopped", "its container was created but never started", Remedy.run("start", profile)
        case "exited" if not facts.error:
            return "stopped", ended, Remedy.run("start", profile)
        case "exited" | "created" | "dead":
            return "failed", facts.error or f"Docker reports: {facts.state}", Remedy(up)
        case _:
            return "starting", f"Docker reports: {facts.state}", Remedy()
