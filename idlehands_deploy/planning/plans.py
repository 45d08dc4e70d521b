"""The plan of each command, computed from facts: nothing here touches a file, the engine or the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.engine.compose import HASTE, up_arguments
from idlehands_deploy.planning.causes import is_seen_by_compose, recreate_cause, restart_cause
from idlehands_deploy.planning.steps import SAID, Plan, Step
from idlehands_deploy.text import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.fleet.ports import PortPlan
    from idlehands_deploy.planning.causes import Recipe
    from idlehands_deploy.planning.facts import FileFacts

NOTHING = "nothing to do"
NO_PROFILE = "no profile has its name"
# Docker's words for a container's state, as causes.
IN_STATE = {
    "running": "it runs",
    "paused": "it is paused",
    "restarting": "it ends and is restarted again and again",
    "exited": "it is stopped",
    "created": "it was never started",
    "removing": "it is being removed",
    "dead": "its removal failed",
}
# Compose and Docker start none of these.
UNTOUCHED = {"running", "paused", "restarting"}
ENDED = {"exited", "created", "dead", "removing"}
UP = tuple(up_arguments([]))
# Compose sees no difference in a container that lost what it had.
UP_ANEW = tuple(up_arguments(["--force-recreate"]))


def plan_files(files: FileFacts, ports: PortPlan) -> Plan:
    """What is written before any container is touched."""
    return Plan(tuple(_file_steps(files, ports)))


def plan_up(containers: Mapping[str, ContainerFacts], recipe: Recipe, profiles: Sequence[str]) -> Plan:
    """Bring each profile's container to what it would be made from now."""
    missing = dict.fromkeys(recipe.services[name]["image"] for name in profiles if not recipe.image_of(name))
    steps = [_image_step(image) for image in missing]
    steps += [_up_step(name, containers.get(name), recipe) for name in profiles]
    # Compose takes those of one kind together, and the first are those that were never there.
    order = ("image", "up", "restart", "")
    return Plan(tuple(sorted(steps, key=lambda step: (order.index(step.verb), step.how))))


def plan_start(look: Look, profiles: Sequence[str]) -> Plan:
    """Start what does not run; each has a container."""
    steps = [
        Step(name, NOTHING, IN_STATE[state]) if (state := look.state(name)) in UNTOUCHED
        else Step(name, SAID["start"], "", ("start",))
        for name in profiles
    ]  # fmt: skip
    return Plan(tuple(sorted(steps, key=lambda step: not step.how)))


def plan_restart(profiles: Sequence[str], *, now: bool, cause: str = "") -> Plan:
    """Restart each; each has a container."""
    return Plan(tuple(Step(name, SAID["restart"], cause, ("restart", *haste(now))) for name in profiles))


def plan_stop(look: Look, profiles: Sequence[str], *, now: bool) -> Plan:
    """Stop what runs."""
    return Plan(tuple(_stop_step(look, name, now=now) for name in profiles))


def plan_down(look: Look, profiles: Sequence[str], *, now: bool) -> Plan:
    """Stop what runs, then remove the containers with their networks."""
    there = [name for name in profiles if look.state(name)]
    ends = [step for step in plan_stop(look, profiles, now=now).steps if step.how or step.subject not in there]
    return Plan((*ends, *(_down_step(look, name) for name in there)))


def plan_remove(look: Look, name: str, directories: Sequence[str], *, purge: bool) -> Plan:
    """Take a profile out, with its container, and with its files where that is wanted.

    Args:
        directories: those that hold its files.
    """
    files = [
        Step(path, "deleted for good", "--purge was given", ("delete",)) if purge else Step(path, "kept")
        for path in directories
    ]
    down = plan_down(look, [name], now=False) if look.state(name) else Plan()
    taken_out = (Step(name, "profile taken out of fleet.yaml", "", ("drop",)),) if name in look.fleet.profiles else ()
    return down + Plan((*taken_out, *files))


def plan_rename(look: Look, old: str, new: str, port: int, missing_image: str | None) -> Plan:
    """Give a profile another name; its container is made again under that one if it ran.

    Args:
        port: its base port.
        missing_image: the fleet's image, if the engine does not have it.
    """
    down = plan_down(look, [old], now=False) if look.state(old) else Plan()
    renamed = Step(old, f"renamed to {new}, with its files, secrets and port {port}", "", ("rename", new))
    if look.state(old) != "running":
        return down + Plan((renamed,))
    image = (_image_step(missing_image),) if missing_image else ()
    return Plan(image) + down + Plan((renamed, Step(new, "container created", f"{old} was running", UP)))


def plan_rotation(look: Look, name: str) -> Plan:
    """Give a profile a new token, which its gateway reads when it starts."""
    token = Plan((Step(name, "token replaced", "", ("token",)),))
    if look.state(name) != "running":
        return token
    return token + plan_restart([name], now=False, cause="it reads its token once")


def haste(now: bool) -> tuple[str, ...]:
    """Compose's arguments for an end that must be now."""
    return ("--timeout", str(HASTE)) if now else ()


def _image_step(image: str) -> Step:
    return Step(image, "image pulled or built", "the engine does not have it", ("image",))


def _up_step(name: str, facts: ContainerFacts | None, recipe: Recipe) -> Step:
    if facts is None:
        return Step(name, "container created", "it has none", UP)
    if cause := recreate_cause(facts, recipe):
        what = (
            "container recreated" if recipe.image_of(name) else "container recreated, unless its new image is the same"
        )
        return Step(name, what, cause, UP_ANEW if facts.moved or not is_seen_by_compose(cause) else UP)
    if facts.state == "running":
        cause = restart_cause(facts, recipe)
        return Step(name, SAID["restart"], cause, ("restart",)) if cause else Step(name, NOTHING)
    if facts.state in UNTOUCHED:
        return Step(name, NOTHING, IN_STATE[facts.state])
    if facts.state == "dead":
        return Step(name, "container recreated", IN_STATE["dead"], UP_ANEW)
    return Step(name, SAID["start"], IN_STATE[facts.state], UP)


def _stop_step(look: Look, name: str, *, now: bool) -> Step:
    state = look.state(name)
    if not state:
        return Step(name, NOTHING, "it has no container")
    if state in ENDED:
        return Step(name, NOTHING, IN_STATE[state])
    if look.orphan(name):
        return Step(name, SAID["stop"], NO_PROFILE, ("stop-orphan", *haste(now)))
    return Step(name, SAID["stop"], "", ("stop", *haste(now)))


def _down_step(look: Look, name: str) -> Step:
    if look.orphan(name):
        return Step(name, "container removed", NO_PROFILE, ("remove-orphan",))
    return Step(name, "container removed", "", ("down",))


def _file_steps(files: FileFacts, ports: PortPlan) -> Iterator[Step]:
    for name, guess in files.added.items():
        published = ", ".join(f"{port.port} ({port.purpose})" for port in ports.profiles[name].published)
        yield Step(name, f"profile added at {published}", f"fleet.yaml has none of this name{guess}", ("store",))
    for name in files.pinned:
        if name not in files.added:
            yield Step(name, f"port {ports.profiles[name].base} written to fleet.yaml", "it had none", ("store",))
    if files.missing:
        cause = "it does not exist" if len(files.missing) == 1 else "they do not exist"
        yield Step(listed(files.missing), "written", cause, ("store",))
    if files.stale:
        cause = "it is out of date" if len(files.stale) == 1 else "they are out of date"
        yield Step(listed(files.stale), "written", cause, ("store",))
    for name, parts in files.absent.items():
        cause = "there is none" if len(parts) == 1 else "there are none"
        yield Step(name, f"{listed(parts)} created", cause, ("store",))
