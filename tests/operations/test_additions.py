"""Commands with a person's own additions, and beside their own Compose files; the engine is a fake one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.doctor.examine import examine
from idlehands_deploy.errors import FleetError
from idlehands_deploy.operations import generation, lifecycle, profiles
from idlehands_deploy.targets.override import WHAT
from tests.support.engine import commands
from tests.support.helpers import brief, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_site import FakeSite

OVERRIDE = "services: {main: {volumes: [/mnt/nas:/nas]}}\n"
ANEW = "up --detach --no-build --pull never --force-recreate"


@pytest.fixture
def pair(site: FakeSite) -> FakeSite:
    """Main and rescue, up."""
    lifecycle.up(site.session, [], 5).usable()
    commands(site.compose)
    site.lines()
    return site


def add(site: FakeSite, text: str) -> None:
    """Put keys at the top level of the fleet file."""
    path = site.root / "fleet.yaml"
    path.write_text(f"{text}\n{path.read_text()}")


def refusal(act: Callable[[], object]) -> list[str]:
    with pytest.raises(FleetError) as caught:
        act()
    return [str(problem) for problem in caught.value.problems]


def test_a_mount_that_does_not_exist_is_refused_before_anything_is_done(pair: FakeSite) -> None:
    add(pair, "volumes: ['./nas:/nas']")
    before = snapshot(pair.root)
    problem = f"volumes.0: {pair.root}/nas does not exist on this host: create or mount it, or remove it here"
    assert refusal(lambda: lifecycle.up(pair.session, [], 5)) == [problem]
    assert snapshot(pair.root) == before
    assert not (pair.root / "nas").exists()
    assert commands(pair.compose) == []


@pytest.mark.parametrize("command", ["restart", "start", "rename"])
def test_what_would_start_a_container_again_is_refused_while_its_mount_is_away(pair: FakeSite, command: str) -> None:
    add(pair, "volumes: ['./nas:/nas']")
    (pair.root / "nas").mkdir(mode=0o755)
    lifecycle.up(pair.session, [], 5).usable()
    commands(pair.compose)
    (pair.root / "nas").rmdir()
    acts: dict[str, Callable[[], object]] = {
        "restart": lambda: lifecycle.restart(pair.session, ["main"], 5),
        "start": lambda: lifecycle.start(pair.session, ["main"], 5),
        "rename": lambda: profiles.rename(pair.session, "main", "other", 5),
    }
    assert len(refusal(acts[command])) == 1
    assert commands(pair.compose) == []


def test_another_profile_s_mount_that_is_away_keeps_no_one_else_down(pair: FakeSite) -> None:
    pair.edit("{port: ", "{volumes: ['./nas:/nas'], port: ")
    lifecycle.up(pair.session, ["main"], 5).usable()
    assert len(refusal(lambda: lifecycle.up(pair.session, ["rescue"], 5))) == 1


def test_an_addition_recreates_its_container_and_is_named(pair: FakeSite) -> None:
    (pair.root / "notes").mkdir(mode=0o755)
    add(pair, "volumes: ['./notes:/mnt/notes']\nlabels: {colour: blue}")
    lifecycle.up(pair.session, ["main"], 5).usable()
    cause = "container recreated, because its settings changed: volumes, labels (colour)"
    assert any(line.startswith(f"main: {cause}") for line in pair.lines())


def test_up_warns_of_what_undoes_isolation_each_time(pair: FakeSite) -> None:
    add(pair, "volumes: ['/:/host']")
    note = "Note: fleet.yaml:volumes.0: / is this host's whole file system; the gateway may read every file on it"
    for _ in range(2):
        lifecycle.up(pair.session, [], 5).usable()
        assert [line.splitlines()[0] for line in pair.lines() if "volumes.0" in line] == [note]
    assert any(str(said).startswith(note) for said in lifecycle.prepare_up(pair.session, []).notes)


@pytest.mark.parametrize("name", ["compose.override.yaml", "docker-compose.override.yml"])
def test_an_override_file_is_refused_by_name_until_it_is_gone(pair: FakeSite, name: str) -> None:
    (pair.root / name).write_text(OVERRIDE)
    before = snapshot(pair.root)
    acts: list[Callable[[], object]] = [
        lambda: lifecycle.up(pair.session, [], 5),
        lambda: lifecycle.prepare_up(pair.session, []),
        lambda: generation.generate(pair.session),
        lambda: profiles.add(pair.session, "third", None, []),
        lambda: profiles.rename(pair.session, "main", "other", 5),
    ]
    for act in acts:
        assert refusal(act) == [
            f"{name}: {WHAT}; move its content to fleet.yaml, then delete it",
            f"{name}:services.main.volumes: write it as profiles.main.volumes in fleet.yaml",
        ]
    assert snapshot(pair.root) == before
    assert commands(pair.compose) == []
    assert lifecycle.stop(pair.session, ["rescue"]) == ["rescue"]
    assert lifecycle.down(pair.session, []) == ["main", "rescue"]
    (pair.root / name).unlink()
    lifecycle.up(pair.session, [], 5).usable()


def test_a_container_that_plain_compose_made_with_more_files_is_made_again_once(pair: FakeSite) -> None:
    pair.engine.there["main"] = replace(pair.engine.there["main"], other_files=("compose.override.yaml",))
    lifecycle.up(pair.session, [], 5).usable()
    cause = "it was not made from compose.yaml alone, but from compose.override.yaml too"
    assert any(line.startswith(f"main: container recreated, because {cause}") for line in pair.lines())
    assert commands(pair.compose) == [f"{ANEW} main"]
    lifecycle.up(pair.session, [], 5).usable()
    assert commands(pair.compose) == []


def test_doctor_names_each_addition_that_is_wrong(pair: FakeSite) -> None:
    add(pair, "volumes: ['./nas:/nas', '/:/host']")
    (pair.root / "compose.override.yaml").write_text(OVERRIDE)
    (pair.root / ".env").write_text("COMPOSE_PROJECT_NAME=other\n")
    session = replace(pair.session, environ={"COMPOSE_FILE": "other.yaml"})
    findings = [item for item in brief(examine(session).findings) if "compose.yaml" not in item]
    for finding in (
        f"error fleet.yaml:volumes.0: {pair.root}/nas does not exist on this host",
        "warning fleet.yaml:volumes.1: / is this host's whole file system",
        "error compose.override.yaml: `docker compose` applies it, and this tool does not",
        "error .env:COMPOSE_PROJECT_NAME: makes `docker compose` make second containers, on the same files",
        "note COMPOSE_FILE: is set in your environment",
    ):
        assert finding in findings
