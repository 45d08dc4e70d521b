"""What an import did, in a file beside the profile's state: enough to take it back, also if it was interrupted."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from idlehands_deploy.deployment.directory import PRIVATE_FILE, read_text, write_atomic
from idlehands_deploy.errors import StateRefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.deployment.directory import Deployment

JOURNAL = "import.json"
ORIGINAL = "imported-config"


@dataclass
class Journal:
    """One import.

    Attributes:
        source: the native state directory.
        home: what ``~`` means to it.
        config: the name of the config in it.
        adopted: whether the originals were moved.
        owner: uid and gid of the originals.
        moved: directories with where they went, below the profile's own; in the order in which they went.
        places: paths on the host with those in the container, of which the first of a kind is the real one.
        renamed: files of the state directory with the names that they have in the profile's.
        config_mode: the permissions of the original config.
        config_digest: SHA-256 of the config as the import wrote it.
        finished_at: seconds since 1970; 0 while it is under way.
        owners: what of them, below the profile's directory, belonged to another user than the directory it is in.
    """

    source: str
    home: str
    config: str
    adopted: bool
    owner: tuple[int, int]
    moved: list[tuple[str, str]] = field(default_factory=list)
    places: list[tuple[str, str]] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    config_mode: int = PRIVATE_FILE
    config_digest: str = ""
    finished_at: float = 0.0
    owners: dict[str, tuple[int, int]] = field(default_factory=dict)

    def write(self, directory: Path) -> None:
        """Replace the journal in a profile's directory.

        Raises:
            DirectoryError: it cannot be written.
        """
        write_atomic(directory / JOURNAL, json.dumps({"version": 1, **asdict(self)}, indent=2) + "\n", PRIVATE_FILE)


def read_journal(directory: Path) -> Journal | None:
    """The journal in a profile's directory; None where nothing was imported.

    Raises:
        StateRefusedError: there is one that cannot be understood.
    """
    path = directory / JOURNAL
    text = read_text(path)
    if text is None:
        return None
    try:
        values: dict[str, Any] = json.loads(text)
        {1: None}[values.pop("version")]
        values["owner"] = tuple(values["owner"])
        values["owners"] = {path: (uid, gid) for path, (uid, gid) in values.get("owners", {}).items()}
        for key in ("moved", "places", "renamed"):
            values[key] = [(old, new) for old, new in values[key]]
        return Journal(**values)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise StateRefusedError(
            f"{path} is not a journal that this version can read.",
            "See what is in it; files that were moved lie beside it.",
        ) from None


def staging_directory(deployment: Deployment, profile: str) -> Path:
    """Where an import is made ready: on the same file system as its place, and no profile's name."""
    return deployment.state_directory(profile).parent.with_name(f".import-{profile}")
