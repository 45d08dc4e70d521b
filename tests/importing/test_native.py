from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import DeployError, StateRefusedError, UsageError
from idlehands_deploy.importing.native import env_token, find_native, running_evidence
from tests.support.natives import make_native
from tests.support.site import root_only

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1])
held.execute("PRAGMA journal_mode = WAL")
held.execute("SELECT * FROM cron_jobs").fetchall()
print("ready", flush=True)
sys.stdin.read()
"""


def refused(directory: Path) -> str:
    with pytest.raises(DeployError) as caught:
        find_native(directory)
    assert caught.value.exit_code == 2
    return caught.value.what


def test_a_state_directory_is_read_with_its_comments_and_trailing_commas(tmp_path: Path) -> None:
    state = make_native(tmp_path, "// mine\n{gateway: {port: 19789,}, agents: {defaults: {workspace: '~/notes'}},}")
    native = find_native(state)
    assert (native.config_file, native.port, native.workspace) == (state / "openclaw.json", 19789, tmp_path / "notes")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is not JSON5"),
        ('{"gateway": {"auth": {"token": "secret', "is not JSON5 at line 1"),
        ("{\n\n  gateway: }", "is not JSON5 at line 3"),
        ("[]", "must be an object"),
        ('{"gateway": []}', "gateway: must be an object"),
        ('{"gateway": {"mode": "remote"}}', "gateway.mode: is remote"),
    ],
)
def test_an_invalid_config_is_refused_without_showing_its_content(tmp_path: Path, content: str, problem: str) -> None:
    said = refused(make_native(tmp_path, content))
    assert problem in said
    assert "secret" not in said


def test_a_directory_without_a_gateway_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere") == f"{tmp_path}/nowhere: no such directory"
    assert refused(tmp_path) == f"{tmp_path}: contains no gateway config (idlehands.json or openclaw.json)"
    (tmp_path / "openclaw.json").write_bytes(b"\xff\xfe")
    assert refused(tmp_path) == f"{tmp_path}/openclaw.json: is not UTF-8 text"
    (tmp_path / "idlehands.json").write_text("{}")
    assert refused(tmp_path) == f"{tmp_path}: contains both idlehands.json and openclaw.json"
    assert refused(tmp_path / "idlehands.json") == f"{tmp_path}/idlehands.json: no such directory"


def test_a_directory_that_the_user_may_not_read_is_refused(ordinary_user: Path) -> None:
    state = make_native(ordinary_user)
    state.chmod(0o000)
    try:
        assert "cannot be read" in refused(state)
    finally:
        state.chmod(0o700)


@pytest.mark.parametrize("workspace", ["~", "/", "~/.openclaw-rescue"])
def test_a_workspace_that_contains_the_state_is_refused(tmp_path: Path, workspace: str) -> None:
    state = make_native(tmp_path, {"agents": {"defaults": {"workspace": workspace}}})
    assert "contains the state directory" in refused(state)


@root_only
def test_root_does_not_copy_for_a_user_what_that_user_does_not_own(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    state = make_native(tmp_path, {"agents": {"defaults": {"workspace": str(tmp_path / "private")}}})
    os.chown(state, 4321, 4321)
    os.chown(state / "openclaw.json", 4321, 4321)
    with pytest.raises(StateRefusedError, match="belongs to uid 0, but the state to uid 4321"):
        find_native(state)


def test_without_a_workspace_in_the_config_it_is_the_one_in_the_state_or_in_the_older_place(tmp_path: Path) -> None:
    state = make_native(tmp_path)
    assert find_native(state).workspace == state / "workspace"
    (state / "workspace").rename(tmp_path / "kept")
    assert find_native(state).workspace == state / "workspace"
    (tmp_path / ".openclaw" / "workspace-rescue").mkdir(parents=True)
    assert find_native(state).workspace == tmp_path / ".openclaw" / "workspace-rescue"


def test_a_further_agent_s_workspace_gets_the_name_that_the_gateway_would_give_it(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    entries = {
        "main": {},
        "a": {"workspace": f"{tmp_path}/a"},
        "b/c": {"workspace": "~/b"},
        "gone": {"workspace": "/g"},
    }
    state = make_native(tmp_path, {"agents": {"entries": entries}})
    (state / "workspace-a").mkdir()
    assert find_native(state).others == {tmp_path / "a": "workspace-a-imported", tmp_path / "b": "workspace-b-c"}


def test_a_state_directory_behind_a_link_is_known_by_both_paths(tmp_path: Path) -> None:
    state = make_native(tmp_path / "disk")
    (tmp_path / ".openclaw-rescue").symlink_to(state)
    native = find_native(tmp_path / ".openclaw-rescue")
    assert {str(state), str(tmp_path / ".openclaw-rescue")} <= {move.old for move in native.moves}


def test_a_stopped_gateway_shows_no_evidence_of_running_though_its_files_exist(tmp_path: Path) -> None:
    state = make_native(tmp_path)
    locks = state / "tmp" / "openclaw-1000"
    locks.mkdir(parents=True)
    (locks / "gateway.state.lock").write_text(json.dumps({"pid": 2**22 + 1}))
    assert running_evidence(find_native(state)) == []


def test_a_process_with_the_database_open_is_named_until_it_ends_however_it_ends(tmp_path: Path) -> None:
    state = make_native(tmp_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(state / "state" / "openclaw.sqlite")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        (sign,) = running_evidence(find_native(state))
    finally:
        holder.kill()
        holder.communicate()
    assert f"(pid {holder.pid}) has state/openclaw.sqlite" in sign
    assert running_evidence(find_native(state)) == []


def test_a_lock_file_counts_only_for_a_process_that_is_older_than_it(tmp_path: Path) -> None:
    state = make_native(tmp_path)
    lock = state / "tmp" / "openclaw-1000" / "gateway.state.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"pid": os.getpid()}))
    (sign,) = running_evidence(find_native(state))
    assert f"(pid {os.getpid()}) is named in tmp/openclaw-1000/gateway.state.lock" in sign
    os.utime(lock, (1, 1))  # a number that another process has got since
    assert running_evidence(find_native(state)) == []


@pytest.mark.parametrize("content", ["", "[]", '{"pid": "x"}', '{"pid": -1}', "{}"])
def test_a_damaged_lock_file_is_no_evidence_of_running(tmp_path: Path, content: str) -> None:
    state = make_native(tmp_path)
    lock = state / "tmp" / "openclaw-1000" / "gateway.state.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text(content)
    assert running_evidence(find_native(state)) == []


def test_a_process_on_the_config_s_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        state = make_native(tmp_path, {"gateway": {"port": port}})
        (sign,) = running_evidence(find_native(state))
    assert sign.startswith(f"port {port} of its config is held by ")
    assert sign.endswith(f"(pid {os.getpid()})")
    assert running_evidence(find_native(state)) == []


@pytest.mark.parametrize("line", ["OPENCLAW_GATEWAY_TOKEN={}", 'export IDLEHANDS_GATEWAY_TOKEN="{}"'])
def test_a_token_in_the_state_s_environment_file_is_found(tmp_path: Path, line: str) -> None:
    token = secrets.token_hex(16)
    state = make_native(tmp_path)
    assert env_token(find_native(state)) is None
    (state / ".env").write_text(f"# keys\nOTHER=x\n{line.format(token)}\n")
    assert env_token(find_native(state)) == token


def test_a_config_that_no_gateway_has_is_refused_with_the_limit(tmp_path: Path) -> None:
    state = make_native(tmp_path)
    os.truncate(state / "openclaw.json", 2 << 20)
    with pytest.raises(UsageError) as caught:
        find_native(state)
    said = "it is larger than 1 MB, which is the limit"
    assert str(caught.value).startswith(f"{state / 'openclaw.json'}: {said}")


def test_pipes_in_the_place_of_other_files_are_not_waited_for(tmp_path: Path) -> None:
    state = make_native(tmp_path)
    (state / "tmp" / "x").mkdir(parents=True)
    for name in (".env", "tmp/x/gateway.a.lock", "state/pipe.sqlite"):
        os.mkfifo(state / name)
    native = find_native(state)
    assert env_token(native) is None
    assert running_evidence(native) == []


@pytest.mark.parametrize("text", ["[" * 100_000, '{"pid": 1e400}', '{"pid": 99999999999999999999}'])
def test_a_lock_file_that_no_gateway_writes_is_no_evidence(tmp_path: Path, text: str) -> None:
    state = make_native(tmp_path)
    (state / "tmp" / "x").mkdir(parents=True)
    (state / "tmp" / "x" / "gateway.a.lock").write_text(text)
    assert running_evidence(find_native(state)) == []
