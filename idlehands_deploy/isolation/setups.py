"""What else is on this host: the profiles' own configs, and native gateways."""

from __future__ import annotations

from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING

from idlehands_deploy.contract import CONFIG_NAME, HOME_TARGET, HOST_VARIABLE, STATE_TARGET
from idlehands_deploy.deployment.profile_files import read_token
from idlehands_deploy.deployment.secret_values import read_secret_file
from idlehands_deploy.fleet.additions import mounts_of
from idlehands_deploy.fleet.ports import MAIN, plan_ports
from idlehands_deploy.gateway.config import read_config
from idlehands_deploy.gateway.json5_text import FlawError
from idlehands_deploy.host.file_facts import Limits, OutsideError, UnfitError, read_ordinary, resolved
from idlehands_deploy.isolation.claims import Setup

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet, Profile
    from idlehands_deploy.fleet.ports import PortPlan
    from idlehands_deploy.gateway.config import GatewayConfig
    from idlehands_deploy.isolation.claims import Native


def find_natives(session: Session) -> list[Native]:
    """The gateways that are installed on this host without a container."""
    # Loaded here: most commands need no scan of the host.
    from idlehands_deploy.host.gateway_processes import gateway_processes  # noqa: PLC0415
    from idlehands_deploy.isolation import native_scan  # noqa: PLC0415

    return native_scan.find_natives(native_scan.user_homes(session.environ), gateway_processes())


def plan_here(session: Session, fleet: Fleet, new: Collection[str] = ()) -> PortPlan:
    """The port plan; a profile without a port never gets the port of a native gateway.

    Raises:
        PortConflictError: two profiles need the same published port, or no slot is left.
    """
    if all(profile.port or (name == MAIN and name not in new) for name, profile in fleet.profiles.items()):
        return plan_ports(fleet)
    reserved = frozenset(port for native in find_natives(session) for port in native.ports)
    return plan_ports(fleet, reserved, new)


def read_setups(session: Session, fleet: Fleet, plan: PortPlan) -> list[Setup]:
    """Each profile with the content of its directory; changes nothing."""
    return [read_setup(session, fleet, name, plan) for name in fleet.profiles]


def read_setup(session: Session, fleet: Fleet, name: str, plan: PortPlan) -> Setup:
    """One profile with the content of its directory; changes nothing."""
    deployment, profile = session.deployment, fleet.profiles[name]
    secrets = _secrets(session, name, profile)
    state, workspace = resolved(deployment.state_directory(name)), resolved(deployment.workspace_directory(name))
    config = read_profile_config(deployment, name, profile, secrets)
    token = read_token(deployment, name)
    mounts = tuple(
        mount._replace(host=str(resolved(deployment.root / mount.host))) for mount in mounts_of(fleet, name).values()
    )
    return Setup(name, profile, plan.profiles[name], config, token, state, workspace, secrets, mounts)


def read_profile_config(
    deployment: Deployment,
    name: str,
    profile: Profile,
    secrets: Mapping[str, str] | None = None,
    drafts: Mapping[Path, str] = MappingProxyType({}),
) -> GatewayConfig | None:
    """A profile's own config; None if it has none yet.

    Args:
        secrets: the values of its secrets, which the config may refer to.
        drafts: texts to read in place of files.
    """
    mounts = {place: resolved(path) for place, path in deployment.mounted(name).items()}
    return read_config(
        mounts[STATE_TARGET] / CONFIG_NAME,
        f"profiles/{name}/state/{CONFIG_NAME}",
        inside_reader(*mounts.values(), drafts=drafts),
        mounts=mounts,
        # The host's address differs inside the container, so it stays a variable.
        environ={"HOME": str(HOME_TARGET)} | {k: v for k, v in profile.environment.items() if k != HOST_VARIABLE},
        hidden=secrets,
    )


def inside_reader(*mounts: Path, drafts: Mapping[Path, str] = MappingProxyType({})) -> Callable[[Path], str | None]:
    """Reads files in these directories, which a gateway owns, and no other.

    Args:
        mounts: with links resolved.
        drafts: texts to read in place of files.
    """

    def read(path: Path) -> str | None:
        if path in drafts:
            return drafts[path]
        # The gateway owns its state: a link in it must not lead to other users' files. In its container such a link
        # is broken anyway.
        try:
            return read_ordinary(path, Limits(mounts))
        except OutsideError:
            raise FlawError("is a link to a file outside the gateway's mounts") from None
        except UnfitError as error:
            raise FlawError(str(error.strerror).removeprefix("it ")) from None

    return read


def _secrets(session: Session, name: str, profile: Profile) -> dict[str, str]:
    """The values of the profile's readable secrets."""
    found = {}
    for secret in profile.secrets:
        with suppress(OSError):
            if reading := read_secret_file(session.deployment.secret_file(name, secret)):
                found[secret] = "" if reading.flaw else reading.value
    return found
