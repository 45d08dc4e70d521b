"""What builds and deployments leave on the engine: images without a name, and networks that nothing uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound

from idlehands_deploy.contract import STAGE_SCRIPTS
from idlehands_deploy.engine.connection import translated
from idlehands_deploy.engine.facts import CONTEXT_LABEL, PROJECT_LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    import docker

NO_NAME: tuple[list[str], ...] = ([], ["<none>:<none>"])
NO_DIGEST: tuple[list[str], ...] = ([], ["<none>@<none>"])


@dataclass(frozen=True)
class UnnamedImage:
    """An image without a name that one of our builds has left.

    Attributes:
        size: bytes that no other image shares.
        is_stage: whether it is a build stage, not a whole image that has lost its name to a newer one.
    """

    id: str
    size: int
    is_stage: bool


class Leftovers:
    """What can be deleted from an engine."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client
        self._api = client.api

    def images(self) -> list[UnnamedImage]:
        """The unnamed images of our builds, the largest first; never one that somebody else made."""
        found = []
        with translated(self._client):
            for item in self._api.df()["Images"] or []:
                if not _has_no_name(item):
                    continue
                is_whole = CONTEXT_LABEL in (item.get("Labels") or {})
                if is_whole or _is_stage(self._api.history(item["Id"])):  # type: ignore[no-untyped-call]
                    # -1 where the engine does not know.
                    shared = max(0, int(item.get("SharedSize") or 0))
                    found.append(UnnamedImage(item["Id"], max(0, int(item["Size"]) - shared), not is_whole))
        return sorted(found, key=lambda image: (-image.size, image.id))

    def remove_image(self, image: str) -> str:
        """Remove an image with the unnamed ones that it was built on; returns the reason if something uses it."""
        with translated(self._client):
            try:
                self._api.remove_image(image)
            except NotFound:
                return ""
            except APIError as error:
                if error.status_code != 409:
                    raise
                return str(error.explanation or error)
        return ""

    def networks(self, project: str) -> list[str]:
        """The names of a project's networks."""
        with translated(self._client):
            return sorted(row["Name"] for row in self._networks(project))

    def remove_networks(self, project: str, names: Sequence[str]) -> dict[str, str]:
        """Remove networks of a project; returns those that something uses, with the reason."""
        used = {}
        with translated(self._client):
            for row in self._networks(project):
                if row["Name"] not in names:
                    continue
                try:
                    self._api.remove_network(row["Id"])
                except NotFound:
                    continue
                except APIError as error:
                    if error.status_code not in {403, 409}:
                        raise
                    used[row["Name"]] = str(error.explanation or error)
        return used

    def _networks(self, project: str) -> list[dict[str, Any]]:
        return list(self._api.networks(filters={"label": f"{PROJECT_LABEL}={project}"}))


def _has_no_name(item: dict[str, Any]) -> bool:
    return (item.get("RepoTags") or []) in NO_NAME and (item.get("RepoDigests") or []) in NO_DIGEST


def _is_stage(history: list[dict[str, Any]]) -> bool:
    commands = [str(layer.get("CreatedBy") or "") for layer in history]
    return any(script in command for command in commands for script in STAGE_SCRIPTS)
