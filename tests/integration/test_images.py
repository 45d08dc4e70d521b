"""Images without a name, what an image is made of, and where its packages come from, on a real engine."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.contract import STAGE_SCRIPTS
from idlehands_deploy.engine.leftovers import Leftovers
from tests.support.site import IMAGE

if TYPE_CHECKING:
    from pathlib import Path

    import docker

    from tests.support.site import Site

pytestmark = pytest.mark.engine
SIZE = 3_000_000


def build(engine: docker.DockerClient, directory: Path, command: str) -> str:
    """An unnamed image of this test alone, in whose history this command stands."""
    (directory / "content").write_bytes(secrets.token_bytes(SIZE))
    (directory / "Dockerfile").write_text(f'FROM scratch\nCOPY content /\nCMD ["{command}"]\n')
    return str(engine.images.build(path=str(directory), rm=True)[0].id)


def test_unnamed_build_stages_are_found_with_their_size_and_removed_unless_they_are_used(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    # What our own builds leave stays: it makes the next build quick.
    stage, foreign = build(engine, tmp_path, STAGE_SCRIPTS[0]), build(engine, tmp_path, "/build/something-else")
    leftovers = Leftovers(engine)
    try:
        found = {image.id: image for image in leftovers.images()}
        assert (found[stage].size, found[stage].is_stage) == (SIZE, True)
        assert foreign not in found
        container = engine.containers.create(stage)
        assert container.short_id in leftovers.remove_image(stage)
        container.remove()
        assert leftovers.remove_image(stage) == ""
        assert leftovers.remove_image(stage) == ""
        assert stage not in {image.id for image in leftovers.images()}
    finally:
        engine.images.remove(foreign)


def test_an_image_lists_the_gateway_with_its_hash_and_all_that_it_runs_on(site: Site) -> None:
    site.write()
    bill = site.ok("image", "sbom").json
    assert (bill["bomFormat"], bill["metadata"]["component"]["bom-ref"]) == (
        "CycloneDX",
        site.engine.images.get(IMAGE).id,
    )
    found = {component["name"]: component for component in bill["components"]}
    assert {"openclaw", "node", "npm", "debian", "chromium", "libc6", "git"} <= set(found)
    assert [len(digest["content"]) for digest in found["openclaw"]["hashes"]] == [128]
    references = [component["bom-ref"] for component in bill["components"]]
    assert len(set(references)) == len(references)
    assert {reference for entry in bill["dependencies"] for reference in entry["dependsOn"]} <= set(references)


def test_debian_s_packages_of_a_date_are_asked_of_its_archive_of_snapshots(engine: docker.DockerClient) -> None:
    date = "20261101T000000Z"
    script = f"sh /etc/apt/use-snapshot {date} > /dev/null 2>&1; apt-get update --print-uris"
    said = engine.containers.run(
        IMAGE, ["-c", script], entrypoint="bash", user="0", network_mode="none", remove=True
    ).decode()  # fmt: skip
    addresses = [line.split("'")[1] for line in said.splitlines()]
    # By HTTP: a slim base image has no certificates before it has installed them.
    assert any(line.startswith("http://") and f"/archive/debian/{date}/dists/trixie/" in line for line in addresses)
