"""The fleet file as values: what a person wrote, validated, with every problem reported at once."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from idlehands_deploy.errors import FleetError, Problem
from idlehands_deploy.fleet_values import (
    HIGHEST_BROWSER_COUNT,
    MANAGED_VARIABLES,
    USER_VARIABLES,
    Address,
    BasePort,
    BrowserName,
    Cpus,
    Duration,
    ImageName,
    Memory,
    Pids,
    ProjectName,
    Sandbox,
    SecretName,
    Spacing,
    Text,
    Url,
    User,
    none_is_empty,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

DEFAULT_IMAGE = "idlehands/gateway:2026.9.6"
DEFAULT_BASE_PORT = 18789

PROFILE_NAME = r"(?!x-)[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
VARIABLE_NAME = r"[A-Za-z_][A-Za-z0-9_]*"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class BrowserProfile(_Model):
    """One browser of a gateway."""

    cdp_url: Url | None = None
    """A Chrome on another machine. Without it the gateway starts one of its own on a port of the plan."""


class Browser(_Model):
    """The browsers of a gateway."""

    sandbox: Sandbox = "preferred"
    """Chromium's own sandbox, which needs user namespaces of the host. Without them `preferred` goes on without it
    and warns, `required` does not start the gateway, and `off` does not try."""
    profiles: Annotated[
        dict[
            BrowserName,
            Annotated[BrowserProfile, BeforeValidator(none_is_empty)],
        ],
        Field(max_length=HIGHEST_BROWSER_COUNT),
    ] = {}
    """Browsers beside the one that every gateway has."""


class Publish(_Model):
    """Which of the loopback-only ports are reachable from this host."""

    control: bool = True
    """The browser control API at base + 2; it asks for the gateway token."""
    cdp: bool = True
    """Chrome DevTools from base + 11 on; it asks nobody, so any user of this host may drive the browser."""


class Resources(_Model):
    """Limits of one container."""

    memory: Memory = "2g"
    """The gateway takes about 0.8 GB idle and 1 GB with its browser."""
    cpus: Cpus | None = None
    """Cores; no limit by default, since the engine refuses more than the host has."""
    pids: Pids = 512
    """Processes and threads."""
    shm: Memory = "256m"
    """Shared memory, for browsers that agents start themselves; the gateway's own does without."""


class Profile(_Model):
    """One named gateway with its own config, state, workspace and ports."""

    port: BasePort | None = None
    """The base port. Written here when it is first allocated, so that later edits never move it."""
    rescues: list[str] = []
    """The profiles that this one is meant to repair."""
    browser: Annotated[Browser, BeforeValidator(none_is_empty)] = Browser()
    publish: Annotated[Publish, BeforeValidator(none_is_empty)] = Publish()
    resources: Annotated[Resources, BeforeValidator(none_is_empty)] = Resources()
    stop_grace_period: Duration = "330s"
    """How long a stop lets the gateway finish its work; its own budget is 330 seconds."""
    secrets: list[SecretName] = []
    """Files in secrets/<profile>/ that the gateway gets as variables of the same name."""
    environment: dict[str, Text] = {}
    """Further variables of the gateway, in plain text: no place for keys. PUID and PGID are the user it runs as."""

    def user_or(self, default: str) -> str:
        """``uid:gid`` that this gateway runs as: its PUID and PGID, else the given one."""
        uid, gid = default.split(":")
        return f"{self.environment.get('PUID', uid)}:{self.environment.get('PGID', gid)}"


class Fleet(_Model):
    """The profiles of one deployment."""

    name: ProjectName = "idlehands"
    """The Compose project's name; two deployments on one host need two names."""
    image: ImageName = DEFAULT_IMAGE
    base_port: BasePort = DEFAULT_BASE_PORT
    """The port of main; the others follow by `spacing`."""
    spacing: Spacing = 1000
    bind: Address = "127.0.0.1"
    """Where the gateway ports are published. Anything but loopback lets other machines in."""
    user: User | None = None
    """uid:gid that the gateways run as. Default: the deployment directory's owner, 1000:1000 for root's."""
    profiles: Annotated[
        dict[str, Annotated[Profile, BeforeValidator(none_is_empty)]], BeforeValidator(none_is_empty)
    ] = {}

    def with_ports(self, ports: Mapping[str, int]) -> Fleet:
        """The same fleet with these profiles' ports written down."""
        profiles = {
            name: profile.model_copy(update={"port": ports[name]}) if name in ports else profile
            for name, profile in self.profiles.items()
        }
        return self.model_copy(update={"profiles": profiles})

    def without(self, name: str) -> Fleet:
        """The same fleet without a profile."""
        profiles = {
            other: profile.model_copy(update={"rescues": [n for n in profile.rescues if n != name]})
            for other, profile in self.profiles.items()
            if other != name
        }
        return self.model_copy(update={"profiles": profiles})


def parse_fleet(data: object, source: str) -> Fleet:
    """Validate a parsed fleet file.

    Args:
        data: what the YAML said: mappings, lists and scalars.
        source: the file's name for messages.

    Raises:
        FleetError: with every problem found.
    """
    try:
        fleet = Fleet.model_validate(none_is_empty(data))
    except ValidationError as error:
        problems = [_problem(details) for details in error.errors(include_url=False)]
        problems += _name_problems(data)
        raise FleetError(source, problems) from None
    if problems := [*_name_problems(data), *_cross_problems(fleet)]:
        raise FleetError(source, problems)
    return fleet


def json_schema() -> dict[str, Any]:
    """The fleet file's JSON Schema, for editors."""
    schema = Fleet.model_json_schema()
    schema["title"] = "idlehands-deploy fleet file"
    schema["properties"]["profiles"]["propertyNames"] = {"pattern": f"^{PROFILE_NAME}$"}
    _allow_empty(schema)
    return schema


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


def _name_problems(data: object) -> Iterator[Problem]:
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


def _cross_problems(fleet: Fleet) -> Iterator[Problem]:
    remote: dict[str, str] = {}
    for name, profile in fleet.profiles.items():
        path = f"profiles.{name}"
        for index, rescued in enumerate(profile.rescues):
            if rescued == name:
                yield Problem(f"{path}.rescues.{index}", "a profile cannot rescue itself")
            elif rescued not in fleet.profiles:
                yield Problem(
                    f"{path}.rescues.{index}",
                    f"there is no profile {rescued!r}{_meant(rescued, fleet.profiles)}",
                )
        for key, values in (("rescues", profile.rescues), ("secrets", profile.secrets)):
            for value in sorted({value for value in values if values.count(value) > 1}):
                yield Problem(f"{path}.{key}", f"{value} is listed twice")
        yield from _environment_problems(path, profile)
        for browser, settings in profile.browser.profiles.items():
            where = f"{path}.browser.profiles.{browser}.cdp_url"
            if settings.cdp_url and (other := remote.setdefault(settings.cdp_url, where)) != where:
                yield Problem(where, f"is the same Chrome as {other}; two gateways cannot share one")


def _environment_problems(path: str, profile: Profile) -> Iterator[Problem]:
    for variable, value in profile.environment.items():
        where = f"{path}.environment.{variable_part(variable)}"
        if not re.fullmatch(VARIABLE_NAME, variable):
            yield Problem(where, "is not a name that an environment variable can have")
        elif variable in MANAGED_VARIABLES:
            yield Problem(where, "is set from the port plan and the mounts; leave it out")
        elif variable in profile.secrets:
            yield Problem(where, "is a secret as well; keep one of the two")
        elif variable in USER_VARIABLES and not re.fullmatch(r"[1-9]\d{0,8}", value):
            yield Problem(where, 'must be the number of a user or group and not root, such as "1000"')
        if re.search("[\0\ud800-\udfff]", value):
            yield Problem(where, "holds a character that no environment can")


def _problem(details: ErrorDetails) -> Problem:
    location = [str(part) for part in details["loc"] if part != "[key]"]
    if "environment" in location:
        location[-1] = variable_part(location[-1])
    path = ".".join(location) or "the file"
    context: Mapping[str, Any] = details.get("ctx", {})
    kind = details["type"]
    # A key pasted where only its name belongs must not end up on a screen or in a log.
    got = _got(details["input"], private=not {"environment", "secrets"}.isdisjoint(location))
    if kind == "extra_forbidden":
        return Problem(path, f"unknown key{_meant(location[-1], _known_keys(location[:-1]))}")
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return Problem(path, f"must be a mapping of keys to values{got}")
    if kind == "list_type":
        return Problem(path, f"must be a list{got}")
    if kind == "value_error":
        return Problem(path, str(context["error"]))
    message = details["msg"].removeprefix("Input should be ")
    return Problem(path, f"must be {message}{got}")


def _known_keys(location: list[str]) -> list[str]:
    """The keys that the model at this place of the file takes."""
    model: type[BaseModel] = Fleet
    by_place: dict[str, type[BaseModel]] = {"browser": Browser, "publish": Publish, "resources": Resources}
    if location[:1] == ["profiles"] and len(location) > 1:
        model = Profile
        if len(location) > 2:
            model = by_place.get(location[2], Profile)
        if len(location) > 3:
            model = BrowserProfile
    return list(model.model_fields)


def _meant(word: str, known: Mapping[str, Any] | list[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _got(value: object, *, private: bool) -> str:
    if private or not isinstance(value, str | int | float | bool):
        return f", not {_kind(value)}"
    return f", not {value!r}"


def _kind(value: object) -> str:
    names: dict[type, Literal["a mapping", "a list", "nothing", "text"]] = {
        dict: "a mapping", list: "a list", type(None): "nothing", str: "text",
    }  # fmt: skip
    return names.get(type(value), type(value).__name__)


def _allow_empty(schema: dict[str, Any]) -> None:
    """Let editors accept ``main:`` without a value where the parser does."""
    for name in ("Profile", "BrowserProfile", "Browser", "Publish", "Resources"):
        schema["$defs"][name]["type"] = ["object", "null"]
