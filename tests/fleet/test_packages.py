from __future__ import annotations

import pytest

from idlehands_deploy.errors import FleetError
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.targets.compose import build_document
from tests.support.helpers import fleet


def image_of(text: str) -> str:
    """The image of main's container."""
    written = fleet(f"{text}\nprofiles: {{main: }}")
    image: str = build_document(written, plan_ports(written), "1000:1000")["services"]["main"]["image"]
    return image


def test_without_packages_containers_are_made_from_the_image_itself() -> None:
    assert image_of("packages: []") == image_of("") == "idlehands/gateway:2026.9.6"


def test_an_extended_image_is_named_after_its_base_and_its_packages_in_any_order() -> None:
    name = image_of("packages: [ffmpeg, pandoc]")
    assert name.startswith("idlehands/extended:2026.9.6-")
    assert name == image_of("packages: [pandoc, ffmpeg, pandoc]")
    others = {image_of("packages: [ffmpeg]"), image_of("image: my/gateway:2026.9.6\npackages: [ffmpeg, pandoc]")}
    assert len({name, *others}) == 3


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("my/gateway", "latest"), ("registry.example:5000/my/gateway", "latest"),
        ("registry.example:5000/my/gateway:1.2", "1.2"), ("my/gateway@sha256:0123", "latest"),
        ("my/gateway:1@sha256:0123", "1"),
    ],
)  # fmt: skip
def test_any_image_can_be_extended(image: str, tag: str) -> None:
    assert image_of(f"image: {image}\npackages: [jq]").startswith(f"idlehands/extended:{tag}-")


@pytest.mark.parametrize(
    "package", ["", "-y", "ff mpeg", "jq;id", "$(id)", "UPPER", "a", "../x", "jq\\nRUN id", "jq=1.0", "'*'", "curl-"]
)
def test_what_is_no_package_s_name_is_refused(package: str) -> None:
    with pytest.raises(FleetError) as caught:
        fleet(f'packages: ["{package}"]\nprofiles: {{main: }}')
    assert "packages.0: must be the name of a Debian package, such as ffmpeg" in str(caught.value)
