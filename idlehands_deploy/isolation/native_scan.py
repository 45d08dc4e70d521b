"""Find native gateways on this host: by their state directories, systemd units and processes."""

from __future__ import annotations

import os
import re
import shlex
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.fleet.ports import CONTROL_OFFSET
from idlehands_deploy.gateway.config import read_config
from idlehands_deploy.host.file_facts import ANY, Limits, read_ordinary, resolved
from idlehands_deploy.isolation.claims import Native
from idlehands_deploy.isolation.pins import is_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from idlehands_deploy.gateway.config import GatewayConfig
    from idlehands_deploy.host.gateway_processes import GatewayProcess

# The gateway's default ports (2026.9.6); only the profile of --dev has another one.
DEFAULT_PORT = 18789
DEV_PORT = 19001
PRODUCTS = ("idlehands", "openclaw")
STATE_NAME = re.compile(r"\.(?:idlehands|openclaw)(?:-[A-Za-z0-9][A-Za-z0-9_-]{0,63})?")
UNITS = "{}-gateway*.service"
SYSTEM_UNITS = Path("/etc/systemd/system")
OTHERS = Path("/home")
USER_UNITS = Path(".config/systemd/user")


@dataclass(frozen=True)
class _Source:
    """What a unit or a process says about a gateway."""

    place: str
    variables: Mapping[str, str]
    port: int | None
    home: Path | None
    running: bool = False

    @property
    def given_port(self) -> int | None:
        """The port in its variables."""
        given = self.variable("GATEWAY_PORT")
        return int(given) if given.isdigit() and is_port(int(given)) else None

    def variable(self, name: str) -> str:
        """The value of a variable, with either product's prefix."""
        return next((value for product in PRODUCTS if (value := self.variables.get(f"{product.upper()}_{name}"))), "")

    def path(self, given: str) -> Path:
        """A path with its placeholder for the home directory replaced."""
        home = str(self.home or "~")
        return Path(given.replace("%h", home) if "%h" in given else re.sub(r"^~(?=/|$)", home, given))

    @property
    def state(self) -> Path | None:
        if given := self.variable("STATE_DIR"):
            return self.path(given)
        profile = self.variable("PROFILE")
        suffix = "" if profile in {"", "default"} else f"-{profile}"
        if self.home is None:
            return None
        candidates = [self.home / f".{product}{suffix}" for product in PRODUCTS]
        # This user may not be able to see it, so a missing directory is not ruled out.
        return next((path for path in candidates if _is_directory(path)), candidates[-1])


def find_natives(
    homes: Iterable[Path], processes: Sequence[GatewayProcess], system_units: Path = SYSTEM_UNITS
) -> list[Native]:
    """The native gateways of these users, each once; a process overrides a unit, and a unit a config.

    Args:
        homes: the home directories to search.
        processes: the running gateways on this host.

    A state directory without a config, a unit and a process is not a gateway.
    """
    homes = list(dict.fromkeys(map(resolved, homes)))
    sources = [*_processes(processes), *_units(homes, system_units)]
    by_state: dict[Path, list[_Source]] = {}
    for source in sources:
        if state := source.state:
            by_state.setdefault(resolved(state), []).append(source)
    for home in homes:
        for state in _state_directories(home):
            by_state.setdefault(resolved(state), [])
    return [native for state, known in sorted(by_state.items()) if (native := _native(state, known, homes)) is not None]


def user_homes(environ: Mapping[str, str], others: Path = OTHERS) -> list[Path]:
    """The home directories of the caller (also of the user behind sudo) first; for root, those of all users too."""
    homes = [Path(environ["HOME"])] if environ.get("HOME") else []
    if os.geteuid() == 0 and (name := environ.get("SUDO_USER")):
        import pwd  # noqa: PLC0415 - not on every system

        with suppress(KeyError):
            homes.append(Path(pwd.getpwnam(name).pw_dir))
    if os.geteuid() == 0 and others.is_dir():
        homes += sorted(path for path in others.iterdir() if _is_directory(path))
    return homes


def _native(state: Path, sources: Sequence[_Source], homes: Sequence[Path]) -> Native | None:
    place = _shown(state, homes)
    config = _config(state, sources, homes)
    if config is None and not sources:
        return None
    port, port_place = _port(state, config, sources)
    return Native(
        place=place,
        base=port,
        port_place=port_place or place,
        state=state,
        workspace=resolved(_workspace(state, config, sources)),
        config=config,
        running=any(source.running for source in sources),
        installed=any(not source.running for source in sources),
    )


def _port(state: Path, config: GatewayConfig | None, sources: Sequence[_Source]) -> tuple[int, str]:
    for source in sources:
        if source.port:
            return source.port, source.place
    configured = config.get("gateway", "port") if config else None
    if config and isinstance(configured, int) and is_port(configured):
        return configured, f"{config.place}:gateway.port"
    return (DEV_PORT if state.name.endswith("-dev") else DEFAULT_PORT), ""


def _config(state: Path, sources: Sequence[_Source], homes: Sequence[Path]) -> GatewayConfig | None:
    given = [Path(source.variable("CONFIG_PATH")) for source in sources if source.variable("CONFIG_PATH")]
    limits = _owned_as(state)
    for path in [*given, *(state / f"{product}.json" for product in PRODUCTS)]:
        config = read_config(
            path,
            _shown(path, homes),
            lambda file: read_ordinary(file, limits),
            mounts={str(path.parent): path.parent},
            environ={},
        )
        if config is not None:
            return config
    return None


def _workspace(state: Path, config: GatewayConfig | None, sources: Sequence[_Source]) -> Path:
    """Its workspace: from the config, else from the variable, else the one in its state."""
    configured = config.get("agents", "defaults", "workspace") if config else None
    if isinstance(configured, str) and configured:
        home = next((source.home for source in sources if source.home), state.parent)
        return home / configured[2:] if configured.startswith("~/") else state / configured
    given = [source.path(found) for source in sources if (found := source.variable("WORKSPACE_DIR"))]
    return given[0] if given else state / "workspace"


def _state_directories(home: Path) -> Iterator[Path]:
    try:
        with os.scandir(home) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if STATE_NAME.fullmatch(entry.name) and _is_directory(Path(entry.path)):
            yield Path(entry.path)


def _processes(processes: Sequence[GatewayProcess]) -> Iterator[_Source]:
    for process in processes:
        home = process.environ.get("HOME")
        source = _Source(
            f"process {process.pid}", process.environ, _base_of(process.listening), Path(home) if home else None,
            running=True,
        )  # fmt: skip
        # A starting gateway does not listen yet.
        yield replace(source, port=source.given_port or source.port)


def _base_of(listening: tuple[int, ...]) -> int | None:
    """The base port among a gateway's listening ports; its webhooks can have any port."""
    if len(listening) == 1:
        return listening[0]
    return next((port for port in listening if port + CONTROL_OFFSET in listening), None)


def _units(homes: Sequence[Path], system_units: Path) -> Iterator[_Source]:
    for home, directory in [*((home, home / USER_UNITS) for home in homes), (None, system_units)]:
        for product in PRODUCTS:
            for path in sorted(directory.glob(UNITS.format(product))):
                limits = _owned_as(home) if home else ANY
                if (text := _read_or_none(path, limits)) is not None:
                    yield _unit(text, _shown(path, homes), home, limits)


def _unit(text: str, place: str, home: Path | None, limits: Limits = ANY) -> _Source:
    variables: dict[str, str] = {}
    port = None
    for line in text.replace("\\\n", " ").splitlines():
        key, _, value = line.strip().partition("=")
        if key == "User":
            home = home or _home_of(value.strip())
        elif key == "Environment":
            variables |= dict(part.partition("=")[::2] for part in _words(value) if "=" in part)
        elif key == "EnvironmentFile":
            variables |= _environment_file(Path(value.strip().removeprefix("-")), limits)
        elif key == "ExecStart":
            command = " ".join(_words(value))
            if (found := re.search(r"--port[= ](\d{1,5})\b", command)) and is_port(int(found[1])):
                port = int(found[1])
            if profile := re.search(r"--profile[= ](\S+)", command):
                variables.setdefault("OPENCLAW_PROFILE", profile[1])
    if "HOME" in variables:
        home = Path(variables["HOME"])
    source = _Source(place, variables, port, home)
    return replace(source, port=port or source.given_port)


def _home_of(user: str) -> Path | None:
    import pwd  # noqa: PLC0415 - not on every system

    with suppress(KeyError):
        return Path(pwd.getpwnam(user).pw_dir)
    return None


def _environment_file(path: Path, limits: Limits) -> dict[str, str]:
    lines = (_read_or_none(path, limits) or "").splitlines()
    return {
        name.strip(): value.strip().strip("\"'") for name, _, value in (line.partition("=") for line in lines) if value
    }


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:  # an unclosed quote, which systemd rejects too
        return value.split()


def _owned_as(directory: Path) -> Limits:
    """A user must not make root read files which that user may not read; others may read what they can."""
    try:
        return Limits(owner=directory.stat().st_uid) if os.geteuid() == 0 else ANY
    except OSError:
        return ANY


def _read_or_none(path: Path, limits: Limits) -> str | None:
    try:
        return read_ordinary(path, limits)
    except OSError:
        return None


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # another user's directory, or a loop of links
        return False


def _shown(path: Path, homes: Sequence[Path]) -> str:
    """A path as the caller would write it."""
    own = homes[0] if homes else None
    return f"~/{path.relative_to(own)}" if own and path.is_relative_to(own) else str(path)
