"""Rules between the values of a fleet file, beyond the rules for each single value."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import CDP_TOKEN_SECRET, MADE_SECRETS, TOKEN_SECRET
from idlehands_deploy.errors import Problem
from idlehands_deploy.fleet.addresses import endpoint
from idlehands_deploy.fleet.values import CAPITALS, MANAGED_VARIABLES, USER_VARIABLES
from idlehands_deploy.fleet.variables import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from idlehands_deploy.fleet.addresses import Endpoint
    from idlehands_deploy.fleet.model import Fleet, Profile

PROFILE_NAME = r"(?!x-)[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
VARIABLE_NAME = r"[A-Za-z_][A-Za-z0-9_]*"


def check_profile_name(name: str) -> str | None:
    """What is wrong with a profile name, or None.

    The gateway allows up to 64 letters, digits, ``-`` and ``_``; a container's host name allows 63.
    """
    if re.fullmatch(PROFILE_NAME, name):
        return None
    return (
        "a profile name must be 1 to 63 letters, digits, - and _, starting with a letter or digit but not with x- "
        "(the gateway, the engine or Compose reject other names)"
    )


def check_secret_name(name: str) -> str | None:
    """What is wrong with the name of a secret, or None; the name itself is not repeated, since it may be a value."""
    if name in MADE_SECRETS:
        return "this token is made by this tool"
    if name in MANAGED_VARIABLES:
        return "this variable is set by this tool"
    if refused := refusal(name):
        return f"this variable {refused.why}" + (f"; {refused.instead}" if refused.instead else "")
    if re.fullmatch(CAPITALS, name):
        return None
    return "a key is named as an environment variable in capitals, such as OPENAI_API_KEY"


def variable_part(key: str) -> str:
    """The part of a key before ``=`` or ``:``; the rest, as in ``A=value``, may be secret and is never shown."""
    return re.split("[=:]", key, maxsplit=1)[0]


def name_problems(data: object) -> Iterator[Problem]:
    """Problems of the profile names in a parsed fleet file, even if the rest is not valid."""
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
                f"differs from {other} only in case, and some file systems ignore case",
            )


def cross_problems(fleet: Fleet) -> Iterator[Problem]:
    """Problems between values that are valid by themselves."""
    yield from _origin_problems(fleet)
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
                    yield Problem(where, f"is the same Chrome as {other}; each browser needs a separate one")


def _origin_problems(fleet: Fleet) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for name, profile in fleet.profiles.items():
        for index, origin in enumerate(profile.origins):
            # Plain HTTP can be a tunnel, which leads to one gateway today and to another tomorrow.
            if origin.startswith("https:") and (other := owners.setdefault(origin, name)) != name:
                where = f"profiles.{name}.origins.{index}"
                yield Problem(where, f"{origin} is an address of {other}; a proxy needs one for each")


def _environment_problems(path: str, profile: Profile) -> Iterator[Problem]:
    for variable, value in profile.environment.items():
        where = f"{path}.environment.{variable_part(variable)}"
        if not re.fullmatch(VARIABLE_NAME, variable):
            yield Problem(where, "is not a valid name for an environment variable")
        elif variable in MANAGED_VARIABLES:
            yield Problem(where, _managed(path, variable))
        elif variable in profile.secrets:
            yield Problem(where, "is also listed as a secret; keep only one of the two")
        elif variable in USER_VARIABLES and not re.fullmatch(r"[1-9]\d{0,8}", value):
            yield Problem(where, 'must be the number of a user or group and not root, such as "1000"')
        if re.search("[\0\ud800-\udfff]", value):
            yield Problem(where, "contains a character that is not allowed in a variable")


def _managed(path: str, variable: str) -> str:
    """Why a profile cannot set a managed variable, with the setting to use instead."""
    name = path.removeprefix("profiles.")
    setters = {
        "GATEWAY_PORT": f"{path}.port",
        "CONFIG_PATH": f"the mount profiles/{name}/state",
        "STATE_DIR": f"the mount profiles/{name}/state",
        "WORKSPACE_DIR": f"the mount profiles/{name}/workspace",
        "BROWSER_SANDBOX": f"{path}.browser.sandbox",
        "ALLOWED_ORIGINS": f"{path}.origins",
        "TRUSTED_PROXIES": "proxies",
        "GATEWAY_TOKEN": f"the file secrets/{name}/{TOKEN_SECRET}",
        "CDP_TOKEN": f"the file secrets/{name}/{CDP_TOKEN_SECRET}",
    }
    setter = setters.get(variable.partition("_")[2], "the port plan")
    return f"is set from {setter}, and another value would contradict it; remove it"


def meant(word: str, known: Mapping[str, Any] | list[str]) -> str:
    """A suggestion for a mistyped word, to complete a sentence; empty if there is none."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
