"""From facts to one verdict a profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from idlehands_deploy.contract import CONFIG_NAME, DRAINING, EXIT_MISCONFIGURED, MISCONFIGURED, NO_SPACE
from idlehands_deploy.remedies import Command, Remedy, ours
from idlehands_deploy.text import plain

if TYPE_CHECKING:
    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.gateway.probe import Answer, GatewayAnswers

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

# A restart or two can be recoveries; so many, with more than one death not long ago, are a loop.
LOOPING = 3
LOOPING_NOW = 2
# What browser control answers to a token that it does not know.
REFUSED = {401, 403}
# What a gateway that says it started still brings up, for a moment.
SIDECARS = ("startup-sidecars",)


@dataclass(frozen=True)
class Verdict:
    """What is true of one profile.

    Attributes:
        reason: why, in a few words; empty when ready.
        failing: the gateway's own names of the checks that fail.
        remedy: the next command to type; empty when there is nothing to do.
    """

    profile: str
    state: State
    reason: str = ""
    failing: tuple[str, ...] = ()
    remedy: Remedy = Remedy()  # noqa: RUF009 - a value

    @property
    def usable(self) -> bool:
        """Whether a person can work with the gateway now."""
        return self.state in {"ready", "degraded"}

    @property
    def is_held(self) -> bool:
        """Whether its container runs and waits for something to be mended before it starts the gateway."""
        return self.state == "misconfigured" and bool(self.failing)


def assess(profile: str, facts: ContainerFacts | None, answers: GatewayAnswers | None) -> Verdict:
    """Give the verdict that the facts support. Pure: no clock, no I/O.

    Args:
        facts: the engine's word; None if there is no container.
        answers: the gateway's; None if it was not asked.
    """
    if facts is None:
        return Verdict(profile, "missing", "no container", remedy=Remedy.run("up", profile))
    if facts.state == "running" and answers is not None:
        return _assess_running(profile, facts, answers)
    return _assess_engine_word(profile, facts)


def assess_unknown(profile: str, why: str, answers: GatewayAnswers | None) -> Verdict:
    """The verdict where the engine cannot be asked: what the gateway says is told, and is not enough.

    Args:
        why: what keeps the engine from answering.
    """
    said = "was not asked" if answers is None else "does not answer"
    if answers is not None and answers.ready.status is not None:
        said = "says that it is ready" if answers.is_ready else "answers, and does not say that it is ready"
    return Verdict(profile, "unknown", f"{why}; the gateway {said}", remedy=Remedy.run("doctor"))


def _assess_running(profile: str, facts: ContainerFacts, answers: GatewayAnswers) -> Verdict:
    if answers.is_ready:
        return _assess_ready(profile, facts, answers)
    failing = _failing(answers.ready)
    if failing == SIDECARS:
        return Verdict(profile, "starting", f"waits for {SIDECARS[0]}", failing)
    if answers.has_started:
        checks = ", ".join(failing) or "a check it does not name"
        remedy = Remedy.run("exec", profile, "channels", "status")
        return Verdict(profile, "degraded", f"it works, but fails {checks}", failing, remedy)
    if answers.started.body.get("status") == MISCONFIGURED:
        return _held(profile, answers.started)
    # It says so on either, and the two are asked one after the other.
    if answers.started.body.get("status") == DRAINING or "gateway-draining" in failing:
        return Verdict(profile, "draining", "it finishes its work before it stops", failing)
    state, reason, remedy = _not_started(profile, facts, answers)
    return Verdict(profile, state, reason, failing, remedy)


def _assess_ready(profile: str, facts: ContainerFacts, answers: GatewayAnswers) -> Verdict:
    # A gateway that cannot write says that it is ready all the same.
    if facts.health_said.startswith(NO_SPACE):
        lack = plain(facts.health_said.removeprefix(NO_SPACE))
        return Verdict(
            profile, "degraded", f"it answers, but {lack}", ("disk",), Remedy(f"df -h profiles/{profile}/state")
        )
    if suppressed := _names(answers.ready, "suppressed"):
        # Of its own accord, after three runs that did not end well: it is ready all the same, in its own words.
        reason = f"it works, but crashed so often that it leaves {', '.join(suppressed)} off for some minutes"
        return Verdict(profile, "degraded", reason, suppressed, Remedy.run("logs", profile, "--tail", "50"))
    if frozen := [name for name, answer in answers.browsers.items() if answer.silent]:
        what = "its browser takes questions and gives no answer"
        if len(frozen) > 1:
            what = f"its browsers {', '.join(frozen)} take questions and give no answer"
        reason = f"it answers, but {what}"
        return Verdict(profile, "degraded", reason, ("browser",), Remedy.run("restart", profile))
    if (control := answers.control) and control.silent:
        reason = "it answers, but its browser control takes questions and gives no answer"
        return Verdict(profile, "degraded", reason, ("browser control",), Remedy.run("restart", profile))
    if control and control.status in REFUSED:
        # Its own port tells the same to everybody, so that it alone would not be noticed.
        reason = f"it answers, but does not know the token of its secret file ({control.status})"
        return Verdict(profile, "degraded", reason, ("token",), Remedy.run("up", profile))
    return Verdict(profile, "ready")


def _held(profile: str, answer: Answer) -> Verdict:
    """The image's own answer in the place of a gateway that cannot start, with a sentence for a person."""
    logs = ours("logs", profile, "--tail", "50")
    failing = _failing(answer)
    state, _, remedy = _misconfigured(profile, logs)
    if "config" not in failing:
        remedy = Remedy("do so, then: ", ours("up", profile))
    return Verdict(profile, state, plain(answer.body.get("reason", "it does not say why")), failing, remedy)


def _not_started(profile: str, facts: ContainerFacts, answers: GatewayAnswers) -> tuple[State, str, Remedy]:
    """State, reason and remedy of a gateway that runs and has not said that it started."""
    logs = ours("logs", profile, "--tail", "50")
    if facts.last_exit_code == EXIT_MISCONFIGURED:
        return _misconfigured(profile, logs)
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
    # At once: what hears nothing has nothing to finish, and would use up its whole grace.
    remedy = Remedy.run("restart", profile, "--now")
    if facts.health == "unhealthy" and facts.is_connected:
        return "hung", f"runs, but {waiting}", remedy
    if facts.health == "healthy" and answers.ready.silent:
        return "hung", "takes connections and gives no answer", remedy
    return None


def _out_of_reach(profile: str, facts: ContainerFacts, answers: GatewayAnswers) -> tuple[State, str, Remedy] | None:
    if not facts.is_connected:
        return "unreachable", "its container was taken off its network", Remedy.run("up", profile)
    if facts.health == "healthy" and answers.ready.status is None:
        # To Compose it is as it should be, so that `up` would only wait for it.
        remedy = Remedy.run("restart", profile)
        return "unreachable", "healthy inside, but not on its published port", remedy
    return None


def _misconfigured(profile: str, logs: Command) -> tuple[State, str, Remedy]:
    config = f"profiles/{profile}/state/{CONFIG_NAME}"
    remedy = Remedy(f"mend {config} as the log says (", logs, "), then: ", ours("up", profile))
    return "misconfigured", "exit code 78: the gateway refuses its configuration", remedy


def _restarted(facts: ContainerFacts) -> str:
    times = "once" if facts.restart_count == 1 else f"{facts.restart_count} times"
    code = f", last exit code {facts.last_exit_code}" if facts.last_exit_code is not None else ""
    return f"restarted {times}{code}{', killed for lack of memory' if facts.lacked_memory else ''}"


def _waiting_for(answers: GatewayAnswers) -> str:
    if answers.ready.silent:
        return "takes connections and gives no answer yet"
    if answers.ready.status is None:
        return "nothing answers on its port yet"
    pending = plain(answers.started.body.get("pendingReason") or ", ".join(_failing(answers.ready)))
    if pending:
        return f"waits for {pending}"
    stranger = ", but not as a gateway does" if answers.ready.ok else ""
    return f"answers {answers.ready.status} on /readyz{stranger}"


def _failing(answer: Answer) -> tuple[str, ...]:
    return _names(answer, "failing")


def _names(answer: Answer, key: str) -> tuple[str, ...]:
    names = answer.body.get(key)
    return tuple(plain(name) for name in names) if isinstance(names, list) else ()


def _assess_engine_word(profile: str, facts: ContainerFacts) -> Verdict:
    state, reason, remedy = _engine_word(profile, facts)
    return Verdict(profile, state, reason, remedy=remedy)


def _engine_word(profile: str, facts: ContainerFacts) -> tuple[State, str, Remedy]:  # noqa: PLR0911 - a table
    """State, reason and remedy of a container whose gateway need not be asked."""
    ended = f"exit code {facts.exit_code}"
    logs = ours("logs", profile, "--tail", "50")
    up = ours("up", profile)
    match facts.state:
        case "exited" | "restarting" if facts.exit_code == EXIT_MISCONFIGURED:
            return _misconfigured(profile, logs)
        case "exited" | "restarting" if facts.oom_killed:
            remedy = Remedy(f"raise profiles.{profile}.resources.memory in fleet.yaml, then: ", up)
            return "failed", "killed for lack of memory", remedy
        case "exited" | "created" if facts.missing_mounts:
            what = f"cannot start: {', '.join(facts.missing_mounts)} does not exist"
            return "failed", what, Remedy("put it back, then: ", up)
        case "restarting" if facts.restart_count < LOOPING:
            return "starting", f"died with {ended}, and is restarted", Remedy()
        case "restarting":
            return "crash-looping", f"{ended}, {_restarted(facts)}", Remedy(logs)
        case "paused":
            return "paused", "frozen by `docker pause`", Remedy(f"docker unpause {facts.id[:12]}")
        case "created" if not facts.error:
            return "stopped", "its container was made, and not started yet", Remedy.run("start", profile)
        case "exited" if not facts.error:
            return "stopped", ended, Remedy.run("start", profile)
        case "exited" | "created" | "dead":
            return "failed", facts.error or f"Docker says: {facts.state}", Remedy(up)
        case _:
            return "starting", f"Docker says: {facts.state}", Remedy()
