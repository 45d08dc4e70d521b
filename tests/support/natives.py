"""Natively installed gateways as tests find them on a disk."""

from __future__ import annotations

import json
import secrets
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Everything = dict[str, tuple[int, int, int, int, bytes | str]]


def make_native(home: Path, config: dict[str, Any] | str | None = None, name: str = ".openclaw-rescue") -> Path:
    """A stopped gateway's state with a config, a database, a session and a workspace in it."""
    state = home / name
    (state / "state").mkdir(parents=True)
    (state / "agents" / "main" / "agent").mkdir(parents=True)
    (state / "workspace" / "memory").mkdir(parents=True)
    (state / "workspace" / "MEMORY.md").write_text("the door code")
    (state / "workspace" / "memory" / "today.md").write_text("rain")
    (state / "credentials").mkdir(mode=0o700)
    (state / "credentials" / "key").write_text(secrets.token_hex(8))
    (state / "credentials" / "key").chmod(0o600)
    if config is None:
        config = {"gateway": {"mode": "local", "port": 30500, "bind": "loopback"}, "meta": {"lastTouchedVersion": "1"}}
    text = config if isinstance(config, str) else json.dumps(config)
    (state / "openclaw.json").write_text(text)
    (state / "openclaw.json").chmod(0o640)
    database(state / "state" / "openclaw.sqlite", state)
    return state


def database(path: Path, state: Path) -> None:
    """The tables of a gateway that hold paths, with a row each, and a lease that nobody let go."""
    with closing(sqlite3.connect(path)) as made, made:
        made.execute(
            "CREATE TABLE cron_jobs (store_key TEXT, job_id TEXT, job_json TEXT, PRIMARY KEY (store_key, job_id))"
        )
        job = json.dumps({"id": "1", "cwd": f"{state}/workspace", "said": f"look into {state}/workspace"})
        made.execute("INSERT INTO cron_jobs VALUES (?, '1', ?)", (f"{state}/cron/jobs.json", job))
        made.execute("CREATE TABLE state_leases (scope TEXT, owner TEXT)")
        made.execute("INSERT INTO state_leases VALUES ('gateway-owner', 'dead')")


def jobs(path: Path) -> list[tuple[str, dict[str, Any]]]:
    with closing(sqlite3.connect(path)) as found:
        rows = found.execute("SELECT store_key, job_json FROM cron_jobs").fetchall()
    return [(key, json.loads(text)) for key, text in rows]


def everything(root: Path) -> Everything:
    """Each thing below a directory with its mode, owner, time and content; databases by what is in them."""
    found: Everything = {}
    for path in sorted(root.rglob("*")):
        about = path.lstat()
        content: bytes | str = b""
        if path.is_symlink():
            content = str(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(root))] = (
            about.st_mode, about.st_uid, about.st_gid, 0 if path.is_dir() else about.st_mtime_ns, content,
        )  # fmt: skip
    return found
