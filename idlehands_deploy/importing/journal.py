"""The record of an import, in a file beside the profile's state: enough to undo it, even if it was interrupted."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from idlehands_deploy.errors import StateRefusedError
from idlehands_deploy.host.files import PRIVATE_FILE, read_text, write_atomic

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
        home: what ``~`` means in its config.
        config: the file name of its config.
        adopted: whether the originals were moved.
        owner: uid and gid of the originals.
        moved: each directory with its place in the profile's directory, in the order of the moves.
        places: each path on the host with its path in the container; the first of several is the real one.
        renamed: files of the state directory with their names in the profile's state.
        config_mode: the permissions of the original config.
        config_digest: SHA-256 of the config that the import wrote.
        finished_at: seconds since 1970; 0 while the import is running.
        owners: files whose owner was not that of their directory, by path in the profile's directory.
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
    """The journal in a profile's directory; None if the profile was not imported.

    Raises:
        StateRefusedError: it is damaged or of an unknown version.
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
            "Look at its content; files that were moved are beside it.",
        ) from None


def staging_directory(deployment: Deployment, profile: str) -> Path:
    """Where an import is prepared: on the same file system as the profiles, under a name that no profile can have."""
    return deployment.state_directory(profile).parent.with_name(f".import-{profile}")
