"""A person's own additions in a real container, and beside an override file that plain Compose applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.site import Site

pytestmark = pytest.mark.engine

BODY = """\
volumes: ["./films:/films", "./$notes:/mnt/notes:rw"]
devices: ["/dev/zero:/dev/ours:r"]
groups: [4711]
dns: [192.0.2.53]
labels: {colour: "$blue ${HOME}"}
profiles: {main: {stop_grace_period: 40s}}
"""
OVERRIDE = "services: {main: {labels: {added: by-hand}}}\n"


@pytest.mark.full
def test_additions_are_in_the_container_and_an_override_file_is_refused_with_a_way_out(site: Site) -> None:
    site.write(BODY)
    assert site.run("up").code == 2  # nothing is made in place of what is missing
    assert not (site.root / "films").exists()
    for name in ("films", "$notes"):
        (site.root / name).mkdir()
        (site.root / name).chmod(0o777)
    site.ok("generate")
    override = site.root / "compose.override.yaml"
    override.write_text(OVERRIDE)
    site.compose("up", "--no-start")
    by_hand = site.container("main")
    assert by_hand.labels["added"] == "by-hand"

    refused = site.run("up")
    assert refused.code == 2
    assert "compose.override.yaml:services.main.labels: write it as profiles.main.labels in fleet.yaml" in refused.err
    assert site.container("main").id == by_hand.id
    override.unlink()
    assert "main: container recreated, because it was not made from compose.yaml alone" in site.ok("up").err
    ours = site.container("main")
    assert ours.id != by_hand.id

    # From now on both leave it alone.
    assert "main: nothing to do" in site.ok("up").err
    site.compose("up", "--detach")
    assert site.container("main").id == ours.id
    assert "added" not in ours.labels
    assert ours.labels["colour"] == "$blue ${HOME}"
    assert ours.attrs["HostConfig"]["Dns"] == ["192.0.2.53"]
    script = "id -G; touch /mnt/notes/mine; head -c 2 /dev/ours | od -An -tx1; touch /films/not 2>&1; ls /films"
    said = ours.exec_run(["sh", "-c", script]).output.decode()
    assert said.split()[:2] == ["1000", "4711"]
    assert " 00 00\n" in said
    assert "Read-only file system" in said
    assert (site.root / "$notes" / "mine").stat().st_uid == 1000
    assert [item for item in site.run("doctor", "--json").json["findings"] if "volumes" in item["place"]] == []
