"""`image build`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.contract import DEFAULT_IMAGE
from idlehands_deploy.engine.images.build import GatewayPackage, build_image
from idlehands_deploy.engine.images.extension import extend_image
from idlehands_deploy.errors import EngineFailedError
from idlehands_deploy.host.files import read_text
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from idlehands_deploy.deployment.session import Session


@dataclass(frozen=True)
class Built:
    """A built image."""

    reference: str
    megabytes: int


def build(session: Session, tag: str | None, name: str, version: str | None, command: str, prefix: str) -> Built:
    """Build the image with the given tag, else the fleet file's image, else the default one.

    Args:
        name, version, command, prefix: the gateway package, as in GatewayPackage.

    Raises:
        EngineFailedError: the build failed.
    """
    fleet = None if tag or read_text(session.deployment.fleet_file) is None else session.fleet()
    tag = tag or (fleet.image if fleet else DEFAULT_IMAGE)
    package = GatewayPackage(name, version, command, prefix)
    engine = session.engine()
    build_image(engine, tag, package, session.environ, session.progress, session.may_install)
    if fleet and fleet.packages:
        extend_image(engine, tag, fleet.packages, fleet.container_image, session.environ, session.progress)
        tag = fleet.container_image
    image = engine.image(tag)
    if image is None:
        raise EngineFailedError(
            f"The engine built {tag}, but does not have it.", Remedy("Build it again: ", ours("image", "build"))
        )
    return Built(tag, image.size // 1_000_000)
