"""`image build`, `image sbom`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import DEFAULT_IMAGE
from idlehands_deploy.engine.images.build import GatewayPackage, build_image
from idlehands_deploy.engine.images.extension import extend_image
from idlehands_deploy.engine.images.sbom import bill_of_materials
from idlehands_deploy.errors import EngineFailedError, UsageError
from idlehands_deploy.host.files import read_text, write_atomic
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session

__all__ = ["Built", "GatewayPackage", "build", "sbom"]


@dataclass(frozen=True)
class Built:
    """A built image."""

    reference: str
    megabytes: int


def build(session: Session, tag: str | None, package: GatewayPackage, snapshot: str = "") -> Built:
    """Build the image with the given tag, else the fleet file's image, else the default one.

    Args:
        snapshot: the time of Debian's packages, such as 20261101T000000Z; empty for today's.

    Raises:
        UsageError: that is no such time.
        EngineFailedError: the build failed.
    """
    if snapshot and not re.fullmatch(r"\d{8}T\d{6}Z", snapshot, re.ASCII):
        raise UsageError(f"`{snapshot}` is not the time of a snapshot.", "Write it as 20261101T000000Z, in UTC.")
    fleet = None if tag or read_text(session.deployment.fleet_file) is None else session.fleet()
    tag = tag or (fleet.image if fleet else DEFAULT_IMAGE)
    engine = session.engine()
    build_image(engine, tag, package, session.environ, session.progress, session.may_install, snapshot)
    if fleet and fleet.packages:
        extend_image(engine, tag, fleet.packages, fleet.container_image, session.environ, session.progress)
        tag = fleet.container_image
    image = engine.image(tag)
    if image is None:
        raise EngineFailedError(
            f"The engine built {tag}, but does not have it.", Remedy("Build it again: ", ours("image", "build"))
        )
    return Built(tag, image.size // 1_000_000)


def sbom(session: Session, tag: str | None, output: Path | None) -> dict[str, Any]:
    """The bill of materials of the image with the given tag, else of the fleet's containers, else of the default one.

    Args:
        output: a file to write it to as well.

    Raises:
        EngineFailedError: there is no such image, or it cannot list what it is made of.
        DirectoryError: the file cannot be written.
    """
    fleet = None if tag or read_text(session.deployment.fleet_file) is None else session.fleet()
    bill = bill_of_materials(session.engine(), tag or (fleet.container_image if fleet else DEFAULT_IMAGE))
    if output is not None:
        write_atomic(output, json.dumps(bill, indent=2) + "\n")
    return bill
