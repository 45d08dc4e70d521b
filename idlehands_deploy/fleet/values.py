"""The single values of a fleet file, each with the message for a wrong one."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from idlehands_deploy.contract import EXTENDED_REPOSITORY
from idlehands_deploy.fleet.addresses import HOST, is_loopback, url_host
from idlehands_deploy.fleet.variables import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LOWEST_BASE_PORT = 1024
# Above this the gateway's range of CDP ports silently falls back to 18800-18899.
HIGHEST_BASE_PORT = 65425
# The documentation's minimum; a gateway's fixed derived ports fit in it.
LOWEST_SPACING = 20
# A gateway's CDP ports are base + 11 to base + 110; its default browser takes the first.
HIGHEST_BROWSER_COUNT = 99

# Other projects' images read their user from these two variables, so people write them here too.
USER_VARIABLES = ("PUID", "PGID")
# Set from the port plan and the mounts: another value would make a gateway use other ports or files.
MANAGED_VARIABLES = frozenset(
    f"{prefix}_{name}"
    for prefix in ("IDLEHANDS", "OPENCLAW")
    for name in (
        "GATEWAY_PORT",
        "CONFIG_PATH",
        "STATE_DIR",
        "WORKSPACE_DIR",
        "FORWARD_PORTS",
        "GUARDED_PORTS",
        "PROXY_PORT",
        "BROWSER_PROFILES",
        "BROWSER_SANDBOX",
        "ALLOWED_ORIGINS",
        "TRUSTED_PROXIES",
        "GATEWAY_TOKEN",
        "CDP_TOKEN",
    )
)
# The image passes on no other files.
CAPITALS = r"[A-Z_][A-Z0-9_]*"

IMAGE = r"[a-z0-9]([\w./:@-]*\w)?"


def seconds(duration: str) -> int:
    """The seconds of a duration such as 90s or 5m30s."""
    minutes, rest = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", duration).groups()  # type: ignore[union-attr]
    return 60 * int(minutes or 0) + int(rest or 0)


def age_seconds(age: str) -> int:
    """The seconds of an age in days, such as 30d."""
    return 86_400 * int(age.removesuffix("d"))


def is_image(text: str) -> bool:
    """Whether a text can be the name of an image."""
    return re.fullmatch(IMAGE, text) is not None


def extended_name(image: str, packages: Iterable[str]) -> str:
    """The name of an image with packages added; another list, or another image, is another name."""
    made_from = "\0".join((image, *sorted(set(packages))))
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2] or "latest"
    return f"{EXTENDED_REPOSITORY}:{tag}-{hashlib.sha256(made_from.encode()).hexdigest()[:8]}"


def none_is_empty(value: object) -> object:
    """Accept a key without a value, such as ``main:``, as a mapping with only defaults."""
    return {} if value is None else value


def _text(value: object) -> object:
    # YAML reads 1.10 as 1.1 and 007 as 7: only the person knows the intended spelling.
    if isinstance(value, bool | int | float):
        raise ValueError("must be text: put it in quotes")  # noqa: TRY004 - what pydantic collects
    return value


def _matches(pattern: str, otherwise: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        # Compose and the engine know no other digits and letters than those of ASCII.
        if not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(otherwise)
        return value

    return check


def _address(value: str) -> str:
    try:
        # A port cannot be published on an address with a scope, such as fe80::1%eth0.
        return str(ipaddress.ip_address(value.replace("%", " ")))
    except ValueError:
        raise ValueError("must be an IP address of this host, such as 127.0.0.1") from None


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or re.search(r"\s", value) or not value.isprintable():
        raise ValueError("must be an http, https, ws or wss address, such as http://10.0.0.42:9222")
    if is_loopback(url_host(value)):
        raise ValueError(
            f"{url_host(value)} is the container itself, not this host; for a Chrome on this host write {HOST}"
        )
    return value


def is_web_address(value: str) -> bool:
    """Whether a text is an http or https address."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return good and not re.search(r"\s", value)


def _origin(value: str) -> str:
    """An origin as a browser sends it: in lower case, without the port that its scheme has anyway."""
    otherwise = ValueError("must be an http or https address without a path, such as https://bots.example.org")
    if not is_web_address(value):
        raise otherwise
    parts = urlsplit(value)
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise otherwise
    host, usual = _host(parts.hostname or ""), {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in {None, usual} else f":{parts.port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _host(value: str) -> str:
    try:
        address = ipaddress.ip_address(value.replace("%", " ").removeprefix("[").removesuffix("]"))
    except ValueError:
        pass
    else:
        if address.is_unspecified or address.is_multicast:
            raise ValueError("must be an address of one host, such as 192.168.1.5")
        return str(address)
    name = value.lower().removesuffix(".")
    if not name.isascii():
        raise ValueError("must be written as browsers send it, in ASCII: xn--… for a name with other letters")
    if len(name) > 253 or not re.fullmatch(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*", name):
        raise ValueError("must be a name or an address, without a port, such as nas.lan or 192.168.1.5")
    if re.fullmatch(r"[\d.]+", name):
        raise ValueError("must be a name or an address, without a port, such as nas.lan or 192.168.1.5")
    return name


def _network(value: str) -> str:
    try:
        # After a %, an address may have any text, which would get into the gateway's config.
        network = ipaddress.ip_network(value.replace("%", " "), strict=False)
    except ValueError:
        raise ValueError("must be an address or a network, such as 192.168.1.2 or 10.20.0.0/24") from None
    if not network.prefixlen:
        # A trusted proxy's word is taken for who the client is.
        raise ValueError("must not be every address: any client could then claim to be another")
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _destination(value: str) -> str:
    # The path must stay inside the directory of secrets.
    if is_web_address(value) or re.fullmatch(r"secrets(/(?!\.\.?(/|$))[^/\s]+)+", value):
        return value
    # The message does not repeat the value, which may contain a key.
    raise ValueError("must be an http or https address, or secrets/FILE with one as its only line")


def _command(value: list[str]) -> list[str]:
    if any("\0" in word for word in value) or value[:1] == [""]:
        raise ValueError("must be a command and its arguments, such as [notify-send, Gateways]")
    return value


def _not_managed(value: str) -> str:
    if value in MANAGED_VARIABLES:
        raise ValueError("is created by this tool and always present")
    return value


def _not_refused(value: str) -> str:
    if refused := refusal(value):
        raise ValueError(f"{refused.why}; {refused.instead or 'remove it'}")
    return value


def _no_refused_secret(value: str) -> str:
    try:
        return _not_refused(value)
    except ValueError as error:
        raise ValueError(f"{value} {error}") from None  # its place says only its number


BasePort = Annotated[int, Field(ge=LOWEST_BASE_PORT, le=HIGHEST_BASE_PORT)]
Spacing = Annotated[int, Field(ge=LOWEST_SPACING)]
Cpus = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Pids = Annotated[int, Field(ge=64)]
Text = Annotated[str, BeforeValidator(_text)]
# Examples stand in the schema, for editors and the reference of the keys.
Address = Annotated[str, AfterValidator(_address), Field(examples=["127.0.0.1", "0.0.0.0"])]  # noqa: S104 - not bound here
Url = Annotated[str, AfterValidator(_url), Field(examples=["http://10.0.0.42:9222", f"http://{HOST}:9222"])]
Origin = Annotated[str, AfterValidator(_origin), Field(examples=["https://bots.example.org", "http://localhost:28789"])]
Host = Annotated[str, AfterValidator(_host), Field(examples=["nas.lan", "192.168.1.5"])]
Proxy = Annotated[str, AfterValidator(_network), Field(examples=["192.168.1.2", "10.20.0.0/24"])]
# An address that is a key as well is better kept in a file.
Destination = Annotated[
    str, AfterValidator(_destination), Field(examples=["https://ntfy.example.org/bots", "secrets/webhook.url"])
]
Command = Annotated[list[str], AfterValidator(_command), Field(examples=[["notify-send", "Gateways"]])]
User = Annotated[
    str,
    AfterValidator(
        _matches(r"[1-9]\d{0,8}:[1-9]\d{0,8}", 'must be uid:gid in numbers and not root, such as "1000:1000"')
    ),
    Field(examples=["1000:1000"]),
]
ProjectName = Annotated[
    str,
    AfterValidator(
        _matches(
            r"[a-z0-9][a-z0-9_-]*",
            "must be lower-case letters, digits, - and _, as Compose requires for a project name",
        )
    ),
    Field(examples=["bots"]),
]
ImageName = Annotated[
    str,
    AfterValidator(
        _matches(
            IMAGE,
            "must be the name of an image, such as idlehands/gateway:2026.9.6",
        )
    ),
    Field(examples=["my/gateway:1.2.3"]),
]
Package = Annotated[
    str,
    # With a - at its end, apt would remove the package.
    AfterValidator(_matches(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.]", "must be the name of a Debian package, such as ffmpeg")),
    Field(examples=["ffmpeg"]),
]
Memory = Annotated[
    str,
    AfterValidator(
        _matches(
            r"(?!0+(\.0+)?[a-zA-Z])\d+(\.\d+)?[kmgKMG][bB]?",
            "must be a size such as 512m or 2g",
        )
    ),
    Field(examples=["512m", "2g"]),
]
Sandbox = Literal["required", "preferred", "off"]
Duration = Annotated[
    str,
    AfterValidator(_matches(r"\d+s|\d+m(\d+s)?", "must be a time such as 90s, 5m or 5m30s")),
    Field(examples=["90s", "5m", "5m30s"]),
]
Age = Annotated[
    str,
    AfterValidator(_matches(r"[1-9]\d{0,4}d", "must be a number of days, such as 30d")),
    Field(examples=["30d"]),
]
SecretName = Annotated[
    str,
    AfterValidator(
        _matches(
            CAPITALS,
            "must be the name of an environment variable in capitals, such as OPENAI_API_KEY",
        )
    ),
    AfterValidator(_not_managed),
    AfterValidator(_no_refused_secret),
    Field(examples=["OPENAI_API_KEY"]),
]
VariableName = Annotated[str, AfterValidator(_not_refused)]
BrowserName = Annotated[
    str, AfterValidator(_matches(r"[a-z0-9][a-z0-9-]{0,63}", "must be lower-case letters, digits and -"))
]
