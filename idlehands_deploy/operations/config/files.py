"""A gateway's config and the files that it includes, as files on this host."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.contract import CONFIG_NAME
from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import DirectoryError, StateRefusedError, UsageError
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.file_facts import resolved
from idlehands_deploy.host.owned_files import FileVersion, read_version, replace_version
from idlehands_deploy.isolation.setups import inside_reader, read_profile_config
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.gateway.config import GatewayConfig


@dataclass(frozen=True)
class ConfigFiles:
    """The files of one profile's config."""

    session: Session
    fleet: Fleet
    name: str

    @classmethod
    def of(cls, session: Session, name: str) -> ConfigFiles:
        """Those of a profile of the fleet file.

        Raises:
            UsageError: there is no such profile, or it has no config yet.
        """
        fleet = session.fleet()
        select(fleet, [name])
        return cls(session, fleet, name)

    @cached_property
    def state(self) -> Path:
        """The profile's state directory, with links resolved."""
        return resolved(self.session.deployment.state_directory(self.name))

    @property
    def main(self) -> Path:
        """The config itself."""
        return self.state / CONFIG_NAME

    @property
    def mounts(self) -> Mapping[str, Path]:
        """The gateway's directories by their path in its container."""
        return {place: resolved(path) for place, path in self.session.deployment.mounted(self.name).items()}

    @property
    def reader(self) -> Callable[[Path], str | None]:
        """Reads a file that the gateway can see."""
        return inside_reader(*self.mounts.values())

    @cached_property
    def config(self) -> GatewayConfig:
        """The config as it takes effect.

        Raises:
            UsageError: there is none yet.
        """
        if config := read_profile_config(self.session.deployment, self.name, self.fleet.profiles[self.name]):
            return config
        raise self._missing()

    def find(self, file: str | None) -> Path:
        """The config, or the file that it includes under this name.

        Raises:
            UsageError: it includes no such file.
        """
        if file is None:
            return self.main
        path = Path(self.state / file)
        included = [*self.config.includes, self.main]
        if path in included:
            return path
        names = ", ".join(self.inside(other) for other in included)
        raise UsageError(f"{file}: no file of {self.name}'s config; it consists of: {names}", "Name one of these.")

    def inside(self, path: Path) -> str:
        """A file's name for messages and commands, relative to the state directory."""
        return str(path.relative_to(self.state)) if path.is_relative_to(self.state) else str(path)

    def read(self, path: Path) -> FileVersion:
        """A file's content, owner and mode.

        Raises:
            UsageError: it does not exist.
            DirectoryError: it cannot be read, or is a link, which may lead anywhere.
        """
        try:
            version = read_version(path)
        except OSError as error:
            raise self._unreadable(path, error) from None
        if version is None:
            raise self._missing()
        return version

    def text(self, path: Path) -> str:
        """A file's text; unlike one that is to be replaced, it may be a link to another file of the gateway.

        Raises:
            UsageError, DirectoryError: as `read`.
        """
        try:
            text = self.reader(path)
        except ValueError as error:
            raise DirectoryError(f"{path} {error}.", "Put the config itself in its place.") from None
        except OSError as error:
            raise self._unreadable(path, error) from None
        if text is None:
            raise self._missing()
        return text

    def save(self, path: Path, text: str, before: FileVersion) -> bool:
        """Replace a file at once, with its owner and mode; false if it is no longer as it was read.

        Raises:
            DirectoryError: it cannot be written.
        """
        try:
            return replace_version(path, text.encode(), before)
        except OSError as error:
            raise unusable("write", path, error) from None

    def changed_meanwhile(self, path: Path, remedy: Remedy) -> StateRefusedError:
        """The error for a file that somebody else has changed since it was read."""
        return StateRefusedError(f"{path} changed meanwhile: nothing was saved.", remedy)

    def _missing(self) -> UsageError:
        return UsageError(f"{self.name} has no config yet: {self.main}", Remedy("Make it: ", ours("generate")))

    def _unreadable(self, path: Path, error: OSError) -> DirectoryError:
        if path.is_symlink():
            return DirectoryError(
                f"{path} is a link, which the gateway may have made and which may lead anywhere.",
                "Put the file itself in its place.",
            )
        return unusable("read", path, error)
