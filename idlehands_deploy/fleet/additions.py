"""A person's own additions to the containers: mounts, devices, groups, name servers and labels."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from idlehands_deploy.fleet.mount_points import collision, is_kernel_device
from idlehands_deploy.fleet.values import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from idlehands_deploy.fleet.model import Fleet

VOLUME_EXAMPLE = "/srv/media:/media"
DEVICE_EXAMPLE = "/dev/ttyUSB0"
# Labels that this tool, its image, Compose or the engine finds containers by, or reads something from.
OUR_LABELS = ("org.idlehands.", "idlehands.")
DOCKER_LABELS = ("com.docker.", "io.docker.", "org.dockerproject.")


class Mount(NamedTuple):
    """A file or directory of this host in a container.

    Attributes:
        host: an absolute path, or one from the deployment directory that begins with a dot.
    """

    host: str
    container: str
    is_writable: bool


class Device(NamedTuple):
    """A device of this host in a container.

    Attributes:
        permissions: what a program in the container may do with it: read, write, make (r, w, m).
    """

    host: str
    container: str
    permissions: str


def read_mount(text: str) -> Mount:
    """A mount from its short form, ``HOST:CONTAINER[:ro|rw]``.

    Raises:
        ValueError: it cannot be one; the message says why.
    """
    match text.split(":"):
        case [host, container]:
            mode = "ro"
        case [host, container, mode]:
            pass
        case _:
            host = container = mode = ""
    if not host or not container or not text.isprintable():
        raise ValueError(f"must be HOST:CONTAINER, with :ro or :rw after it, such as {VOLUME_EXAMPLE}")
    if mode not in {"ro", "rw"}:
        raise ValueError(f"must end with ro or rw, not {mode}")
    if host.startswith("~"):
        raise ValueError("write the full path on the host: ~ is another directory for root than for you")
    if not re.match(r"/|\.\.?(/|$)", host):
        raise ValueError(
            f"the path on the host must begin with / or ./ (./{host} is in the deployment directory); "
            "there are no named volumes"
        )
    return Mount(_normal_host(host), _container_path(container, collision), mode == "rw")


def read_device(text: str) -> Device:
    """A device from its short form, ``HOST[:CONTAINER][:PERMISSIONS]``.

    Raises:
        ValueError: it cannot be one; the message says why.
    """
    host, *rest = text.split(":")
    permissions = rest.pop() if rest and not rest[-1].startswith("/") else "rw"
    container = rest.pop() if rest else host
    paths = (_normal_host(host), posixpath.normpath(container))
    if rest or not text.isprintable() or not all(re.match("/dev/[^/]", path) for path in paths):
        raise ValueError(f"must be a device of this host in /dev, such as {DEVICE_EXAMPLE}, or HOST:CONTAINER")
    if not re.fullmatch("r?w?m?", permissions) or not permissions:
        raise ValueError(f"must end with a path or with what is permitted, such as r or rw, not {permissions}")
    return Device(_normal_host(host), _container_path(container, is_kernel_device), permissions)


def mounts_of(fleet: Fleet, name: str) -> dict[str, Mount]:
    """A gateway's added mounts, by their places in the fleet file: the fleet's, then its own.

    Its own takes the place of the fleet's at the same path in the container.
    """
    return _merged("volumes", fleet.volumes, name, fleet.profiles[name].volumes, read_mount)


def devices_of(fleet: Fleet, name: str) -> dict[str, Device]:
    """A gateway's devices, as for mounts."""
    return _merged("devices", fleet.devices, name, fleet.profiles[name].devices, read_device)


def groups_of(fleet: Fleet, name: str) -> list[int]:
    """The further groups of a gateway's user: the fleet's, then its own."""
    return list(dict.fromkeys([*fleet.groups, *fleet.profiles[name].groups]))


def name_servers_of(fleet: Fleet, name: str) -> list[str]:
    """A gateway's name servers: its own, else the fleet's."""
    return fleet.profiles[name].dns or fleet.dns


def labels_of(fleet: Fleet, name: str) -> Mapping[str, str]:
    """The labels of a gateway's container; its own value of a label takes the place of the fleet's."""
    return {**fleet.labels, **fleet.profiles[name].labels}


_T = TypeVar("_T", Mount, Device)


def _merged(key: str, ours: Sequence[str], name: str, own: Sequence[str], read: Callable[[str], _T]) -> dict[str, _T]:
    found: dict[str, tuple[str, _T]] = {}
    for place, texts in ((key, ours), (f"profiles.{name}.{key}", own)):
        for index, text in enumerate(texts):
            item = read(text)
            found[item.container] = (f"{place}.{index}", item)
    return dict(found.values())


def _normal_host(path: str) -> str:
    """The path without detours; a relative one begins with a dot, as Compose wants it."""
    normal = re.sub("^//+", "/", posixpath.normpath(path))
    return normal if re.match(r"/|\.\.?(/|$)", normal) else f"./{normal}"


def _container_path(path: str, refuse: Callable[[PurePosixPath], str]) -> str:
    """A path in the container without detours.

    Raises:
        ValueError: it is none, or taken.
    """
    if not path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"the path in the container must begin with / and have no .. in it, not {path!r}")
    normal = PurePosixPath("/", *path.split("/"))
    if why := refuse(normal):
        raise ValueError(why)
    return str(normal)


def _only_text(example: str) -> Callable[[object], object]:
    def check(value: object) -> object:
        if not isinstance(value, str):
            raise ValueError(f"must be text without a space after its colon, such as {example}")  # noqa: TRY004
        return value

    return check


def _checked(read: Callable[[str], object]) -> AfterValidator:
    def check(text: str) -> str:
        read(text)
        return text

    return AfterValidator(check)


def _unique(read: Callable[[str], _T]) -> AfterValidator:
    def check(texts: list[str]) -> list[str]:
        paths = [read(text).container for text in texts]
        if twice := sorted({path for path in paths if paths.count(path) > 1}):
            raise ValueError(f"{', '.join(twice)} in the container is listed twice")
        return texts

    return AfterValidator(check)


def _name_server(value: str) -> str:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        address = None
    if address is None or "%" in value or address.is_unspecified or address.is_multicast:
        raise ValueError("must be the IP address of a name server, such as 192.168.1.1")
    if address.is_loopback:
        raise ValueError(f"{value} is the container itself, not this host; write this host's address in its network")
    return str(address)


def _label_name(value: str) -> str:
    if not value or not value.isprintable() or re.search(r"[\s=]", value):
        raise ValueError("is not a valid name for a label")
    if value.startswith(OUR_LABELS):
        raise ValueError("is a label of this tool; choose another name")
    if value.startswith(DOCKER_LABELS):
        raise ValueError("is a label of Docker or Compose; choose another name")
    return value


def _label_text(value: str) -> str:
    if re.search("[\0\ud800-\udfff]", value):
        raise ValueError("contains a character that is not allowed in a label")
    return value


Volume = Annotated[
    str, BeforeValidator(_only_text(VOLUME_EXAMPLE)), _checked(read_mount),
    Field(examples=[VOLUME_EXAMPLE, "./notes:/mnt/notes:rw"]),
]  # fmt: skip
DeviceText = Annotated[
    str, BeforeValidator(_only_text(DEVICE_EXAMPLE)), _checked(read_device),
    Field(examples=[DEVICE_EXAMPLE, "/dev/dri", "/dev/video0:/dev/camera:r"]),
]  # fmt: skip
Group = Annotated[int, Field(ge=1, lt=1 << 31)]
NameServer = Annotated[str, AfterValidator(_name_server), Field(examples=["192.168.1.1"])]
LabelName = Annotated[str, AfterValidator(_label_name)]
LabelText = Annotated[Text, AfterValidator(_label_text)]


class Additions(BaseModel):
    """What a person adds to every gateway, or to one."""

    volumes: Annotated[list[Volume], _unique(read_mount)] = []
    """Files and directories of this host, as `HOST:CONTAINER`; read-only, unless `:rw` follows. Each must exist; a
    relative path is in the deployment directory. Those at the top level are for every gateway. A profile's own are
    added, and replace those at the same place in the container."""
    devices: Annotated[list[DeviceText], _unique(read_device)] = []
    """Devices of this host, as `HOST` or `HOST:CONTAINER`; to read and write, unless `:r` or `:w` follows."""
    groups: list[Group] = []
    """Numbers of further groups of the gateway's user, such as the group of a device or of a shared directory."""
    dns: list[NameServer] = []
    """Name servers, instead of the host's. A profile's own replace those of the top level."""
    labels: dict[LabelName, LabelText] = {}
    """Labels of the container, for other programs on this host, in plain text. Those of this tool, Docker and Compose
    are refused."""
