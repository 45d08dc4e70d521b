"""A new deployment: where it is, what its Compose project is called, and whose its files are."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import UsageError
from idlehands_deploy.fleet.file import new_fleet_text, parse_text, project_name
from idlehands_deploy.fleet.model import DEFAULT_BASE_PORT
from idlehands_deploy.host.systemd import name_of
from idlehands_deploy.operations import profiles
from tests.support.helpers import run, session, snapshot

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT = ".local/share/idlehands-deploy"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("bots", "bots"),
        ("My Bots (2)", "mybots2"),
        ("bots_eu-1", "bots_eu-1"),
        ("_-bots", "bots"),
        ("Büro.example", "broexample"),
        ("2026", "2026"),
        ("救助", ""),
        ("", ""),
    ],
)
def test_a_directory_gives_its_name_to_the_project_as_with_compose(directory: str, name: str) -> None:
    assert project_name(directory) == name


@pytest.mark.parametrize("name", ["bots", "2026", "on", "null", "1e3", "0x10", "no", "bots_eu-1", "1_0", "y"])
def test_a_project_s_name_is_read_as_it_was_written(name: str) -> None:
    assert parse_text(new_fleet_text(name), "fleet.yaml").name == name


def test_two_directories_make_two_projects(tmp_path: Path) -> None:
    for name in ("bots", "Other Bots", "救助"):
        (tmp_path / name).mkdir()
        assert run(tmp_path / name, "init").returncode == 0
    names = [session(tmp_path / name).fleet().name for name in ("bots", "Other Bots", "救助")]
    assert names == ["bots", "otherbots", "idlehands"]
    assert (tmp_path / "bots/compose.yaml").read_text().splitlines()[2] == "name: bots"


def test_a_fleet_file_without_a_name_keeps_the_one_that_it_had(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("profiles: {main: {}}\n")
    profiles.add(session(tmp_path), "rescue", None, [])
    assert session(tmp_path).fleet().name == "idlehands"


def test_init_takes_the_project_s_name_and_the_base_port(tmp_path: Path) -> None:
    assert run(tmp_path, "init", "main", "ops", "--name", "2026", "--base-port", "30000").returncode == 0
    fleet = session(tmp_path).fleet()
    assert (fleet.name, fleet.base_port) == ("2026", 30000)
    ports = json.loads(run(tmp_path, "ports", "main", "ops", "--json").stdout)
    assert [item["base"] for item in ports] == [30000, 31000]


def test_everything_that_is_wrong_with_the_options_of_init_is_told_at_once(tmp_path: Path) -> None:
    shown = run(tmp_path, "init", "a/b", "ok", "x-y", "--name", "My.Bots", "--base-port", "80")
    assert (shown.returncode, shown.stdout) == (2, "")
    first, *others = shown.stderr.splitlines()
    assert first.startswith("Error: a/b: a profile name must be")
    assert [line.partition(":")[0] for line in others] == ["x-y", "--name", "--base-port", "See what can be chosen"]
    assert others[1:3] == [
        "--name: must be lower-case letters, digits, - and _, as Compose requires for a project name",
        "--base-port: must be greater than or equal to 1024, not 80",
    ]
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize("base_port", [1023, 65426, 0, -1])
def test_a_base_port_that_no_fleet_file_may_have_is_refused(tmp_path: Path, base_port: int) -> None:
    with pytest.raises(UsageError, match=r"--base-port: must be .*, not -?\d+"):
        profiles.init(session(tmp_path / "new"), ["main"], None, base_port)
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize("command", ["add main", "list", "ports main --json", "generate", "status --json", "doctor"])
def test_a_command_says_on_its_first_line_that_it_uses_the_default_directory(tmp_path: Path, command: str) -> None:
    if command != "add main":
        assert run(tmp_path, "add", "main").returncode == 0
    shown = run(tmp_path, *command.split())
    where = f"Deployment directory: {tmp_path}/{DEFAULT} (your default, since there is no fleet.yaml here)"
    assert shown.stderr.splitlines()[0] == where
    assert where not in shown.stdout
    if "--json" in command:
        json.loads(shown.stdout)


def test_a_command_says_nothing_of_a_directory_that_was_named_or_is_here(tmp_path: Path) -> None:
    assert run(tmp_path, "add", "main").returncode == 0
    named = str(tmp_path / DEFAULT)
    assert run(tmp_path, "-C", named, "list").stderr == ""
    assert run(tmp_path, "list", IDLEHANDS_DEPLOY_DIR=named).stderr == ""
    assert run(tmp_path / DEFAULT, "list").stderr == ""


def test_the_default_directory_s_project_is_called_after_its_person(tmp_path: Path) -> None:
    assert run(tmp_path, "add", "main").returncode == 0
    me = project_name(name_of(os.geteuid()))
    assert session(tmp_path / DEFAULT).fleet().name == f"idlehands-{me}"
    assert session(tmp_path / DEFAULT).fleet().base_port == DEFAULT_BASE_PORT


@AS_ROOT
@pytest.mark.parametrize(("owner", "user"), [(0, "1000:1000"), (65534, "65534:65534 (nobody)")])
def test_root_is_told_once_whose_files_a_new_deployment_makes(tmp_path: Path, owner: int, user: str) -> None:
    os.chown(tmp_path, owner, owner)
    (told,) = [line for line in run(tmp_path, "init").stderr.splitlines() if "You are root" in line]
    assert told.startswith(f"You are root: the gateways run as {user}")
    assert (tmp_path / "profiles/main/state").stat().st_uid == (owner or 1000)
    assert "root" not in run(tmp_path, "add", "rescue").stderr
