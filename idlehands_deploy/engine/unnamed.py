"""Images without a name that builds of the gateway's image have left on the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound

from idlehands_deploy.contract import STAGE_SCRIPTS
from idlehands_deploy.engine.facts import CONTEXT_LABEL

if TYPE_CHECKING:
    import docker

NO_NAME: tuple[list[str], ...] = ([], ["<none>:<none>"])
NO_DIGEST: tuple[list[str], ...] = ([], ["<none>@<none>"])


@dataclass(frozen=True)
class UnnamedImage:
    """One such image.

    Attributes:
        size: bytes that no other image shares.
        is_stage: whether it is a build stage, not a whole image that has lost its name to a newer one.
    """

    id: str
    size: int
    is_stage: bool


def find_unnamed(client: docker.DockerClient) -> list[UnnamedImage]:
    """Those of our builds, the largest first; never an image that somebody else made."""
    found = []
    for item in client.api.df()["Images"] or []:
        has_no_name = (item.get("RepoTags") or []) in NO_NAME and (item.get("RepoDigests") or []) in NO_DIGEST
        if not has_no_name:
            continue
        is_whole = CONTEXT_LABEL in (item.get("Labels") or {})
        if is_whole or _is_stage(client.api.history(item["Id"])):  # type: ignore[no-untyped-call]
            # -1 where the engine does not know.
            shared = max(0, int(item.get("SharedSize") or 0))
            found.append(UnnamedImage(item["Id"], max(0, int(item["Size"]) - shared), not is_whole))
    return sorted(found, key=lambda image: (-image.size, image.id))


def remove_unnamed(client: docker.DockerClient, image: str) -> str:
    """Remove an image with the unnamed ones that it was built on; returns the reason if something uses it."""
    try:
        client.api.remove_image(image)
    except NotFound:
        return ""
    except APIError as error:
        if error.status_code != 409:
            raise
        return str(error.explanation or error)
    return ""


def _is_stage(history: list[dict[str, Any]]) -> bool:
    commands = [str(layer.get("CreatedBy") or "") for layer in history]
    return any(script in command for command in commands for script in STAGE_SCRIPTS)
