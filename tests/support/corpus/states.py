"""Hostile states: each is made in a state directory by a function, and has what `doctor` must say of it."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sqlite3
import stat
import tarfile
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.trees import nest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MB = 1_000_000
ESCAPES = "\x1b]0;title\x07\x1b[31m\u202e\u2028"


@dataclass(frozen=True)
class Place:
    """Where a state is made.

    Attributes:
        state: the directory.
        config: the gateway's config in it, which need not exist.
        outside: a directory that belongs to somebody else, with the files `secret.json5` and `secrets.env`.
    """

    state: Path
    config: Path
    outside: Path

    def include(self, name: str, content: str | bytes = b"") -> Path:
        """Have the config include a file; returns its path."""
        self.config.write_text(f'{{"$include": {name!r}}}'.replace("'", '"'))
        path = self.state / name
        if content:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


@dataclass(frozen=True)
class State:
    """A kind of hostile state.

    Attributes:
        make: makes it.
        told: what `doctor` says of it, as a regular expression; empty where nothing is wrong with it.
    """

    make: Callable[[Place], object]
    told: str = ""


def _config(content: str | bytes, told: str = "") -> State:
    data = content.encode(errors="surrogatepass") if isinstance(content, str) else content
    return State(lambda place: _write(place.config, data), told)


def _write(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def _variables(content: str, told: str = "") -> State:
    return State(lambda place: _write(place.state / ".env", content.encode()), told)


def _linked(path: Path, target: str | Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def _listening(path: Path) -> None:
    path.unlink(missing_ok=True)
    above = os.open(path.parent, os.O_RDONLY)
    try:  # a socket's path may be no longer than a hundred bytes
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"/proc/self/fd/{above}/{path.name}")
    finally:
        os.close(above)


def _device(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mknod(path, stat.S_IFCHR | 0o644, os.makedev(1, 5))


def _sparse(path: Path, size: int) -> None:
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def _includes_of_includes(place: Place) -> None:
    names = ", ".join(f'"../level{{}}/{number}.json5"' for number in range(10))
    for level in range(10):
        (place.state / f"level{level}").mkdir()
        inner = f'{{"$include": [{names.format(*[level + 1] * 10)}]}}' if level < 9 else "{}"
        for number in range(10):
            (place.state / f"level{level}" / f"{number}.json5").write_text(inner)
    place.config.write_text(f'{{"$include": [{names.replace("../", "").format(*[0] * 10)}]}}')


def _chain(place: Place) -> None:
    for number in range(2000):
        (place.state / f"{number}.json5").write_text(f'{{"$include": "{number + 1}.json5"}}')
    place.include("0.json5")


def _many_includes(place: Place) -> None:
    place.config.write_text('{"$include": [' + ", ".join(f'"{number}.json5"' for number in range(5000)) + "]}")


CONFIGS: dict[str, State] = {
    "a config that links outside": State(
        lambda place: _linked(place.config, place.outside / "secret.json5"), "is a link to a file outside"
    ),
    "a config that links to itself": State(lambda place: _linked(place.config, place.config.name), "idlehands.json: "),
    "a config that is a pipe": State(lambda place: _pipe(place.config), "is not an ordinary file"),
    "a config that is a directory": State(lambda place: _directory(place.config), "is not an ordinary file"),
    "a config that is a socket": State(lambda place: _listening(place.config), "is not an ordinary file"),
    "a config that is a device": State(lambda place: _device(place.config), "is not an ordinary file"),
    "a config with a hole of a terabyte": State(lambda place: _sparse(place.config, 1 << 40), "larger than 1 MB"),
    "a config of 2 MB": _config(" " * 2 * MB, "larger than 1 MB"),
    "a config of white space": _config(" " * MB, "JSON5"),
    "a config of one list": _config("{a: [" + "1," * (MB // 2 - 10) + "]}", "too long for JSON5"),
    "a config of one plain list": _config(
        '{"a": [' + "1," * (MB // 2 - 10) + "1]}", "10000 values, which is the limit"
    ),
    "a config of brackets": _config("[" * (MB - 10), "deep|nested|JSON5"),
    "a config of nested keys": _config('{"a":' * 100_000, "deep|nested|JSON5"),
    "a config of closed brackets": _config("[" * 100_000 + "]" * 100_000, "deep|nested|JSON5|object"),
    "a config of quotation marks": _config('"' * (MB - 10), "JSON5"),
    "a config of escapes": _config('{"a": "' + "\\" * (MB - 20), "JSON5"),
    "a config of comments": _config("/*" * (MB // 2 - 10), "JSON5"),
    "a config of comments to the line's end": _config("//\n" * (MB // 3 - 10) + "{}"),
    "a config of commas": _config("{" + "," * (MB - 10), "JSON5"),
    "a config with a number of a megabyte": _config('{"a": ' + "1" * (MB - 20) + "}"),
    "a config with numbers that are none": _config(
        "{gateway: {port: Infinity}, a: NaN, b: -Infinity, c: 1e999999, d: 0x" + "f" * 5000 + "}"
    ),
    "a config that is no text": _config(b"\xff\xfe\x00\x01" * 100_000, "JSON5"),
    "a config of NUL bytes": _config(b"\0" * 900_000, "JSON5"),
    "a config of UTF-16": _config('{"a": 1}'.encode("utf-16"), "JSON5"),
    "an empty config": _config(b"", "JSON5"),
    "a config that is a number": _config("7", "object"),
    "a config with keys that control a terminal": _config(f'{{"{ESCAPES}": {{"{ESCAPES}": 1}}, "gateway": 7}}'),
    "a config with half a character": _config(
        '{"a\\ud800": "\\ud800", "agents": {"\\udfff": {"workspace": "\\ud800"}}}'
    ),
    "a config with 60,000 keys": _config("{" + ", ".join(f'"k{number}": {number}' for number in range(60_000)) + "}"),
    "a config with one key many times": _config("{" + '"gateway": {"port": 1}, ' * 30_000 + '"a": 1}'),
    "a config with names of prototypes": _config('{"__proto__": {"gateway": {"port": 1}}, "constructor": {"a": 1}}'),
    "a config with 5,000 browsers": _config(
        '{"browser": {"profiles": {'
        + ", ".join(f'"b{number}": {{"cdpPort": {number + 20_000}}}' for number in range(5000))
        + "}}}"
    ),
    "a config with a long address": _config('{"browser": {"cdpUrl": "http://' + "a:b@" * 200_000 + '"}}'),
    "a config with a long workspace": _config('{"agents": {"defaults": {"workspace": "' + "../" * 300_000 + '"}}}'),
    "a config with many workspaces": _config(
        '{"agents": {"list": ['
        + ", ".join(f'{{"id": "a{number}", "workspace": "/{"x/" * 20}{number}"}}' for number in range(8000))
        + "]}}"
    ),
    "a config with values of other types": _config(
        '{"gateway": [], "browser": "x", "agents": 1, "channels": [[[]]], "models": {"providers": [1]}, "meta": null}'
    ),
    "a config that includes itself": State(lambda place: place.include(place.config.name), "include"),
    "a config that includes ten of ten, ten times": State(_includes_of_includes, "include"),
    "a config that includes a chain of 2,000": State(_chain, "include"),
    "a config that includes 5,000": State(_many_includes, "include"),
    "a config that includes a file outside": State(
        lambda place: place.include(f"{place.outside}/secret.json5"), "include|elsewhere"
    ),
    "a config that includes a link outside": State(
        lambda place: _linked(place.include("x.json5"), place.outside / "secret.json5"), "include|elsewhere"
    ),
    "a config that includes a device": State(lambda place: place.include("/dev/zero"), "include|elsewhere"),
    "a config that includes a pipe": State(lambda place: _pipe(place.include("x.json5")), "ordinary"),
    "a config that includes 900 kB of JSON5": State(
        lambda place: place.include("x.json5", "{a: [" + "1," * 450_000 + "]}"), "too long for JSON5"
    ),
    "a config that includes a name that no file has": State(
        lambda place: place.config.write_text('{"$include": "a\\u0000b' + "x" * 5000 + '"}'), "include|name"
    ),
    "a config of 40,000 secrets": _config(
        '{"token": [' + ", ".join(f'"{hashlib.sha256(b"%d" % each).hexdigest()[:20]}"' for each in range(40_000)) + "]}"
    ),
    "a config with variables that multiply": _config(
        json.dumps(
            {
                "env": {"vars": {"A": "a" * 30_000}},
                "channels": {"telegram": {"botToken": "${A}" * 8000}},
                "gateway": {"auth": {"token": "${A}" * 8000}},
            }
        )
    ),
    "a config with variables in variables": _config('{"gateway": {"port": "' + "${A" * 100_000 + "}" * 100_000 + '"}}'),
}  # fmt: skip

VARIABLES: dict[str, State] = {
    "variables of 300,000 spaces": _variables(" " * 300_000),
    "variables of one name": _variables("A" * 900_000),
    "variables of equals signs": _variables("=" * 900_000),
    "variables of quotation marks": _variables("A='" + '"' * 900_000),
    "variables of 100,000 lines": _variables("A=b\n" * 100_000),
    "variables of 60,000 secrets": _variables("".join(f"TOKEN{number}=x{number * 7919}\n" for number in range(60_000))),
    "variables of 2 MB": _variables("A=b\n" * 500_000),
    "variables that link outside": State(lambda place: _linked(place.state / ".env", place.outside / "secrets.env")),
    "variables that are a pipe": State(lambda place: _pipe(place.state / ".env")),
}


def _many(place: Place, number: int, make: Callable[[Path], object]) -> None:
    (top := place.state / f"many-{sum(1 for _ in place.state.iterdir())}").mkdir()
    for each in range(number):
        make(top / str(each))


def _odd_names(place: Place) -> None:
    top = os.fsencode(place.state)
    names = [
        b"\xff" * 255,
        ESCAPES.encode(),
        b"a\nb",
        b"-rf",
        b"$(id)",
        b"a" * 255,
        b" ",
        "\ud83d\ude00".encode(errors="replace"),
    ]
    for name in names:
        with open(os.path.join(top, name), "wb"):  # noqa: PTH118, PTH123 - no text
            pass


def _archives(place: Place) -> None:
    with tarfile.open(place.state / "x.tar", "w") as archive:
        for name in ("../../outside/x", "/etc/x", "a" * 5000):
            archive.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "../../.."
        archive.addfile(link)
    (place.state / "x.tar.gz").write_bytes(b"\x1f\x8b\x08\0" + os.urandom(1000))


def _database(place: Place) -> Path:
    (place.state / "state").mkdir(exist_ok=True)
    path = place.state / "state" / "openclaw.sqlite"
    path.unlink(missing_ok=True)
    return path


def _garbage(place: Place) -> None:
    _database(place).write_bytes(b"SQLite format 3\0" + os.urandom(5 * MB))


def _slow_schema(place: Place) -> None:
    """A view that never ends, in place of the table of leases."""
    with closing(sqlite3.connect(_database(place))) as made, made:
        made.execute(
            "CREATE VIEW state_leases AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
            "SELECT i AS scope, i AS owner FROM n"
        )
        made.execute("CREATE TABLE cron_jobs (store_key TEXT, job_id TEXT, job_json TEXT)")
        made.execute("INSERT INTO cron_jobs VALUES ('x', '1', ?)", ("[" * 100_000,))


def _log(place: Place) -> None:
    (logs := place.state / "logs").mkdir()
    (logs / "gateway.log").write_bytes(b"token=" * (20 * MB // 6))


def _sessions(place: Place) -> None:
    (top := place.state / "agents" / "main" / "sessions").mkdir(parents=True, exist_ok=True)
    (top / "sessions.json").write_bytes(b'{"a":' * 180_000)
    (top / "x.jsonl").write_bytes(b"x" * 3 * MB)


def _loop(place: Place) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        _linked(place.state / one, other)
    (place.state / "c").mkdir()
    _linked(place.state / "c" / "up", "..")


def _shut(place: Place) -> None:
    (shut := place.state / "shut").mkdir()
    (shut / "file").write_text("x")
    shut.chmod(0)


def _foreign(path: Path) -> None:
    path.touch()
    if not os.geteuid():
        os.chown(path, 4242, 4242)


def _set_user(path: Path) -> None:
    path.touch()
    path.chmod(0o6755)


def _hard_links(place: Place) -> None:
    (place.state / "one").write_text("x")
    _many(place, 2000, lambda path: path.hardlink_to(place.state / "one"))


def _replaced(name: str, make: Callable[[Path, Place], object]) -> Callable[[Place], None]:
    """One of the directories in a state, as something else."""

    def replace(place: Place) -> None:
        if (path := place.state / name).is_dir():
            path.rename(place.state / f"{name}-before")
        make(path, place)

    return replace


TREES: dict[str, State] = {
    "1,500 directories in each other": State(lambda place: nest(place.state, 1500)),
    "20,000 files side by side": State(lambda place: _many(place, 20_000, lambda path: path.touch())),
    "3,000 directories side by side": State(lambda place: _many(place, 3000, lambda path: path.mkdir())),
    "3,000 links to the root": State(lambda place: _many(place, 3000, lambda path: path.symlink_to("/"))),
    "300 links outside": State(lambda place: _many(place, 300, lambda path: path.symlink_to(place.outside))),
    "500 pipes": State(lambda place: _many(place, 500, _pipe)),
    "500 sockets": State(lambda place: _many(place, 500, _listening)),
    "300 devices": State(lambda place: _many(place, 300, _device)),
    "a file of many names": State(_hard_links),
    "names that control a terminal": State(_odd_names),
    "links in circles": State(_loop),
    "a hole of a terabyte": State(lambda place: _sparse(place.state / "sparse", 1 << 40)),
    "a directory that is shut": State(_shut),
    "300 files of somebody else": State(lambda place: _many(place, 300, _foreign), "do(es)? not belong|belongs? to"),
    "programs that run as their owner": State(lambda place: _many(place, 100, _set_user)),
    "archives that lead out": State(_archives),
    "300 configs": State(
        lambda place: _many(place, 300, lambda path: path.with_suffix(".json").write_text("[" * 9000))
    ),
    "a log of one line of 20 MB": State(_log),
    "sessions that never close": State(_sessions),
    "a database of garbage": State(_garbage),
    "a database that is a pipe": State(lambda place: _pipe(_database(place))),
    "a database that links outside": State(lambda place: _linked(_database(place), place.outside / "other.sqlite")),
    "a database that never ends": State(_slow_schema),
    "a lock that is a pipe": State(lambda place: _pipe(place.state / "gateway.lock")),
    "agents that are a pipe": State(_replaced("agents", lambda path, _: _pipe(path))),
    "agents that are outside": State(_replaced("agents", lambda path, place: _linked(path, place.outside))),
    "databases that are outside": State(_replaced("state", lambda path, place: _linked(path, place.outside))),
}  # fmt: skip

STATES = {**CONFIGS, **VARIABLES, **TREES}

# States that can be made in one directory, each in no time.
TOGETHER = (
    "a config of nested keys", "variables that are a pipe", "1,500 directories in each other", "300 links outside",
    "500 pipes", "500 sockets", "names that control a terminal", "links in circles", "a hole of a terabyte",
    "a directory that is shut", "archives that lead out", "300 configs", "sessions that never close",
    "a database of garbage", "a lock that is a pipe",
)  # fmt: skip
