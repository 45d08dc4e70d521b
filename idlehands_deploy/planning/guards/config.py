"""No gateway is stopped or started by a command while it would refuse its config."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from idlehands_deploy.errors import ConfigError
from idlehands_deploy.gateway.first_config import initial_config
from idlehands_deploy.health.config_check import ConfigCheck, ConfigJudge
from idlehands_deploy.host.file_facts import Limits, read_ordinary
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.planning.steps import Plan

# What starts a gateway, so that it reads its config.
STARTS = {"up", "start", "restart"}
# Each takes a core for some seconds, and a few hundred megabytes.
AT_ONCE = 2


def accepted(look: Look, plan: Plan, *, force: bool = False) -> Plan:
    """The plan, if each gateway that it starts would accept its config.

    Raises:
        ConfigError: with the problems of each that would not.
    """
    starting = {step.subject: step.verb for step in plan.changes if step.verb in STARTS}
    refuse_broken(look, {name: verb for name, verb in starting.items() if name in look.fleet.profiles}, force=force)
    return plan


def refuse_broken(look: Look, starting: Mapping[str, str], *, force: bool = False) -> None:
    """See that each of these gateways would accept its config.

    Args:
        starting: the verb of the step that starts it, by profile.

    Raises:
        ConfigError: with the problems of each that would not.
    """
    if force or not starting:
        return
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        checks = pool.map(lambda item: check_before(look, *item), starting.items())
        broken = [check for check in checks if check.problems]
    if broken:
        raise refusal(broken)


def check_before(look: Look, name: str, verb: str) -> ConfigCheck:
    """Judge the config of a profile that is about to be started, if its gateway has not accepted it before.

    Args:
        verb: of the step that starts it.
    """
    judge = ConfigJudge(look.session.deployment, look.fleet, look.engine)
    if is_our_first(look, name, is_made=verb == "up"):
        return ConfigCheck(name, judge.file(name))
    facts = look.containers.get(name)
    image, is_other = facts.image_id if facts else None, False
    if verb == "up":
        found = look.engine.image(look.fleet.image_of(name))
        image = found.id if found else None
        # What one version accepts, another may refuse.
        is_other = bool(facts and found and facts.version != found.version)

    def tell() -> None:
        look.session.progress.update(name, "asking whether it would accept its config")

    return judge.check(name, image, again=is_other, tell=tell)


def note_broken(look: Look, plan: Plan) -> tuple[Remedy, ...]:
    """What a person should know who stops gateways: which would not start again, as far as that is plain to see."""
    judge = ConfigJudge(look.session.deployment, look.fleet, None)
    stopping = [step.subject for step in plan.changes if step.subject in look.fleet.profiles]
    return tuple(
        Remedy(f"{name} will not start again with its config: {check.file}: {check.problems[0]}. Mend it: ").then(
            ours("config", "edit", name)
        )
        for name in stopping
        if (check := judge.check(name, None)).problems
    )


def is_our_first(look: Look, name: str, *, is_made: bool) -> bool:
    """Whether a profile's config is the one that it begins with.

    Args:
        is_made: whether one that is missing is made before the gateway starts.
    """
    file = ConfigJudge(look.session.deployment, look.fleet, None).file(name)
    try:
        text = read_ordinary(file, Limits((file.parent,)))
    except OSError:
        return False
    if not (text or "").strip():
        return is_made
    ports = look.ports.profiles.get(name)
    return ports is not None and text == initial_config(look.fleet.profiles[name], ports)


def refusal(checks: Sequence[ConfigCheck]) -> ConfigError:
    """The error for configs that were refused."""
    problems = [
        problem._replace(path=f"{check.file}{':' if problem.path else ''}{problem.path}")
        for check in checks
        for problem in check.problems
    ]
    names = [check.profile for check in checks]
    what = (
        f"{names[0]} would not start with its config" if len(names) == 1 else "These would not start with their configs"
    )
    ways = [way for check in checks for way in check.remedies]
    remedy = _one_per_line([*ways, Remedy("To do it all the same, add --force.")])
    return ConfigError(f"{what}; nothing was stopped:", problems, remedy)


def _one_per_line(remedies: Iterable[Remedy]) -> Remedy:
    parts = [part for remedy in remedies for part in ("\n", remedy)]
    return Remedy().then(*parts[1:])
