from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.deployment.session import Session
from idlehands_deploy.errors import (
    DeployError,
    EngineUnreachableError,
    PortConflictError,
    StateRefusedError,
    UsageError,
)
from idlehands_deploy.host import trees as copying
from idlehands_deploy.importing import files as import_files
from idlehands_deploy.importing import importer as importing
from idlehands_deploy.importing import undo as import_undo
from idlehands_deploy.operations import editing
from tests.support.helpers import Quiet, run
from tests.support.natives import Everything, everything, jobs, make_native
from tests.support.site import root_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.importing.importer import Imported
    from idlehands_deploy.remedies import Remedy

NEW_STATE = "/home/idlehands/.idlehands"
BASE = "name: test\nbase_port: {base}\nspacing: 20\nprofiles: {{}}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A deployment whose ports nobody has."""
    directory = tmp_path / "deployment"
    directory.mkdir()
    (directory / "fleet.yaml").write_text(BASE.format(base=30400))
    return directory


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A native gateway's."""
    return make_native(tmp_path / "ada")


class WithoutEngine(Session):
    """A session on a host where no engine answers; the real one's failure leaves a socket to the garbage collector."""

    def engine(self) -> Engine:
        raise EngineUnreachableError("No engine.", "Start it.")


def session(root: Path) -> Session:
    return WithoutEngine(Deployment(root), {}, Quiet(), lambda _: False)


def bring(root: Path, state: Path, name: str = "rescue", port: int | None = None, *, adopt: bool = False) -> Imported:
    return importing.import_native(session(root), name, state, port, adopt=adopt)


class Told(Quiet):
    """Progress whose lines are kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str | Remedy) -> None:
        self.lines.append(str(text))

    def update(self, subject: str, text: str) -> None:
        self.lines.append(f"{subject}: {text}")


def undo(root: Path, name: str = "rescue") -> list[str]:
    """Undo an import; gives what was said."""
    told = Told()
    import_undo.undo(WithoutEngine(Deployment(root), {}, told, lambda _: False), name, confirm=lambda _: True)
    return told.lines


def asked(root: Path, name: str = "rescue") -> str:
    """What an undo asks; the answer is no."""
    with pytest.raises(UsageError, match="nothing was changed") as caught:
        import_undo.undo(session(root), name, confirm=lambda _: False)
    return caught.value.what.partition("nothing was changed. ")[2]


def refused(root: Path, state: Path, name: str = "rescue", *, adopt: bool = False) -> str:
    with pytest.raises(DeployError) as caught:
        bring(root, state, name, adopt=adopt)
    assert caught.value.exit_code == 7
    return str(caught.value)


def config(root: Path, name: str = "rescue") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "profiles" / name / "state" / "idlehands.json").read_text())
    return found


def token(root: Path, name: str = "rescue") -> str:
    return (root / "secrets" / name / "IDLEHANDS_GATEWAY_TOKEN").read_text().strip()


@contextmanager
def failing(module: Any, name: str, error: BaseException) -> Iterator[None]:
    """The next call of a function fails, as at an interruption or on a full disk."""
    with pytest.MonkeyPatch.context() as patch:

        def fail(*_: object, **__: object) -> None:
            raise error

        patch.setattr(module, name, fail)
        yield


def killed_at(root: Path, state: Path, function: str, *arguments: str) -> None:
    """Run the command and have its process killed when it is about to call a function of ``import_files``."""
    script = (
        "import os, sys\n"
        "from idlehands_deploy.importing import files as import_files\n"
        f"import_files.{function} = lambda *_, **__: os.kill(os.getpid(), 9)\n"
        "from idlehands_deploy.__main__ import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", script, "-C", str(root), "import", "rescue", "--from", str(state), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -9, done.stderr


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


def test_how_much_is_copied_is_told_once_a_second_and_of_a_short_copy_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.9, 1.0, 1.5, 2.1, 2.2])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    told = Told()
    meter = import_files.Meter(told, "rescue", 2_000_000_000)
    for _ in range(5):
        meter.add(400_000_000)
    assert told.lines == ["rescue: copied 800 MB of 2.0 GB", "rescue: copied 1.6 GB of 2.0 GB"]


def test_the_databases_of_the_copy_know_its_place_and_the_original_s_do_not(root: Path, state: Path) -> None:
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


def test_browsers_are_in_the_fleet_file_and_on_the_plan_s_ports(root: Path, tmp_path: Path) -> None:
    profiles = {"work": {"cdpPort": 18801}, "office": {"cdpUrl": "http://10.0.0.42:9222"}}
    state = make_native(tmp_path / "ada", {"browser": {"profiles": profiles}})
    done = bring(root, state)
    fleet = session(root).fleet().profiles["rescue"]
    assert {name: item.cdp_url for name, item in fleet.browser.profiles.items()} == {
        "work": None, "office": "http://10.0.0.42:9222",
    }  # fmt: skip
    assert config(root)["browser"]["profiles"]["work"] == {"cdpPort": done.ports.cdp["work"]}


@pytest.mark.parametrize("adopt", [False, True])
def test_workspaces_outside_of_the_state_come_along(root: Path, tmp_path: Path, adopt: bool) -> None:
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
    assert _alike(everything(home), before)


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
    assert _alike(everything(home), before)


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
    assert _alike(everything(home), before)


def test_generated_files_are_as_if_the_profile_had_been_added(root: Path, state: Path) -> None:
    bring(root, state, port=30500)
    editing.check_generated(session(root))
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
        assert _alike(everything(state.parent), before)


@root_only
def test_everything_belongs_to_the_container_s_user(root: Path, state: Path) -> None:
    bring(root, state)
    profile = root / "profiles" / "rescue"
    for name in ("state", "workspace"):
        assert {path.lstat().st_uid for path in [profile / name, *(profile / name).rglob("*")]} == {1000}
    assert profile.stat().st_uid == 0


def test_a_gateway_that_runs_is_refused_and_nothing_is_made(root: Path, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        state = make_native(tmp_path / "ada", {"gateway": {"port": port}})
        before = everything(root)
        said = refused(root, state)
    assert f"runs:\n  port {port} of its config is held by " in said
    assert everything(root) == before


@pytest.mark.parametrize("adopt", [False, True])
def test_one_that_is_started_during_the_copy_is_refused(
    root: Path, state: Path, monkeypatch: pytest.MonkeyPatch, adopt: bool
) -> None:
    signs: list[list[str]] = [[], ["it came up"]]
    monkeypatch.setattr(importing, "signs_of_life", lambda *_: signs.pop(0))
    before = everything(state.parent)
    assert "it came up" in refused(root, state, adopt=adopt)
    assert everything(state.parent) == before
    assert list((root / "profiles").iterdir()) == []


def test_a_name_that_has_state_already_is_refused(root: Path, state: Path) -> None:
    editing.add(session(root), "rescue", None, [])
    assert "rescue is a profile of the fleet already." in refused(root, state)
    editing.drop(session(root), "rescue")
    before = everything(root)
    assert f"files of an earlier rescue: {root}/profiles/rescue and {root}/secrets/rescue" in refused(root, state)
    assert everything(root) == before


@pytest.mark.parametrize("name", ["", "-x", "a b", "x-y", "a/b", "..", "a" * 64, ".import-x"])
def test_a_name_that_cannot_be_is_refused_before_anything_is_read(root: Path, name: str) -> None:
    with pytest.raises(UsageError):
        bring(root, Path("/nonexistent"), name)
    with pytest.raises(UsageError):
        undo(root, name)


def test_a_directory_without_a_gateway_is_refused_and_nothing_is_made(root: Path, tmp_path: Path) -> None:
    before = everything(root)
    with pytest.raises(UsageError):
        bring(root, tmp_path)
    assert everything(root) == before


def test_a_port_of_another_profile_is_refused_and_nothing_is_copied(root: Path, state: Path) -> None:
    editing.add(session(root), "other", 30500, [])
    with pytest.raises(PortConflictError):
        bring(root, state, port=30500)
    assert [path.name for path in (root / "profiles").iterdir()] == ["other"]


def test_a_disk_without_room_is_refused_with_both_figures(
    root: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_files, "free_space", lambda _: 5_000_000)
    assert "The import needs 105 MB at " in (said := refused(root, state))
    assert "and 5 MB are free." in said
    assert list((root / "profiles").iterdir()) == []


@pytest.mark.parametrize(("number", "named"), [(errno.ENOSPC, "write {there}"), (errno.EIO, "read {file}")])
def test_a_copy_that_fails_names_the_full_disk_or_the_file(
    root: Path, state: Path, monkeypatch: pytest.MonkeyPatch, number: int, named: str
) -> None:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    # A double, for neither disk can be had.
    monkeypatch.setattr(copying, "_transfer", fail)
    with pytest.raises(DeployError) as caught:
        bring(root, state)
    there, file = root / "profiles" / ".import-rescue", state / "credentials" / "key"
    assert f"Cannot {named.format(there=there, file=file)}: {os.strerror(number)}." in str(caught.value)
    assert list((root / "profiles").iterdir()) == []


@pytest.mark.parametrize("function", ["copy_in", "fit"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("adopt", [False, True])
def test_an_import_that_fails_leaves_everything_as_it_was(
    root: Path, state: Path, function: str, error: BaseException, adopt: bool
) -> None:
    before = everything(state.parent)
    if adopt and function == "copy_in":
        function = "move_in"
    with failing(import_files, function, error), pytest.raises((type(error), DeployError)):
        bring(root, state, adopt=adopt)
    assert _alike(everything(state.parent), before)
    assert list((root / "profiles").iterdir()) == []
    assert session(root).fleet().profiles == {}
    bring(root, state, adopt=adopt)


def test_a_failure_after_the_last_copy_takes_everything_back(root: Path, tmp_path: Path) -> None:
    state = make_native(tmp_path / "ada", {"gateway": {"auth": {"token": secrets.token_hex(8)}}})
    before = everything(state.parent)
    with failing(editing, "store", KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        bring(root, state, adopt=True)
    assert _alike(everything(state.parent), before)
    assert list((root / "profiles").iterdir()) == []
    assert not (root / "secrets" / "rescue" / "IDLEHANDS_GATEWAY_TOKEN").exists()


@pytest.mark.parametrize("arguments", [(), ("--adopt",)])
def test_an_import_that_was_killed_is_taken_back_by_the_next_which_begins_anew(
    root: Path, state: Path, arguments: tuple[str, ...]
) -> None:
    before = everything(state.parent)
    killed_at(root, state, "fit", *arguments)
    assert [path.name for path in (root / "profiles").iterdir()] == [".import-rescue"]
    assert state.exists() == (not arguments)
    bring(root, state)
    assert _alike(everything(state.parent), before)
    assert [path.name for path in (root / "profiles").iterdir()] == ["rescue"]


def test_an_adoption_that_was_killed_can_be_undone(root: Path, state: Path) -> None:
    before = everything(state.parent)
    killed_at(root, state, "fit", "--adopt")
    undo(root)
    assert _alike(everything(state.parent), before)
    assert list((root / "profiles").iterdir()) == []


def test_two_imports_at_once_are_refused(root: Path, state: Path) -> None:
    with importing.alone(session(root)):
        assert "Another import into this deployment is under way." in refused(root, state)


def test_an_undo_removes_the_profile_and_what_is_the_import_s_own(root: Path, state: Path) -> None:
    editing.add(session(root), "other", None, [])
    before = everything(root)
    bring(root, state)
    undo(root)
    generated = {"fleet.yaml", "compose.yaml"}
    assert _without(everything(root), generated) == _without(before, generated)
    assert list(session(root).fleet().profiles) == ["other"]


def test_an_undo_keeps_the_keys_that_a_person_put_there(root: Path, tmp_path: Path) -> None:
    state = make_native(tmp_path / "ada", {"gateway": {"auth": {"token": secrets.token_hex(8)}}})
    bring(root, state)
    (root / "secrets" / "rescue" / "A_KEY").write_text("x")
    undo(root)
    assert [path.name for path in (root / "secrets" / "rescue").iterdir()] == ["A_KEY"]


def test_an_undo_says_what_would_be_lost_and_without_consent_changes_nothing(root: Path, state: Path) -> None:
    bring(root, state)
    profile = root / "profiles" / "rescue"
    assert f"This deletes {profile} for good. Nothing was changed in it since " in asked(root)
    (profile / "workspace" / "MEMORY.md").write_text("another")
    before = everything(root)
    assert ", the last one workspace/MEMORY.md." in (said := asked(root))
    assert " 1 file changed since " in said
    assert everything(root) == before


def test_a_profile_that_was_not_imported_is_not_undone(root: Path) -> None:
    editing.add(session(root), "rescue", None, [])
    with pytest.raises(UsageError, match="rescue was not imported"):
        undo(root)


def test_a_journal_that_cannot_be_read_is_not_guessed_at(root: Path, state: Path) -> None:
    bring(root, state)
    for text in ("{}", "[]", "{", '{"version": 2}'):
        (root / "profiles" / "rescue" / "import.json").write_text(text)
        with pytest.raises(StateRefusedError, match="is not a journal that this version can read"):
            undo(root)


def test_an_undo_of_a_gateway_that_works_on_the_state_is_refused(root: Path, state: Path) -> None:
    bring(root, state)
    lock = root / "profiles" / "rescue" / "state" / "tmp" / "openclaw-1000" / "gateway.state.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"pid": os.getpid()}))
    with pytest.raises(StateRefusedError, match="rescue runs:\n"):
        undo(root)


def test_adopting_moves_the_files_and_keeps_the_port_and_an_undo_brings_all_back(root: Path, state: Path) -> None:
    before = everything(state.parent)
    inode = (state / "credentials" / "key").stat().st_ino
    done = bring(root, state, adopt=True)
    profile = root / "profiles" / "rescue"
    assert done.ports.base == 30500
    assert not state.exists()
    assert (profile / "state" / "credentials" / "key").stat().st_ino == inode
    assert (profile / "workspace" / "MEMORY.md").exists()
    undo(root)
    assert _alike(everything(state.parent), before)
    assert not profile.exists()
    assert jobs(state / "state" / "openclaw.sqlite")[0][0] == f"{state}/cron/jobs.json"


@root_only
def test_files_of_several_users_are_given_back_to_each_of_them(root: Path, state: Path) -> None:
    theirs = state / "workspace" / "theirs"
    theirs.mkdir()
    for number in range(50):
        (theirs / str(number)).touch()
    (state / "link").symlink_to("/nowhere")
    for path in (state.parent, *state.parent.rglob("*")):
        os.chown(path, 1234, 1234, follow_symlinks=False)
    for path in (state / "openclaw.json", state / "workspace"):
        os.chown(path, 1234, 44)  # such as one with which another program reads it
    for path in (theirs, *theirs.iterdir(), state / "link"):
        os.chown(path, 4321, 4321, follow_symlinks=False)
    os.chown(theirs / "7", 1234, 1234)
    before = everything(state.parent)
    bring(root, state, adopt=True)
    profile = root / "profiles" / "rescue"
    assert {path.lstat().st_uid for path in (profile / "workspace").rglob("*")} == {1000}
    kept = json.loads((profile / "import.json").read_text())["owners"]
    assert set(kept) == {
        "state/openclaw.json", "state/link", "workspace", "workspace/MEMORY.md", "workspace/memory",
        "workspace/theirs", "workspace/theirs/7",
    }  # fmt: skip
    (profile / "workspace" / "theirs" / "new").touch()
    undo(root)
    assert (theirs / "new").stat().st_uid == 4321
    (theirs / "new").unlink()
    assert _alike(everything(state.parent), before)


def test_a_database_that_does_not_go_back_as_it_was_is_told(root: Path, state: Path) -> None:
    bring(root, state, adopt=True)
    (root / "profiles" / "rescue" / "state" / "state" / "openclaw.sqlite").write_text("spoilt" * 100)
    assert undo(root) == [
        f"Warning: {state}/state/openclaw.sqlite: is damaged or too new, and may hold paths of the container"
    ]


@pytest.mark.parametrize(("adopt", "count"), [(False, 5), (False, 2), (True, 5)])
def test_what_is_left_behind_is_told_shortly_and_of_a_browser_s_locks_nothing(
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
        assert reason == "not copied, being no files but sockets, pipes or devices"


def test_what_an_adopted_gateway_has_learnt_since_goes_back_with_it_but_its_config_is_the_original(
    root: Path, state: Path
) -> None:
    original = (state / "openclaw.json").read_bytes()
    bring(root, state, adopt=True)
    profile = root / "profiles" / "rescue"
    (profile / "workspace" / "new.md").write_text("learnt")
    assert "would be lost" not in asked(root)
    (profile / "state" / "idlehands.json").write_text("{}")
    assert "What was changed in its config since " in asked(root)
    undo(root)
    assert (state / "workspace" / "new.md").read_text() == "learnt"
    assert (state / "openclaw.json").read_bytes() == original
    assert not (state / "idlehands.json").exists()


def test_an_adopted_gateway_whose_port_is_taken_gets_the_next_slot(root: Path, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        state = make_native(tmp_path / "ada", {"gateway": {"port": listener.getsockname()[1]}})
        assert bring(root, state, adopt=True).ports.base == 30420
    editing.add(session(root), "other", 30600, [])
    third = make_native(tmp_path / "bob", {"gateway": {"port": 30600}})
    assert bring(root, third, "third", adopt=True).ports.base == 30440


def test_an_older_config_s_copies_do_not_pass_for_the_container_s_and_come_back(root: Path, tmp_path: Path) -> None:
    state = make_native(tmp_path / "ada")
    (state / "openclaw.json").rename(state / "idlehands.json")
    (state / "idlehands.json.bak").write_text("{}")
    before = everything(state)
    bring(root, state, adopt=True)
    moved = root / "profiles" / "rescue" / "state"
    assert (moved / "native-idlehands.json.bak").exists()
    for name in ("idlehands.json.bak", "idlehands.json.bak.1", "idlehands.json.last-start"):
        (moved / name).write_text("the container's")
    undo(root)
    assert _alike(everything(state), before)


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A directory on another file system than those of the tests."""
    with tempfile.TemporaryDirectory(prefix="idlehands-tests-", dir="/dev/shm") as name:
        yield Path(name)


def test_across_file_systems_nothing_is_adopted(root: Path, elsewhere: Path) -> None:
    state = make_native(elsewhere)
    if state.stat().st_dev == root.stat().st_dev:
        pytest.skip("there is no other file system at /dev/shm")
    before = everything(elsewhere)
    said = refused(root, state, adopt=True)
    assert "lies on another file system" in said
    assert "without --adopt" in said
    assert everything(elsewhere) == before
    assert list((root / "profiles").iterdir()) == []
    bring(root, state)


def test_a_profile_that_was_added_while_the_copy_was_made_is_left_alone(root: Path, state: Path) -> None:
    before = everything(state.parent)

    def add_meanwhile(*_: object) -> list[Path]:
        editing.add(session(root), "rescue", None, [])
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_files, "fit", add_meanwhile)
        with pytest.raises(StateRefusedError, match="rescue is a profile of the fleet already"):
            bring(root, state, adopt=True)
    assert _alike(everything(state.parent), before)
    assert (root / "profiles" / "rescue" / "state" / "idlehands.json").exists()
    assert (root / "secrets" / "rescue" / "IDLEHANDS_GATEWAY_TOKEN").read_text()


def test_an_import_that_was_killed_before_the_fleet_file_was_written_is_not_thrown_away(
    root: Path, state: Path
) -> None:
    with failing(editing, "store", SystemExit()), pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_files, "take_back", lambda *_: None)  # as a kill would have it
        with pytest.raises(SystemExit):
            bring(root, state)
    assert "import rescue --undo" in refused(root, state)
    assert (root / "profiles" / "rescue" / "workspace" / "MEMORY.md").exists()
    undo(root)
    bring(root, state)


def test_what_was_moved_does_not_go_back_onto_something_else(root: Path, state: Path) -> None:
    bring(root, state, adopt=True)
    state.mkdir()
    before = everything(root)
    with pytest.raises(StateRefusedError, match="exists again"):
        undo(root)
    assert everything(root) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_config_of_another_user_is_not_read_for_the_gateways(root: Path, state: Path) -> None:
    os.chown(state / "openclaw.json", 65534, 65534)
    assert "belongs to uid 65534" in refused(root, state)


def test_what_belongs_to_the_deployment_is_not_imported_into_it(root: Path, tmp_path: Path) -> None:
    editing.add(session(root), "main", None, [])
    before = everything(root)
    for directory in (root / "profiles" / "main" / "state", make_native(tmp_path, name="deployment/inner")):
        with pytest.raises(UsageError, match="lie one within the other"):
            bring(root, directory)
    outer = make_native(tmp_path, name=".openclaw-outer")
    with pytest.raises(UsageError, match="lie one within the other"):
        bring(outer / "deployment", outer)
    shutil.rmtree(root / "inner")
    assert everything(root) == before


def test_a_state_that_is_there_again_is_not_overwritten_by_an_undo(root: Path, state: Path) -> None:
    bring(root, state, adopt=True)
    make_native(state.parent)
    before = everything(state.parent)
    with pytest.raises(StateRefusedError, match="exists again"):
        undo(root)
    assert everything(state.parent) == before
    assert (root / "profiles" / "rescue" / "state").exists()


def test_the_command_says_what_to_type_next_and_fails_by_the_contract(root: Path, state: Path, tmp_path: Path) -> None:
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


def _without(found: Everything, names: set[str]) -> Everything:
    return {path: item for path, item in found.items() if path not in names}


def _alike(found: Everything, wanted: Everything) -> bool:
    """The same but for databases, which hold the same in other bytes; their rows are compared elsewhere."""
    ours, theirs = (
        {path: item for path, item in snapshot.items() if ".sqlite" not in path} for snapshot in (found, wanted)
    )
    return ours == theirs and found.keys() == wanted.keys()
