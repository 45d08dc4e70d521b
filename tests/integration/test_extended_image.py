"""An image with a person's Debian packages, on a real engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.site import IMAGE

if TYPE_CHECKING:
    from tests.support.site import Site

pytestmark = pytest.mark.engine


@pytest.mark.full
def test_packages_are_added_kept_when_the_image_is_rebuilt_and_told_when_they_do_not_exist(site: Site) -> None:
    site.write("packages: [rot13, less]\nprofiles: {main: {}}\n")
    refused = site.run("image", "build")
    assert refused.code == 5
    assert f"The packages rot13, less could not be added to {IMAGE}" in refused.err
    assert "Unable to locate package rot13" in refused.err

    # One of them is written in Perl, whose modules the image itself leaves out.
    site.write("packages: [less, libimage-exiftool-perl]\nprofiles: {main: {}}\n")
    found = re.search(r"^Built (idlehands/extended:\S+): \d+ MB\.$", site.ok("image", "build").err, re.MULTILINE)
    assert found
    built = found[1]
    image = site.engine.images.get(built)
    try:
        run = site.engine.containers.run
        assert b"less 6" in run(built, ["less", "--version"], network_mode="none", remove=True)
        assert float(run(built, ["exiftool", "-ver"], network_mode="none", remove=True)) > 12
        assert run(built, ["id", "-u"], network_mode="none", remove=True) == b"1000\n"
        assert image.labels["idlehands.gateway.version"]
        site.ok("image", "build")
        assert site.engine.images.get(built).id == image.id
        assert f"image: {built}" in site.ok("generate").out + (site.root / "compose.yaml").read_text()
    finally:
        site.engine.images.remove(built, force=True)
