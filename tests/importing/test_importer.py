"""What an import copies, and what it changes."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.host.trees.space import Meter
from idlehands_deploy.importing.importer import import_native
from idlehands_deploy.importing.plan import prepare_import
from idlehands_deploy.operations import generation
from tests.support.helpers import run
from tests.support.imports import BASE, NEW_STATE, Recorded, WithoutEngine, alike, bring, config, session, token, undo
from tests.support.natives import everything, jobs, make_native
from tests.support.site import root_only


def test_state_workspace_and_config_are_copied_and_the_original_is_untouched(root: Path, state: Path) -> None:
    before = everything(state.parent)
    done = bring(root, state)
    assert everything(state.parent) == before
    profile = root / "profiles" / "rescue"
    assert (profile / "workspace" / "memory" / "today.md").read_text() == "rain"
    assert not (profile / "state" / "workspace").exists()
    assert (profile / "state" / "credentials" / "key").read_text() == (state / "credentials" / "key").read_text()
    assert (profile / "imported-config").read_text() == (state / "openclaw.json").read_text()
    assert not (profile / "state" / "openclaw.json").exists()
    assert {(profile / name).stat().st_mode & 0o777 for name in ("imported-config", "state/idlehands.json")} == {0o600}
    assert (done.ports.base, done.warnings) == (30420, [])


def test_the_config_is_plain_json_that_keeps_what_the_gateway_wrote_about_itself(root: Path, tmp_path: Path) -> None:
    text = (
        "{gateway: {port: 18789,}, meta: {lastTouchedVersion: '2026.9.6'}, agents: {defaults: {workspace: '~/w'}}} // x"
    )
    state = make_native(tmp_path / "ada", text)
    bring(root, state)
    assert config(root) == {
        "gateway": {"bind": "lan", "mode": "local", "auth": {}},
        "meta": {"lastTouchedVersion": "2026.9.6"},
        "agents": {"defaults": {"workspace": "/home/idlehands/workspace"}},
        "browser": {"headless": True},
    }


@pytest.mark.parametrize("adopt", [False, True])
def test_a_dry_run_says_what_the_import_says_and_changes_nothing(root: Path, state: Path, adopt: bool) -> None:
    before, here = everything(root), everything(state.parent)
    dry = prepare_import(session(root), "rescue", state, None, adopt=adopt).plan.lines
    assert (everything(root), everything(state.parent)) == (before, here)
    told = Recorded()
    import_native(WithoutEngine(Deployment(root), {}, told, lambda _: False), "rescue", state, None, adopt=adopt)
    assert told.lines[: len(dry)] == dry
    assert [line.partition(":")[0] for line in dry] == [
        "rescue", "profiles/rescue", "profiles/rescue/state/idlehands.json", "secrets/rescue",
    ]  # fmt: skip
    assert f"{'moved' if adopt else 'copied'} from {state}" in dry[1]


def test_copied_bytes_are_reported_once_a_second_and_a_short_copy_reports_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, 0.9, 1.0, 1.5, 2.1, 2.2])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    told = Recorded()
    meter = Meter(told, "rescue", 2_000_000_000)
    for _ in range(5):
        meter.add(400_000_000)
    assert told.lines == ["rescue: copied 800 MB of 2.0 GB", "rescue: copied 1.6 GB of 2.0 GB"]


def test_the_databases_of_the_copy_have_its_paths_and_the_original_s_are_unchanged(root: Path, state: Path) -> None:
    bring(root, state)
    ((key, _),) = jobs(root / "profiles" / "rescue" / "state" / "state" / "openclaw.sqlite")
    assert key == f"{NEW_STATE}/cron/jobs.json"
    ((key, _),) = jobs(state / "state" / "openclaw.sqlite")
    assert key == f"{state}/cron/jobs.json"


def test_the_token_that_clients_know_becomes_the_profile_s(root: Path, tmp_path: Path) -> None:
    known = secrets.token_hex(16)
    state = make_native(tmp_path / "ada", {"gateway": {"auth": {"mode": "token", "token": known}}})
    bring(root, state)
    assert token(root) == known
    assert config(root)["gateway"]["auth"] == {"mode": "token"}
    assert (root / "secrets" / "rescue" / "IDLEHANDS_GATEWAY_TOKEN").stat().st_mode & 0o777 == 0o600


def test_a_gateway_without_a_token_gets_one(root: Path, state: Path) -> None:
    bring(root, state)
    assert len(token(root)) == 64


def test_browsers_get_the_plan_s_ports_in_the_fleet_file_and_in_the_config(root: Path, tmp_path: Path) -> None:
    profiles = {"work": {"cdpPort": 18801}, "office": {"cdpUrl": "http://10.0.0.42:9222"}}
    state = make_native(tmp_path / "ada", {"browser": {"profiles": profiles}})
    done = bring(root, state)
    fleet = session(root).fleet().profiles["rescue"]
    assert {name: item.cdp_url for name, item in fleet.browser.profiles.items()} == {
        "work": None, "office": "http://10.0.0.42:9222",
    }  # fmt: skip
    assert config(root)["browser"]["profiles"]["work"] == {"cdpPort": done.ports.cdp["work"]}


@pytest.mark.parametrize("adopt", [False, True])
def test_workspaces_outside_the_state_are_imported_too(root: Path, tmp_path: Path, adopt: bool) -> None:
    home = tmp_path / "ada"
    for name in ("notes", "b"):
        (home / name).mkdir(parents=True)
        (home / name / "file").write_text(name)
    agents = {"defaults": {"workspace": "~/notes"}, "entries": {"b": {"workspace": str(home / "b")}}}
    state = make_native(home, {"agents": agents})
    before = everything(home)
    bring(root, state, adopt=adopt)
    profile = root / "profiles" / "rescue"
    assert (profile / "workspace" / "file").read_text() == "notes"
    assert (profile / "state" / "workspace-b" / "file").read_text() == "b"
    # That is an ordinary directory of the state here.
    assert (profile / "state" / "workspace" / "MEMORY.md").exists()
    assert config(root)["agents"]["entries"]["b"]["workspace"] == f"{NEW_STATE}/workspace-b"
    undo(root)
    assert alike(everything(home), before)


@pytest.mark.parametrize("adopt", [False, True])
@pytest.mark.parametrize("outer_first", [False, True])
def test_a_workspace_within_another_agent_s_stays_within_it(
    root: Path, tmp_path: Path, adopt: bool, outer_first: bool
) -> None:
    home = tmp_path / "ada"
    places = {"outer": "notes", "inner": "notes/deep/inner", "deepest": "notes/deep/inner/deepest"}
    for name, place in places.items():
        (home / place).mkdir(parents=True)
        (home / place / "file").write_text(name)
    (home / "alias").symlink_to("notes/deep")
    places["inner"] = "alias/inner"
    ordered = places if outer_first else dict(reversed(places.items()))
    state = make_native(home, {"agents": {"entries": {name: {"workspace": f"~/{at}"} for name, at in ordered.items()}}})
    before = everything(home)
    bring(root, state, adopt=adopt)
    assert (home / "notes").exists() == (not adopt)
    entries = config(root)["agents"]["entries"]
    assert entries["outer"]["workspace"] == f"{NEW_STATE}/workspace-outer"
    for name, entry in entries.items():
        here = root / "profiles" / "rescue" / "state" / Path(entry["workspace"]).relative_to(NEW_STATE)
        assert (here / "file").read_text() == name
    undo(root)
    assert alike(everything(home), before)


@pytest.mark.parametrize("adopt", [False, True])
def test_the_main_workspace_within_another_agent_s_gets_its_own_place_and_goes_back(
    root: Path, tmp_path: Path, adopt: bool
) -> None:
    home = tmp_path / "ada"
    for name in ("notes", "notes/main", "notes/main/inner"):
        (home / name).mkdir(parents=True)
        (home / name / "file").write_text(name)
    entries = {"b": {"workspace": "~/notes"}, "c": {"workspace": "~/notes/main/inner"}}
    state = make_native(home, {"agents": {"defaults": {"workspace": "~/notes/main"}, "entries": entries}})
    before = everything(home)
    bring(root, state, adopt=adopt)
    profile = root / "profiles" / "rescue"
    assert (profile / "workspace" / "inner" / "file").read_text() == "notes/main/inner"
    assert (profile / "state" / "workspace-b" / "file").read_text() == "notes"
    assert not (profile / "state" / "workspace-b" / "main").exists()
    assert config(root)["agents"]["entries"]["c"]["workspace"] == "/home/idlehands/workspace/inner"
    undo(root)
    assert alike(everything(home), before)


def test_generated_files_are_as_if_the_profile_had_been_added(root: Path, state: Path) -> None:
    bring(root, state, port=30500)
    generation.check_generated(session(root))
    assert "profiles:\n  rescue:\n    port: 30500\n" in (root / "fleet.yaml").read_text()


def test_an_ordinary_user_imports_adopts_and_undoes(ordinary_user: Path) -> None:
    state = make_native(ordinary_user / "ada")
    before = everything(state.parent)
    root = ordinary_user / "deployment"
    root.mkdir()
    (root / "fleet.yaml").write_text(BASE.format(base=30400))
    for adopt in (False, True):
        bring(root, state, adopt=adopt)
        undo(root)
        assert alike(everything(state.parent), before)


@root_only
def test_everything_belongs_to_the_container_s_user(root: Path, state: Path) -> None:
    bring(root, state)
    profile = root / "profiles" / "rescue"
    for name in ("state", "workspace"):
        assert {path.lstat().st_uid for path in [profile / name, *(profile / name).rglob("*")]} == {1000}
    assert profile.stat().st_uid == 0


@pytest.mark.parametrize(("adopt", "count"), [(False, 5), (False, 2), (True, 5)])
def test_files_that_are_not_copied_are_summed_up_and_browser_locks_are_not_reported(
    root: Path, state: Path, adopt: bool, count: int
) -> None:
    for number in range(count):
        os.mkfifo(state / "workspace" / f"pipe-{number}")
    (state / "SingletonLock").symlink_to("host-12")
    told = bring(root, state, adopt=adopt).warnings
    assert (root / "profiles" / "rescue" / "workspace" / "pipe-0").exists() == adopt
    if adopt:
        assert not any("pipe" in warning for warning in told)
    else:
        (said,) = told
        named, _, reason = said.partition(": ")
        assert named.count(f"{state}/workspace/pipe-") == min(count, 3)
        assert named.endswith(" and 2 more") == (count == 5)
        assert reason == "not copied (only files, directories and links are copied)"


def test_the_command_shows_the_next_command_and_exits_with_the_documented_codes(
    root: Path, state: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    done = run(home, "-C", str(root), "import", "rescue", "--from", str(state))
    assert done.returncode == 0, done.stderr
    assert f"Imported rescue from {state}. Next: idlehands-deploy -C {root} up rescue" in done.stderr
    assert "rescue   gateway" in done.stdout
    assert "Keep the native gateway from starting again: two of them would answer the same chats." in done.stderr
    assert run(home, "-C", str(root), "import", "rescue", "--from", str(state)).returncode == 7
    assert run(home, "-C", str(root), "import", "third").returncode == 2
    assert run(home, "-C", str(root), "import", "third", "--from", str(tmp_path)).returncode == 2
    assert run(home, "-C", str(root), "import", "rescue", "--undo").returncode == 2
    assert run(home, "-C", str(root), "import", "rescue", "--undo", "--yes").returncode == 0


def test_the_main_profile_of_a_gateway_that_stays_installed_gets_a_port_of_its_own(tmp_path: Path) -> None:
    home, bots = tmp_path / "home", tmp_path / "bots"
    bots.mkdir()
    source = make_native(home, {"gateway": {"mode": "local"}, "meta": {"lastTouchedVersion": "1"}}, ".openclaw")
    done = run(home, "-C", str(bots), "import", "main", "--from", str(source))
    assert done.returncode == 0, done.stderr
    # The native one has 18789, and may start again tomorrow.
    assert [item["base"] for item in json.loads(run(home, "-C", str(bots), "ports", "main", "--json").stdout)] == [
        19789
    ]
