"""The SQLite databases of an imported state: their paths are changed to the new place, and old leases deleted."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from typing import TYPE_CHECKING, Any

from idlehands_deploy.gateway.leases import LEASES, databases, opened
from idlehands_deploy.importing.rewrite import relocate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from idlehands_deploy.importing.rewrite import Move

# For one database, however large; seconds.
RELOCATING = 120.0
# Columns of the gateway's databases (2026.9.6) that contain a path and nothing else. The scheduler, for example, finds
# its jobs by such a path, and would lose them. Paths of configs stay: what is stored about the old config is not true
# of the new one.
PATH_COLUMNS = re.compile(r"store_key|path|cwd|workspace|(?!config_path)\w+_(path|root|dir)")
# Keys of workspaces: the SHA-256 of the path.
KEY_COLUMNS = {"workspace_key", "alias_key"}
# Sessions, whose root limits what their agent may access, jobs, and the places of plugins. Transcripts stay unchanged.
JSON_COLUMNS = {("session_nodes", "entry_json"), ("cron_jobs", "job_json"), ("config_machine_state", "value_json")}


def relocate_databases(state: Path, moves: Sequence[Move], home: str) -> list[Path]:
    """Change the paths in the databases of a stopped gateway to their new place.

    Args:
        state: the copied or moved state directory.
        home: what ``~`` means in their paths.

    Returns:
        Files that are not databases, are damaged, or take too long; they are left unchanged.

    Raises:
        OSError: one cannot be written.
    """
    longest_first = sorted(moves, key=lambda move: len(move.old), reverse=True)
    damaged = []
    for path in databases(state):
        try:
            _relocate_one(path, longest_first, home)
        except sqlite3.DatabaseError as error:
            if "disk" in str(error):  # full, or not readable
                raise OSError(f"{path}: {error}") from None
            damaged.append(path)
    return damaged


def _relocate_one(path: Path, moves: Sequence[Move], home: str) -> None:
    with opened(path, RELOCATING) as database:
        tables = dict(_tables(database))
        for table in LEASES:
            if table in tables:
                database.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of our own
        keys: dict[str, str] = {}
        for table, columns in tables.items():
            for column in columns:
                if PATH_COLUMNS.fullmatch(column):
                    keys |= _move_column(database, table, column, moves, home)
                elif (table, column) in JSON_COLUMNS:
                    _move_json(database, table, column, moves, home)
        hashes = {_hash(old): _hash(new) for old, new in keys.items()}
        for table, columns in tables.items():
            for column in KEY_COLUMNS & set(columns):
                _replace(database, table, column, hashes)


def _tables(database: sqlite3.Connection) -> Iterator[tuple[str, list[str]]]:
    rows = database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
    for name, sql in rows:
        if not name.startswith("sqlite_") and not sql.upper().startswith("CREATE VIRTUAL"):
            columns = database.execute("SELECT name FROM pragma_table_info(?)", (name,)).fetchall()
            yield name, [column for (column,) in columns]


def _move_column(
    database: sqlite3.Connection, table: str, column: str, moves: Sequence[Move], home: str
) -> dict[str, str]:
    values = database.execute(f"SELECT DISTINCT {_q(column)} FROM {_q(table)}").fetchall()  # noqa: S608 - quoted
    moved = {old: new for (old,) in values if isinstance(old, str) and (new := relocate(old, moves, home))}
    _replace(database, table, column, moved)
    return moved


def _move_json(database: sqlite3.Connection, table: str, column: str, moves: Sequence[Move], home: str) -> None:
    values = database.execute(f"SELECT DISTINCT {_q(column)} FROM {_q(table)}").fetchall()  # noqa: S608 - quoted
    moved = {}
    for (text,) in values:
        try:
            value = json.loads(text)
            new = _moved(value, moves, home)
        except (TypeError, ValueError, RecursionError):
            continue
        if new != value:
            moved[text] = json.dumps(new, ensure_ascii=False, separators=(",", ":"))
    _replace(database, table, column, moved)


def _moved(value: Any, moves: Sequence[Move], home: str) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {key: _moved(item, moves, home) for key, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, moves, home) for item in value]
    return (relocate(value, moves, home) or value) if isinstance(value, str) else value


def _replace(database: sqlite3.Connection, table: str, column: str, values: dict[str, str]) -> None:
    # A row that already has the new path is the newer one.
    database.executemany(
        f"UPDATE OR IGNORE {_q(table)} SET {_q(column)} = ? WHERE {_q(column)} = ?",  # noqa: S608 - quoted
        [(new, old) for old, new in values.items()],
    )


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
