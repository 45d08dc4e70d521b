"""What `up` says of a fleet file that reaches outside, and until when."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.belongings import find_belongings
from idlehands_deploy.errors import FleetError
from idlehands_deploy.operations import generation, lifecycle
from tests.support.helpers import mode

if TYPE_CHECKING:
    from tests.support.fake_site import FakeSite

MOUNTED = "reaches out: main mounts /usr/share/doc (read-only)"


def reached(site: FakeSite) -> list[str]:
    """What `up` would say."""
    return [line for line in lifecycle.prepare_up(site.session, []).plan.lines if line.startswith("reaches out")]


def mount(site: FakeSite, text: str = "volumes: [/usr/share/doc:/doc]") -> None:
    site.edit("main: {}", f"main: {{{text}}}")


def up(site: FakeSite) -> list[str]:
    """What `up` said."""
    lifecycle.up(site.session, [], 5).usable()
    return [line for line in site.lines() if line.startswith("reaches out")]


def test_a_deployment_with_defaults_reaches_nothing_and_keeps_no_record(site: FakeSite) -> None:
    assert (reached(site), up(site)) == ([], [])
    assert not site.session.deployment.reach_file.exists()


def test_what_a_new_fleet_file_reaches_is_the_beginning_of_the_plan_until_an_up_has_shown_it(site: FakeSite) -> None:
    mount(site)
    plan = lifecycle.prepare_up(site.session, []).plan
    assert plan.lines[0] == MOUNTED
    assert plan.steps[0].as_json()["what"] == "main mounts /usr/share/doc (read-only)"
    assert up(site) == [MOUNTED]
    assert (reached(site), up(site)) == ([], [])


def test_a_dry_run_and_a_generation_leave_it_unseen(site: FakeSite) -> None:
    mount(site)
    assert (reached(site), reached(site)) == ([MOUNTED], [MOUNTED])
    generation.generate(site.session)
    assert reached(site) == [MOUNTED]


def test_an_up_that_was_refused_leaves_it_unseen(site: FakeSite) -> None:
    mount(site)
    override = site.root / "compose.override.yaml"
    override.write_text("services: {}\n")
    with pytest.raises(FleetError):
        lifecycle.up(site.session, [], 5)
    override.unlink()
    assert reached(site) == [MOUNTED]


def test_after_any_change_all_of_it_is_shown_again(site: FakeSite) -> None:
    mount(site)
    up(site)
    mount(site)
    site.edit("/doc]", "/doc], groups: [44]")
    assert up(site) == [MOUNTED, "reaches out: main has the rights of the group 44"]
    site.edit(":/doc]", ":/papers]")
    assert len(up(site)) == 2
    site.edit("groups: [44]", "")
    assert up(site) == [MOUNTED]


def test_what_was_taken_out_is_shown_when_it_comes_back(site: FakeSite) -> None:
    mount(site)
    up(site)
    text = site.session.deployment.fleet_file.read_text()
    site.edit("volumes: [/usr/share/doc:/doc]", "")
    assert up(site) == []
    site.session.deployment.fleet_file.write_text(text)
    assert up(site) == [MOUNTED]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"digest": 1}', "\udcff"])
def test_a_damaged_record_counts_as_none(site: FakeSite, damage: str) -> None:
    mount(site)
    up(site)
    site.session.deployment.reach_file.write_bytes(damage.encode(errors="surrogateescape"))
    assert up(site) == [MOUNTED]
    assert up(site) == []


def test_the_record_is_private_belongs_to_the_deployment_and_holds_no_text_of_the_fleet_file(site: FakeSite) -> None:
    mount(site)
    up(site)
    file = site.session.deployment.reach_file
    assert mode(file) == "0o600"
    assert json.loads(file.read_text()).keys() == {"digest"}
    assert "doc" not in file.read_text()
    found = find_belongings(site.session.deployment, set())
    assert file.name in [part.name for part in found.parts]
    assert file.name not in found.foreign


def test_a_record_that_cannot_be_kept_stops_nothing(site: FakeSite) -> None:
    mount(site)
    site.session.deployment.reach_file.mkdir()
    assert (up(site), up(site)) == ([MOUNTED], [MOUNTED])
