from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from idlehands_deploy.gateway import leases
from idlehands_deploy.gateway.leases import clear_leases
from idlehands_deploy.importing import databases
from idlehands_deploy.importing.databases import relocate_databases
from idlehands_deploy.importing.rewrite import Move
from tests.support.natives import jobs, make_native

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NEW = [Move("/old/state", "/new/state"), Move("/old/state/workspace", "/new/workspace")]


def made(path: Path, table: str, *values: tuple[object, ...]) -> Path:
    """A database with a table, and rows in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = table.partition(" ")[0]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"CREATE TABLE {table}")
        for row in values:
            database.execute(f"INSERT INTO {name} VALUES ({','.join('?' * len(row))})", row)  # noqa: S608 - a test's own
    return path


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def test_jobs_get_the_new_path_and_their_text_stays(tmp_path: Path) -> None:
    state = make_native(tmp_path)
    moves = [Move(str(state), "/new/state"), Move(f"{state}/workspace", "/new/workspace")]
    assert relocate_databases(state, moves, str(tmp_path)) == []
    ((key, job),) = jobs(state / "state" / "openclaw.sqlite")
    assert (key, job["cwd"]) == ("/new/state/cron/jobs.json", "/new/workspace")
    assert job["said"] == f"look into {state}/workspace"


def test_the_lease_of_a_killed_gateway_is_deleted(tmp_path: Path) -> None:
    state = make_native(tmp_path)
    relocate_databases(state, [], "/")
    assert rows(state / "state" / "openclaw.sqlite", "SELECT * FROM state_leases") == []


def test_moving_there_and_back_restores_every_row(tmp_path: Path) -> None:
    state = make_native(tmp_path)
    before = jobs(state / "state" / "openclaw.sqlite")
    relocate_databases(state, [Move(str(state), "/new/state")], str(tmp_path))
    relocate_databases(state, [Move("/new/state", str(state))], str(tmp_path))
    assert jobs(state / "state" / "openclaw.sqlite") == before


def test_the_root_of_a_session_changes_and_its_transcript_does_not(tmp_path: Path) -> None:
    entry = json.dumps({"sessionRoot": "/old/state/workspace", "label": "é"}, ensure_ascii=False)
    path = tmp_path / "agents" / "main" / "agent" / "openclaw-agent.sqlite"
    made(path, "session_nodes (session_key TEXT PRIMARY KEY, entry_json TEXT)", ("a", entry), ("b", "not JSON"))
    made(path, "transcript_events (event_json TEXT)", (entry,))
    relocate_databases(tmp_path, NEW, "/home/x")
    assert rows(path, "SELECT entry_json FROM session_nodes") == [
        ('{"sessionRoot":"/new/workspace","label":"é"}',),
        ("not JSON",),
    ]
    assert rows(path, "SELECT event_json FROM transcript_events") == [(entry,)]


def test_plugins_get_the_new_path(tmp_path: Path) -> None:
    index = '{"plugins":[{"id":"a","installPath":"/old/state/extensions/a"},{"id":"b","rootDir":"/usr/lib/b"}]}'
    path = made(
        tmp_path / "state" / "openclaw.sqlite",
        "config_machine_state (state_key TEXT PRIMARY KEY, value_json TEXT)",
        ("plugins.installedIndex", index),
    )
    relocate_databases(tmp_path, NEW, "/")
    assert rows(path, "SELECT value_json FROM config_machine_state") == [(index.replace("/old/", "/new/"),)]


def test_a_workspace_gets_the_key_of_its_new_path(tmp_path: Path) -> None:
    def key(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    path = made(
        tmp_path / "state" / "openclaw.sqlite",
        "workspace_setup_state (workspace_key TEXT PRIMARY KEY, workspace_path TEXT)",
        (key("/old/state/workspace"), "/old/state/workspace"),
    )
    relocate_databases(tmp_path, NEW, "/")
    assert rows(path, "SELECT * FROM workspace_setup_state") == [(key("/new/workspace"), "/new/workspace")]


def test_what_is_stored_about_the_old_config_is_not_applied_to_the_new_one(tmp_path: Path) -> None:
    table = "config_health_entries (config_path TEXT PRIMARY KEY, last_known_good_json TEXT)"
    path = made(tmp_path / "state" / "openclaw.sqlite", table, ("/old/state/idlehands.json", "{}"))
    relocate_databases(tmp_path, NEW, "/")
    assert rows(path, "SELECT config_path FROM config_health_entries") == [("/old/state/idlehands.json",)]


def test_a_row_that_already_has_the_new_path_stays(tmp_path: Path) -> None:
    path = made(
        tmp_path / "state" / "openclaw.sqlite",
        "agent_databases (path TEXT PRIMARY KEY, seen INTEGER)",
        ("/old/state/a", 1),
        ("/new/state/a", 2),
    )
    relocate_databases(tmp_path, NEW, "/")
    assert ("/new/state/a", 2) in rows(path, "SELECT * FROM agent_databases")


def test_a_file_that_is_not_a_database_is_reported_and_left_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "state" / "openclaw.sqlite"
    path.parent.mkdir()
    path.write_text("no database at all" * 100)
    before = path.read_bytes()
    assert relocate_databases(tmp_path, NEW, "/") == [path]
    assert path.read_bytes() == before


def test_a_database_behind_a_link_is_not_changed(tmp_path: Path) -> None:
    outside = make_native(tmp_path / "outside")
    before = (outside / "state" / "openclaw.sqlite").read_bytes()
    state = tmp_path / "copy"
    state.mkdir()
    (state / "state").symlink_to(outside / "state")
    relocate_databases(state, [Move(str(outside), "/new")], "/")
    assert (outside / "state" / "openclaw.sqlite").read_bytes() == before


# Each row that is deleted counts to infinity.
ENDLESS = """
CREATE TRIGGER endless BEFORE DELETE ON state_leases BEGIN
    INSERT INTO other SELECT count(*) FROM (
        WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number) SELECT n FROM number
    );
END
"""


def test_a_database_whose_statements_never_end_is_left_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path / "state" / "openclaw.sqlite", "state_leases (owner)", ("gone",))
    made(path, "other (n)")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(ENDLESS)
    monkeypatch.setattr(databases, "RELOCATING", 0.2)
    monkeypatch.setattr(leases, "CLEARING", 0.2)
    assert relocate_databases(tmp_path, NEW, "/") == [path]
    clear_leases(tmp_path)
    assert rows(path, "SELECT owner FROM state_leases") == [("gone",)]


def test_an_entry_that_is_nested_as_deeply_as_python_just_reads_stays_as_it_is(tmp_path: Path) -> None:
    text = '{"cwd": "/old/state", "x": ' + "[" * 900 + "]" * 900 + "}"
    path = made(tmp_path / "state" / "openclaw.sqlite", "cron_jobs (job_json)", (text,))
    assert relocate_databases(tmp_path, NEW, "/") == []
    assert rows(path, "SELECT job_json FROM cron_jobs") == [(text,)]
