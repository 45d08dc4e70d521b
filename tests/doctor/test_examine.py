"""`doctor` in a deployment without an engine."""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from idlehands_deploy.doctor.examine import examine
from tests.support.helpers import NOBODY, brief, run, session, snapshot


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A deployment of one profile, with its files."""
    assert run(tmp_path, "init").returncode == 0
    return tmp_path


def places(home: Path) -> set[str]:
    """The level and place of doctor's findings, without the one about the engine."""
    done = run(home, "doctor", "--json")
    assert done.returncode == 6, done.stderr
    found = json.loads(done.stdout)
    assert found["ok"] is False
    return {f"{item['level']} {item['place']}" for item in found["findings"]} - {"error Docker Engine"}


def test_without_an_engine_everything_else_is_still_examined(home: Path) -> None:
    assert places(home) == set()


def test_doctor_changes_nothing(home: Path) -> None:
    before = snapshot(home)
    run(home, "doctor")
    assert snapshot(home) == before


@pytest.mark.parametrize(
    ("paths", "mode", "said"),
    [
        (["secrets/main/IDLEHANDS_GATEWAY_TOKEN"], 0o644, {"warning secrets/main/IDLEHANDS_GATEWAY_TOKEN"}),
        (["secrets", "secrets/main"], 0o755, {"warning secrets/main"}),
        (["profiles", "profiles/main"], 0o750, {"warning profiles/main"}),
        # One directory without access is enough.
        (["profiles/main", "profiles/main/state", "secrets"], 0o755, set()),
    ],
)
def test_modes_that_give_access_to_others_are_reported(home: Path, paths: list[str], mode: int, said: set[str]) -> None:
    for path in paths:
        (home / path).chmod(mode)
    assert places(home) == said


def test_missing_empty_and_unused_secrets_are_reported(home: Path) -> None:
    secrets = home / "secrets/main"
    (secrets / "IDLEHANDS_GATEWAY_TOKEN").write_text("")
    (secrets / "OTHER_KEY").write_text("x")
    assert places(home) == {"error secrets/main/IDLEHANDS_GATEWAY_TOKEN", "warning secrets/main/OTHER_KEY"}
    assert "fix: idlehands-deploy up main   (creates a new one)\n" in run(home, "doctor").stdout
    (secrets / "IDLEHANDS_GATEWAY_TOKEN").unlink()
    assert "fix: idlehands-deploy up main   (creates a new one)\n" in run(home, "doctor").stdout
    assert places(home) == {"error secrets/main/IDLEHANDS_GATEWAY_TOKEN", "warning secrets/main/OTHER_KEY"}


def test_a_missing_mount_is_reported(home: Path) -> None:
    (home / "profiles/main/workspace").rmdir()
    assert places(home) == {"error profiles/main/workspace"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_of_other_users_in_a_mount_are_counted_and_the_first_is_named(home: Path) -> None:
    deep = home / "profiles/main/state/agents"
    deep.mkdir()
    for name in ("a", "b"):
        (deep / name).write_text("")
    # The directory and the two files are root's.
    done = json.loads(run(home, "doctor", "--json").stdout)
    (finding,) = [item for item in done["findings"] if item["place"].startswith("profiles/")]
    assert finding["place"] == "profiles/main/state/agents"
    assert finding["what"] == "does not belong to the gateway's user (1000); the same for 2 more"
    assert finding["fix"] == f"sudo chown -R 1000:1000 {home}/profiles/main/state"


def test_an_edited_fleet_file_and_an_edited_compose_file_are_drift(home: Path) -> None:
    (home / "fleet.yaml").write_text((home / "fleet.yaml").read_text().replace("127.0.0.1", "0.0.0.0"))
    assert places(home) == {"warning compose.yaml"}
    (home / "compose.yaml").write_text("services: {}\n")
    assert places(home) == {"error compose.yaml"}


def test_a_config_that_differs_from_the_plan_is_reported_with_the_command_that_fixes_it(home: Path) -> None:
    (home / "profiles/main/state/idlehands.json").write_text('{"gateway": {"mode": "local", "bind": "loopback"}}')
    shown = run(home, "doctor").stdout
    assert "error   profiles/main/state/idlehands.json:gateway.bind: is 'loopback'\n" in shown
    assert "        fix: idlehands-deploy config set main gateway.bind lan\n" in shown


def test_a_hand_written_profile_that_was_never_up_lacks_no_files(home: Path) -> None:
    (home / "fleet.yaml").write_text(
        (home / "fleet.yaml").read_text().replace("main: {}", "main: {}\n  ops: {port: 30000}")
    )
    assert places(home) == {"warning compose.yaml"}


def test_a_wrong_fleet_file_is_refused(home: Path) -> None:
    (home / "fleet.yaml").write_text("spacing: 1\n")
    done = run(home, "doctor")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_bundle_is_written_once_and_holds_what_doctor_found(home: Path) -> None:
    (home / "profiles/main/workspace").rmdir()
    token = (home / "secrets/main/IDLEHANDS_GATEWAY_TOKEN").read_text().strip()
    done = run(home, "doctor", "--bundle", "report.tar.gz")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Look through it before you share it." in done.stderr
    with tarfile.open(home / "report.tar.gz") as archive:
        texts = {member.name.rpartition("/")[2]: archive.extractfile(member).read().decode() for member in archive}  # type: ignore[union-attr]
    assert "error   profiles/main/workspace: does not exist" in texts["doctor.txt"]
    assert not [name for name, text in texts.items() if token in text]
    again = run(home, "doctor", "--bundle", "report.tar.gz")
    assert (again.returncode, again.stderr.splitlines()[-2]) == (2, "Error: report.tar.gz already exists.")


def test_a_bundle_is_written_for_a_fleet_file_that_is_wrong(home: Path) -> None:
    (home / "fleet.yaml").write_text("spacing: 1\n")
    assert run(home, "doctor", "--bundle", "report.tar.gz").returncode == 0
    assert (home / "report.tar.gz").stat().st_mode & 0o777 == 0o600


def test_a_pipe_in_place_of_a_config_does_not_block(home: Path) -> None:
    config = home / "profiles/main/state/idlehands.json"
    config.unlink()
    os.mkfifo(config)
    assert "error profiles/main/state/idlehands.json" in places(home)
    assert run(home, "ports").returncode == 0


def test_a_config_that_links_out_of_the_state_is_not_followed(home: Path) -> None:
    config = home / "profiles/main/state/idlehands.json"
    config.unlink()
    (home / "elsewhere.json").write_text('{"gateway": {"bind": "loopback"}}')
    config.symlink_to(home / "elsewhere.json")
    assert "error profiles/main/state/idlehands.json" in places(home)


@pytest.mark.parametrize("name", ["state", "workspace"])
def test_a_link_to_another_disk_is_a_mount_and_a_broken_link_is_missing(home: Path, name: str) -> None:
    mount = home / "profiles/main" / name
    elsewhere = home / "disk"
    mount.rename(elsewhere)
    mount.symlink_to(elsewhere)
    assert places(home) == set()
    elsewhere.rename(home / "gone")
    assert f"error profiles/main/{name}" in places(home)


def test_a_config_that_links_to_itself_is_a_finding(home: Path) -> None:
    config = home / "profiles/main/state/idlehands.json"
    config.unlink()
    config.symlink_to(config)
    assert "warning profiles/main/state/idlehands.json" in places(home)


def test_text_from_a_gateway_s_config_moves_no_cursor_and_runs_no_command(home: Path) -> None:
    name = "x; touch pwned #\x1b[2J\nerror   forged: line"
    config = {"gateway": {"mode": "local"}, "browser": {"profiles": {name: {"cdpPort": 18789}}}}
    (home / "profiles/main/state/idlehands.json").write_text(json.dumps(config))
    for command in ("doctor", "ports"):
        shown = run(home, command)
        assert "\x1b" not in shown.stdout + shown.stderr
        assert "\nerror   forged" not in shown.stdout + shown.stderr
    assert "config set main 'browser.profiles.x; touch pwned #" in run(home, "doctor").stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_missing_permission_is_a_finding() -> None:
    with tempfile.TemporaryDirectory(prefix="idlehands-tests-") as name:
        home = Path(name)
        home.chmod(0o755)
        assert run(home, "init").returncode == 0
        nowhere = replace(session(home), environ={"DOCKER_HOST": "tcp://192.0.2.1:1"})  # refused before it is tried
        examine(nowhere)  # loads what nobody may not read where Python is root's own
        os.seteuid(NOBODY)
        try:
            found = examine(nowhere).findings
        finally:
            os.seteuid(0)
    assert "warning profiles/main: you have no permission to read it" in brief(found)
