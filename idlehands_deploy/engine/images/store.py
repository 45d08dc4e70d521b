"""The images of an engine: found, pulled, imported and built."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from docker.errors import ImageNotFound

from idlehands_deploy.engine.connection import translated
from idlehands_deploy.engine.credentials import registry_credentials
from idlehands_deploy.engine.facts import ImageFacts
from idlehands_deploy.engine.leftovers import Leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import docker


class ImageStore:
    """The part of an engine's API that is about images, and what they leave."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client
        self._api = client.api

    def image(self, reference: str) -> ImageFacts | None:
        """An image by its reference; None if the engine does not have it."""
        with translated(self._client):
            try:
                detail = self._api.inspect_image(reference)  # type: ignore[no-untyped-call]
            except ImageNotFound:
                return None
            return ImageFacts(detail["Id"], int(detail["Size"]), dict(detail["Config"].get("Labels") or {}))

    @property
    def leftovers(self) -> Leftovers:
        """What builds and deployments have left on it."""
        return Leftovers(self._client)

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Give an image another name; one that has it already is no error.

        Args:
            image: its id or name.
        """
        with translated(self._client):
            self._api.tag(image, repository, tag)

    def pull(self, reference: str) -> str | None:
        """Pull an image; returns the reason in one line if that fails."""
        credentials, trouble = registry_credentials(reference)
        try:
            self._client.images.pull(reference, auth_config=credentials)
        except Exception as error:  # noqa: BLE001 - the caller continues after any failure
            reason = str(getattr(error, "explanation", None) or error).strip().partition("\n")[0]
            return f"{reason} ({trouble})" if trouble else reason
        return None

    def import_image(self, archive: Path, repository: str, tag: str) -> None:
        """Create an image from a root file system in a tar file."""
        with translated(self._client):
            self._api.import_image_from_file(str(archive), repository=repository, tag=tag)

    def build(
        self,
        context: bytes,
        tag: str,
        *,
        arguments: Mapping[str, str],
        labels: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> str | None:
        """Build an image and report each line of output; returns the error's text if it fails.

        Args:
            context: a tar file.
        """
        # A build uses images of this engine alone. docker-py would ask every credential helper that a person has set
        # up, of which one may be missing or never end, and would send the engine all that they say.
        self._api._set_auth_headers = lambda _headers: None  # type: ignore[attr-defined]
        with translated(self._client):
            for event in self._api.build(
                fileobj=io.BytesIO(context),
                custom_context=True,
                tag=tag,
                buildargs=dict(arguments),
                labels=dict(labels),
                rm=True,
                forcerm=True,
                decode=True,
            ):
                if "error" in event:
                    return str(event["error"])
                if text := str(event.get("stream", "")).strip():
                    on_line(text)
        return None
