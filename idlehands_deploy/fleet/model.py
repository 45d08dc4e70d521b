"""The fleet file as validated values; every problem is reported at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from idlehands_deploy.contract import DEFAULT_IMAGE
from idlehands_deploy.errors import FleetError, Problem
from idlehands_deploy.fleet.additions import Additions
from idlehands_deploy.fleet.rules import cross_problems, name_problems
from idlehands_deploy.fleet.text.problems import problem_of
from idlehands_deploy.fleet.values import (
    HIGHEST_BROWSER_COUNT,
    Address,
    Age,
    BasePort,
    BrowserName,
    Command,
    Cpus,
    Destination,
    Duration,
    Host,
    ImageName,
    Memory,
    Origin,
    Package,
    Pids,
    ProjectName,
    Proxy,
    Sandbox,
    SecretName,
    Spacing,
    Text,
    Url,
    User,
    VariableName,
    extended_name,
    none_is_empty,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

DEFAULT_BASE_PORT = 18789


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class BrowserProfile(_Model):
    """One browser of a gateway."""

    cdp_url: Url | None = None
    """The address of a Chrome elsewhere. Without it, the gateway starts a browser of its own on a port of the plan."""


class Browser(_Model):
    """The browsers of a gateway."""

    sandbox: Sandbox = "preferred"
    """Whether Chromium uses its own sandbox, which needs user namespaces of the host. Without them, `preferred` warns
    and runs without a sandbox, and `required` refuses to start the gateway. `off` never uses it."""
    local_pages: bool = False
    """Whether they open `file:`, `view-source:`, `chrome:` and `devtools:` addresses, which show what is in the
    container."""
    profiles: Annotated[
        dict[
            BrowserName,
            Annotated[BrowserProfile, BeforeValidator(none_is_empty)],
        ],
        Field(max_length=HIGHEST_BROWSER_COUNT),
    ] = {}
    """More browsers, by name, beside `openclaw`, which every gateway has."""


class Publish(_Model):
    """Which of the loopback-only ports are published on 127.0.0.1."""

    control: bool = True
    """Publishes browser control, at base + 2. It asks for the gateway token."""
    cdp: bool | Literal["open"] = True
    """Publishes CDP, from base + 11 on. It asks for a token of its own, which `url --cdp` prints. With `open` it asks
    for none: any user of this host can drive the browser, and read every file of the gateway through it."""


class Resources(_Model):
    """Limits of one container."""

    memory: Memory = "2g"
    """Limits memory. A gateway takes about 0.8 GB idle and 1 GB with its browser."""
    cpus: Cpus | None = None
    """Limits processor cores. The engine refuses more than the host has."""
    pids: Pids = 512
    """Limits processes and threads together."""
    shm: Memory = "256m"
    """Limits shared memory. Only browsers that agents start themselves use it."""


class Profile(_Model, Additions):
    """One named gateway with its own config, state, workspace and ports."""

    port: BasePort | None = None
    """The base port. The tool writes it here when it allocates one, so that later edits never move it."""
    image: ImageName | None = None
    """Another image than the fleet's. It is used as it is: `packages` are not added to it."""
    rescues: list[str] = []
    """The profiles that this one is meant to repair. `list` shows them; it grants no access."""
    origins: list[Origin] = []
    """Further addresses at which browsers open this gateway. An https one opens a port for a reverse proxy."""
    browser: Annotated[Browser, BeforeValidator(none_is_empty)] = Browser()
    publish: Annotated[Publish, BeforeValidator(none_is_empty)] = Publish()
    resources: Annotated[Resources, BeforeValidator(none_is_empty)] = Resources()
    stop_grace_period: Duration = "330s"
    """How long a stop waits for the gateway to finish its work. The gateway's own limit is 330 seconds."""
    secrets: list[SecretName] = []
    """Names of files in `secrets/<profile>/`. The gateway gets each as a variable of the same name."""
    environment: dict[VariableName, Text] = {}
    """More variables of the gateway, in plain text: write no keys here. `PUID` and `PGID` set the user that it runs as,
    `TZ` its time zone. Variables that the port plan or a mount sets are refused, and those that load code or choose
    programs, such as `NODE_OPTIONS` and `PATH`."""

    def user_or(self, default: str) -> str:
        """The ``uid:gid`` of this gateway: its PUID and PGID, else the given one."""
        uid, gid = default.split(":")
        return f"{self.environment.get('PUID', uid)}:{self.environment.get('PGID', gid)}"


class Notify(_Model):
    """Where `watch` sends notifications of gateways that cannot be used, and of their recovery."""

    webhook: Destination | None = None
    """Gets each notification as JSON by POST: an address, or the file that holds it."""
    ntfy: Destination | None = None
    """Gets each notification as plain text by POST, with the headers of ntfy."""
    command: Command = []
    """Gets the same JSON on its standard input: a command and its arguments."""


class Watch(_Model):
    """Settings of `watch`."""

    restart: bool = True
    """Restarts a gateway that hangs, that this host cannot reach, or whose browser is frozen."""
    patience: Duration = "90s"
    """How long such a gateway has to recover by itself before `watch` restarts it."""
    notify: Annotated[Notify, BeforeValidator(none_is_empty)] = Notify()


class Snapshots(_Model):
    """Which snapshots are kept: the newest, the newest that a gateway was ready with, and those with a label always."""

    keep: Annotated[int, Field(ge=1, le=1000)] = 5
    """Keeps this many of each gateway, beside those with a label. Older ones are deleted when one is taken."""
    age: Age | None = None
    """Keeps them for this many days at most."""


class Fleet(_Model, Additions):
    """The profiles of one deployment."""

    name: ProjectName = "idlehands"
    """The Compose project's name. Two deployments on one host need two names."""
    image: ImageName = DEFAULT_IMAGE
    """The image of every gateway. `up` builds `idlehands/gateway` if it is missing, and pulls any other."""
    packages: list[Package] = []
    """Debian packages that agents need, such as ffmpeg. Added to the image here, and again when that is rebuilt."""
    base_port: BasePort = DEFAULT_BASE_PORT
    """The base port of slot 0, which `main` has. A profile that has a `port` does not move."""
    spacing: Spacing = 1000
    """The distance between the base ports of two slots."""
    bind: Address = "127.0.0.1"
    """The address on which the gateway ports are published. Any but loopback lets other machines in."""
    hosts: list[Host] = []
    """Names and further addresses of this host at which browsers open the gateways over plain HTTP."""
    proxies: list[Proxy] = []
    """Reverse proxies on other machines, which the gateways then trust. One on this host needs no entry."""
    user: User | None = None
    """The uid:gid that the gateways run as. Without it: the deployment directory's owner, or 1000:1000 for root."""
    watch: Annotated[Watch, BeforeValidator(none_is_empty)] = Watch()
    snapshots: Annotated[Snapshots, BeforeValidator(none_is_empty)] = Snapshots()
    profiles: Annotated[
        dict[str, Annotated[Profile, BeforeValidator(none_is_empty)]], BeforeValidator(none_is_empty)
    ] = {}
    """The gateways, by name. A name is 1 to 63 letters, digits, - and _, and starts with a letter or digit, not with
    x-."""

    @property
    def container_image(self) -> str:
        """What containers are made from: the image, or the one made from it with the added packages."""
        return extended_name(self.image, self.packages) if self.packages else self.image

    def image_of(self, name: str) -> str:
        """What the container of a profile is made from."""
        return self.profiles[name].image or self.container_image

    def with_image(self, name: str, image: str | None) -> Fleet:
        """The same fleet with another image for a profile; None for the fleet's."""
        profile = self.profiles[name].model_copy(update={"image": image})
        return self.model_copy(update={"profiles": self.profiles | {name: profile}})

    def with_one_image(self, image: str) -> Fleet:
        """The same fleet with this image for every profile."""
        profiles = {name: profile.model_copy(update={"image": None}) for name, profile in self.profiles.items()}
        return self.model_copy(update={"image": image, "profiles": profiles})

    def with_ports(self, ports: Mapping[str, int]) -> Fleet:
        """The same fleet with the ports of these profiles."""
        profiles = {
            name: profile.model_copy(update={"port": ports[name]}) if name in ports else profile
            for name, profile in self.profiles.items()
        }
        return self.model_copy(update={"profiles": profiles})

    def renamed(self, old: str, new: str) -> Fleet:
        """The same fleet with another name for a profile, in its old place."""
        profiles = {
            new if name == old else name: profile.model_copy(
                update={"rescues": [new if other == old else other for other in profile.rescues]}
            )
            for name, profile in self.profiles.items()
        }
        return self.model_copy(update={"profiles": profiles})

    def with_secrets(self, name: str, secrets: list[str]) -> Fleet:
        """The same fleet with these names as a profile's secrets."""
        profile = self.profiles[name].model_copy(update={"secrets": secrets})
        return self.model_copy(update={"profiles": self.profiles | {name: profile}})

    def without(self, name: str) -> Fleet:
        """The same fleet without a profile."""
        profiles = {
            other: profile.model_copy(update={"rescues": [n for n in profile.rescues if n != name]})
            for other, profile in self.profiles.items()
            if other != name
        }
        return self.model_copy(update={"profiles": profiles})


def parse_fleet(data: object, source: str, also: Callable[[Fleet], Iterable[Problem]] | None = None) -> Fleet:
    """Validate a parsed fleet file.

    Args:
        data: the parsed YAML: mappings, lists and scalars.
        source: the file's name for messages.
        also: gives further problems of a fleet that is valid by itself.

    Raises:
        FleetError: with every problem.
    """
    try:
        fleet = Fleet.model_validate(none_is_empty(data))
    except ValidationError as error:
        problems = [problem_of(details, Fleet) for details in error.errors(include_url=False)]
        problems += name_problems(data)
        raise FleetError(source, problems) from None
    if problems := [*name_problems(data), *cross_problems(fleet), *(also(fleet) if also else ())]:
        raise FleetError(source, problems)
    return fleet
