"""The deployment directory: where it is, and the paths in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.contract import HOME_TARGET, STATE_TARGET, WORKSPACE_TARGET
from idlehands_deploy.errors import DirectoryError
from idlehands_deploy.fleet.rules import check_profile_name
from idlehands_deploy.targets.compose import SECCOMP_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping


FLEET_FILE = "fleet.yaml"
VARIABLE = "IDLEHANDS_DEPLOY_DIR"


@dataclass(frozen=True)
class Deployment:
    """The paths of one deployment.

    Attributes:
        is_default: whether it is the per-user default, since nothing named another.
    """

    root: Path
    is_default: bool = False

    @property
    def fleet_file(self) -> Path:
        """The file that a person writes."""
        return self.root / FLEET_FILE

    @property
    def compose_file(self) -> Path:
        """The file that is generated from the fleet file."""
        return self.root / "compose.yaml"

    @property
    def seccomp_file(self) -> Path:
        """The containers' seccomp profile, beside the Compose file."""
        return self.root / SECCOMP_FILE

    @property
    def schema_file(self) -> Path:
        """The fleet file's JSON Schema, for editors."""
        return self.root / "fleet.schema.json"

    @property
    def journal_file(self) -> Path:
        """The watch's journal."""
        return self.root / "watch" / "journal.jsonl"

    @property
    def page_link_file(self) -> Path:
        """The link of the page that a watch serves, with its token."""
        return self.root / "watch" / "page.link"

    def start_file(self, profile: str) -> Path:
        """A record of what a profile's secrets were when its container was started."""
        return self.root / "profiles" / profile / "started.json"

    @property
    def rename_file(self) -> Path:
        """Both names, while a profile is being renamed."""
        return self.root / ".rename.json"

    @property
    def reach_file(self) -> Path:
        """A digest of what the fleet file reached outside when `up` last showed it."""
        return self.root / ".reach.json"

    @property
    def transactions_directory(self) -> Path:
        """The journals of what is being done to profiles' states, one file for each."""
        return self.root / ".transactions"

    @property
    def in_transaction(self) -> list[str]:
        """The profiles whose state is being changed, or was when the tool was ended, in alphabetical order."""
        try:
            names = os.listdir(self.transactions_directory)  # noqa: PTH208 - names are all that is asked for
        except OSError:
            return []
        found = (name.removesuffix(".json") for name in names if name.endswith(".json"))
        return sorted(name for name in found if not check_profile_name(name))

    def snapshots_directory(self, profile: str) -> Path:
        """What a profile can go back to."""
        return self.root / "snapshots" / profile

    def secrets_directory(self, profile: str) -> Path:
        """A profile's token and keys."""
        return self.root / "secrets" / profile

    def secret_file(self, profile: str, name: str) -> Path:
        """The file of one secret."""
        return self.secrets_directory(profile) / name

    def state_directory(self, profile: str) -> Path:
        """The gateway's config, sessions and credentials."""
        return self.root / "profiles" / profile / "state"

    def workspace_directory(self, profile: str) -> Path:
        """The agents' files."""
        return self.root / "profiles" / profile / "workspace"

    def home_directory(self, profile: str) -> Path:
        """What other programs in the container keep in the home directory, such as ``~/.config/gh``."""
        return self.root / "profiles" / profile / "home"

    def mounted(self, profile: str) -> dict[str, Path]:
        """A profile's own directories by their path in its container; one inside another comes first."""
        return {
            STATE_TARGET: self.state_directory(profile),
            WORKSPACE_TARGET: self.workspace_directory(profile),
            str(HOME_TARGET): self.home_directory(profile),
        }


def find_deployment(
    option: Path | None, environ: Mapping[str, str], start: Path | None, home: Path | None
) -> Deployment:
    """Find the deployment directory; it need not exist yet.

    The first of: the option, ``IDLEHANDS_DEPLOY_DIR``, the nearest parent of ``start`` with a fleet file, and
    the per-user default.

    Args:
        start: the working directory; None if it was deleted.

    Raises:
        DirectoryError: the given path cannot be a directory, or there is no home for the default.
    """
    if option is not None:
        return Deployment(_absolute(option, start))
    if variable := environ.get(VARIABLE):
        return Deployment(_absolute(Path(variable), start))
    for directory in (start, *start.parents) if start else ():
        if (directory / FLEET_FILE).is_file():
            return Deployment(directory)
    data = environ.get("XDG_DATA_HOME")
    if not data and home is None:
        raise DirectoryError("You have no home directory for a deployment.", "Give a directory with -C.")
    shared = Path(data) if data else Path(home or ".") / ".local" / "share"
    return Deployment(shared / "idlehands-deploy", is_default=True)


def _absolute(path: Path, start: Path | None) -> Path:
    try:
        path = path.expanduser()
        if start is None and not path.is_absolute():
            raise DirectoryError(
                "The working directory was deleted.", "Change to another, or give a full path with -C."
            )
        return (start / path if start else path).resolve()
    except (OSError, RuntimeError) as error:  # a loop of links, or a ~user who does not exist
        raise DirectoryError(f"{path} cannot be a directory: {error}.", "Choose another one with -C.") from None
