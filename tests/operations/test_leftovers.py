"""Names edited by hand: nothing begins empty unasked, and no container or file is out of reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.leftovers import find_leftovers
from idlehands_deploy.errors import StateRefusedError, UsageError
from idlehands_deploy.operations import generation, lifecycle, profiles
from idlehands_deploy.planning.leftovers import HandRename, check_leftovers, match_names
from tests.support.engine import commands
from tests.support.helpers import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_site import FakeSite


def used(site: FakeSite, name: str) -> None:
    """What a gateway and a person have put there."""
    (site.root / "profiles" / name / "workspace" / "notes.md").write_text(f"of {name}")


def renamed_by_hand(site: FakeSite, old: str, new: str) -> None:
    lifecycle.up(site.session, [], 5)
    used(site, old)
    site.edit(f"{old}:", f"{new}:")
    site.lines(), commands(site.compose)


@pytest.mark.parametrize(
    ("gone", "fresh", "found"),
    [
        ({}, {"hub": 18789}, []),
        ({"main": 18789}, {}, []),
        ({"main": 18789}, {"hub": 18789}, [("main", "hub")]),
        ({"main": 18789}, {"hub": 20789}, [("main", "hub")]),  # a main without a port of its own
        ({"main": 18789, "work": 19789}, {"hub": 19789, "new": 20789}, [("work", "hub"), ("main", "new")]),
        ({"main": 18789, "work": 19789}, {"hub": 20789}, []),  # either
        ({"main": 18789}, {"hub": 20789, "new": 21789}, []),
        ({"main": 18789, "work": 19789}, {"hub": 20789, "new": 21789}, []),
    ],
)
def test_a_new_name_is_an_old_one_s_by_its_port_or_where_it_can_be_no_other_s(
    gone: dict[str, int], fresh: dict[str, int], found: list[tuple[str, str]]
) -> None:
    assert match_names(gone, fresh) == [HandRename(*names) for names in found]


@pytest.mark.parametrize(("old", "new"), [("rescue", "helper"), ("main", "hub")])
@pytest.mark.parametrize("command", ["up", "up of one", "up --dry-run", "generate", "add"])
def test_a_profile_renamed_in_the_fleet_file_alone_is_refused_with_the_command_that_finishes_it(
    site: FakeSite, command: str, old: str, new: str
) -> None:
    renamed_by_hand(site, old, new)
    before = snapshot(site.root)
    run: dict[str, Callable[[], object]] = {
        "up": lambda: lifecycle.up(site.session, [], 5),
        "up of one": lambda: lifecycle.up(site.session, [new], 5),
        "up --dry-run": lambda: lifecycle.prepare_up(site.session, []),
        "generate": lambda: generation.generate(site.session),
        "add": lambda: profiles.add(site.session, "third", None, []),
    }
    with pytest.raises(StateRefusedError) as refused:
        run[command]()
    assert f"{old} seems to be renamed to {new} in fleet.yaml" in str(refused.value)
    assert f"idlehands-deploy rename {old} {new}" in str(refused.value)
    assert snapshot(site.root) == before
    assert commands(site.compose) == []


@pytest.mark.parametrize(("old", "new"), [("rescue", "helper"), ("main", "hub")])
def test_rename_finishes_what_was_begun_by_hand_with_its_files_token_and_port(
    site: FakeSite, old: str, new: str
) -> None:
    port = lifecycle.prepare_up(site.session, []).look.ports.profiles[old].base
    renamed_by_hand(site, old, new)
    before = site.mine(old)
    planned = profiles.prepare_rename(site.session, old, new).plan.lines
    result = profiles.rename(site.session, old, new, 5)
    assert result is not None
    assert [item.verdict.state for item in result.seen] == ["ready"]
    assert site.lines() == planned == [
        f"{old}: container stopped, because no profile has its name",
        f"{old}: container removed, because no profile has its name",
        f"{old}: renamed to {new}, with its files, secrets and port {port}",
        f"{new}: container created, because {old} was running",
    ]  # fmt: skip
    assert site.mine(new) == before
    assert site.mine(old) == {}
    assert set(site.engine.there) == {"main", "rescue"} - {old} | {new}
    assert lifecycle.prepare_up(site.session, []).look.ports.profiles[new].base == port
    assert lifecycle.prepare_up(site.session, []).plan.changes == ()


def test_a_rename_by_hand_of_a_stopped_profile_is_finished_without_a_container(site: FakeSite) -> None:
    used(site, "rescue")
    site.edit("rescue:", "helper:")
    assert profiles.rename(site.session, "rescue", "helper", 5) is None
    assert site.engine.there == {}
    assert (site.root / "profiles" / "helper" / "workspace" / "notes.md").exists()


def test_a_rename_by_hand_is_not_finished_over_files_of_the_new_name(site: FakeSite) -> None:
    renamed_by_hand(site, "rescue", "helper")
    (site.root / "profiles" / "helper").mkdir()
    (site.root / "profiles" / "helper" / "mine").touch()
    with pytest.raises(StateRefusedError, match="files of an earlier profile helper"):
        profiles.rename(site.session, "rescue", "helper", 5)


def test_a_profile_that_looks_renamed_begins_empty_where_that_is_meant(site: FakeSite) -> None:
    used(site, "rescue")
    site.edit("rescue:", "helper:")
    lifecycle.up(site.session, ["helper"], 5, yes=True)
    assert (site.root / "profiles" / "rescue" / "workspace" / "notes.md").exists()
    assert lifecycle.up(site.session, [], 5).failure is None


def test_down_and_stop_know_containers_without_a_profile(site: FakeSite) -> None:
    lifecycle.up(site.session, [], 5)
    profiles_text = (site.root / "fleet.yaml").read_text()
    (site.root / "fleet.yaml").write_text(profiles_text.partition("  rescue")[0])
    site.lines()
    assert lifecycle.stop(site.session, ["rescue"]) == ["rescue"]
    assert site.engine.there["rescue"].state == "exited"
    assert lifecycle.down(site.session, ["rescue"]) == ["rescue"]
    assert set(site.engine.there) == {"main"}
    assert site.lines() == [
        "rescue: container stopped, because no profile has its name",
        "rescue: container removed, because no profile has its name",
    ]
    with pytest.raises(UsageError, match="rescue: no such profile"):
        lifecycle.down(site.session, ["rescue"])


def test_down_of_all_leaves_no_container_of_the_project(site: FakeSite) -> None:
    lifecycle.up(site.session, [], 5)
    (site.root / "fleet.yaml").write_text("name: idlehands\nprofiles: {}\n")
    assert lifecycle.down(site.session, []) == ["main", "rescue"]
    assert site.engine.there == {}


@pytest.mark.parametrize("add", ["up", "add"])
def test_a_new_profile_takes_up_old_files_of_its_name_only_where_a_person_says_so(site: FakeSite, add: str) -> None:
    used(site, "rescue")
    profiles.remove(site.session, "rescue", purge=False, confirm=lambda _: False)
    asked: list[str] = []

    def run(answer: bool) -> None:
        def confirm(question: str) -> bool:
            asked.append(question)
            return answer

        if add == "up":
            lifecycle.up(site.session, ["rescue"], 5, confirm)
        else:
            profiles.add(site.session, "rescue", None, [], confirm)

    before = snapshot(site.root)
    with pytest.raises(UsageError) as refused:
        run(answer=False)
    assert str(refused.value) == (
        "profiles/rescue and secrets/rescue hold files of an earlier rescue. Nothing was changed.\n"
        "To use them without being asked, add --yes. To begin empty, delete them: "
        "idlehands-deploy remove rescue --purge"
    )
    assert snapshot(site.root) == before
    run(answer=True)
    assert asked == ["profiles/rescue and secrets/rescue hold files of an earlier rescue. Use them?"] * 2
    assert "rescue" in site.session.fleet().profiles


def test_remove_deletes_the_files_of_a_name_without_a_profile_where_that_is_confirmed(site: FakeSite) -> None:
    used(site, "rescue")
    profiles.remove(site.session, "rescue", purge=False, confirm=lambda _: False)
    profiles.remove(site.session, "rescue", purge=True, confirm=lambda _: True)
    assert site.mine("rescue") == {}
    with pytest.raises(UsageError, match="rescue: no such profile"):
        profiles.remove(site.session, "rescue", purge=True, confirm=lambda _: True)


def test_doctor_names_files_without_a_profile_and_whose_they_seem_to_be(site: FakeSite) -> None:
    used(site, "rescue")
    leftovers = find_leftovers(site.session.deployment, ["main"])
    (note,) = check_leftovers(leftovers)
    assert (note.level, note.place) == ("note", "profiles/rescue and secrets/rescue")
    (warning,) = check_leftovers(leftovers, [HandRename("rescue", "helper")])
    assert (warning.level, str(warning.fix)) == ("warning", "idlehands-deploy rename rescue helper")
