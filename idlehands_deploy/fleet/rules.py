"""What a fleet file's values must be to each other, beyond what each must be by itself."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import TOKEN_SECRET
from idlehands_deploy.errors import Problem
from idlehands_deploy.fleet.addresses import endpoint
from idlehands_deploy.fleet.values import MANAGED_VARIABLES, USER_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from idlehands_deploy.fleet.addresses import Endpoint
    from idlehands_deploy.fleet.model import Fleet, Profile

PROFILE_NAME = r"(?!x-)[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
VARIABLE_NAME = r"[A-Za-z_][A-Za-z0-9_]*"


# What takes a gateway, or its own command within, off what the plan and the mounts give it.
ELSEWHERE = {"HOME": "is the container's home, in which the mounts are"} | {
    f"{prefix}_{name}": why
    for prefix in ("IDLEHANDS", "OPENCLAW")
    for name, why in (
        ("HOME", "is the container's home, in which the mounts are"),
        ("PROFILE", "would name another state than the mount: in its container a gateway has no profile"),
        ("GATEWAY_URL", "would have the commands of `exec` ask another gateway"),
        ("EAGER_BROWSER_CONTROL_SERVER", "is set, so that browser control answers at the port of the plan"),
    )
}


def check_profile_name(name: str) -> str | None:
    """Say what is wrong with a profile name, or None.

    The gateway takes up to 64 letters, digits, ``-`` and ``_``; a container's host name takes 63.
    """
    if re.fullmatch(PROFILE_NAME, name):
        return None
    return (
        "a profile name is 1 to 63 letters, digits, - and _, starting with a letter or digit and not with x- "
        "(the gateway, the engine or Compose refuse others)"
    )


def variable_part(key: str) -> str:
    """As much of a key as can be a variable's name: what follows, as in ``A=value``, is not for showing."""
    return re.split("[=:]", key, maxsplit=1)[0]


def name_problems(data: object) -> Iterator[Problem]:
    """What is wrong with the profiles' names in a parsed fleet file, valid otherwise or not."""
    profiles = data.get("profiles") if isinstance(data, dict) else None
    if not isinstance(profiles, dict):
        return
    seen: dict[str, str] = {}
    for name in profiles:
        if not isinstance(name, str):
            continue  # the type is reported already
        if problem := check_profile_name(name):
            yield Problem(f"profiles.{name}", problem)
        other = seen.setdefault(name.lower(), name)
        if other != name:
            yield Problem(
                f"profiles.{name}",
                f"differs from {other} only in case, and file systems may not tell them apart",
            )


def cross_problems(fleet: Fleet) -> Iterator[Problem]:
    """What is wrong between values that are right each by itself."""
    remote: dict[Endpoint, str] = {}
    for name, profile in fleet.profiles.items():
        path = f"profiles.{name}"
        for index, rescued in enumerate(profile.rescues):
            if rescued == name:
                yield Problem(f"{path}.rescues.{index}", "a profile cannot rescue itself")
            elif rescued not in fleet.profiles:
                yield Problem(
                    f"{path}.rescues.{index}",
                    f"there is no profile {rescued!r}{meant(rescued, fleet.profiles)}",
                )
        for key, values in (("rescues", profile.rescues), ("secrets", profile.secrets)):
            for value in sorted({value for value in values if values.count(value) > 1}):
                yield Problem(f"{path}.{key}", f"{value} is listed twice")
        yield from _environment_problems(path, profile)
        for browser, settings in profile.browser.profiles.items():
            where = f"{path}.browser.profiles.{browser}.cdp_url"
            if settings.cdp_url and (found := endpoint(settings.cdp_url)):
                other = remote.setdefault(found, where)
                if other != where:
                    yield Problem(where, f"is the same Chrome as {other}; each browser needs one of its own")


def _environment_problems(path: str, profile: Profile) -> Iterator[Problem]:
    for variable, value in profile.environment.items():
        where = f"{path}.environment.{variable_part(variable)}"
        if not re.fullmatch(VARIABLE_NAME, variable):
            yield Problem(where, "is not a name that an environment variable can have")
        elif variable in MANAGED_VARIABLES:
            yield Problem(where, _managed(path, variable))
        elif variable in ELSEWHERE:
            yield Problem(where, f"{ELSEWHERE[variable]}; leave it out")
        elif variable in profile.secrets:
            yield Problem(where, "is a secret as well; keep one of the two")
        elif variable in USER_VARIABLES and not re.fullmatch(r"[1-9]\d{0,8}", value):
            yield Problem(where, 'must be the number of a user or group and not root, such as "1000"')
        if re.search("[\0\ud800-\udfff]", value):
            yield Problem(where, "holds a character that no environment can")


def _managed(path: str, variable: str) -> str:
    """Why a profile cannot set a variable of ours, with the place that does."""
    name = path.removeprefix("profiles.")
    setters = {
        "GATEWAY_PORT": f"{path}.port",
        "CONFIG_PATH": f"the mount profiles/{name}/state",
        "STATE_DIR": f"the mount profiles/{name}/state",
        "WORKSPACE_DIR": f"the mount profiles/{name}/workspace",
        "BROWSER_SANDBOX": f"{path}.browser.sandbox",
        "GATEWAY_TOKEN": f"the file secrets/{name}/{TOKEN_SECRET}",
    }
    setter = setters.get(variable.partition("_")[2], "the port plan")
    return f"is set from {setter}, and another value would take the gateway off it; leave it out"


def meant(word: str, known: Mapping[str, Any] | list[str]) -> str:
    """A guess at the word that a mistyped one means, as a sentence's end."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
