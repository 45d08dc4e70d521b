"""Whether a gateway has the secrets that its files hold is a question of their content, not of their dates."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.profile_files import new_token
from idlehands_deploy.operations import dashboard, doctor, lifecycle, status
from tests.support.helpers import mode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.fake_site import FakeSite

KEY = "OPENAI_API_KEY"
CHANGED = "main: container restarted, because a secret changed since it started"
PERHAPS = "main: container restarted, because a secret may have changed since it started"
LONG_AGO = (1_000_000_000, 1_000_000_000)


def token(site: FakeSite) -> Path:
    return site.root / "secrets" / "main" / "IDLEHANDS_GATEWAY_TOKEN"


@pytest.fixture
def pair(site: FakeSite) -> FakeSite:
    """Main, which has a key, and rescue: up."""
    site.edit("main: {}", f"main: {{secrets: [{KEY}]}}")
    token(site).with_name(KEY).write_text(secrets.token_hex(32))
    lifecycle.up(site.session, [], 5).usable()
    site.lines()
    return site


def old_copy(path: Path) -> Path:
    """Another value in a file of an old date."""
    old = path.with_name("copy.old")
    old.write_text(new_token())
    os.utime(old, LONG_AGO)
    return old


def copied(path: Path) -> None:
    shutil.copy2(old := old_copy(path), path)
    old.unlink()


def renamed(path: Path) -> None:
    old_copy(path).rename(path)


def linked(path: Path) -> None:
    target = old_copy(path).rename(path.parent.parent / "elsewhere")
    path.unlink()
    path.symlink_to(target)


def written(path: Path) -> None:
    before = path.stat()
    path.write_text(new_token())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


WAYS = {"cp -p": copied, "mv": renamed, "a link": linked, "an editor that keeps the date": written}


def said(site: FakeSite) -> str:
    """What `up` would do with main."""
    line = lifecycle.prepare_up(site.session, ["main"]).plan.lines[-1]
    return line.partition(";")[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [KEY, "IDLEHANDS_GATEWAY_TOKEN"])
def test_another_value_restarts_its_gateway_however_old_its_file_is(pair: FakeSite, way: str, name: str) -> None:
    WAYS[way](token(pair).with_name(name))
    assert said(pair) == CHANGED
    lifecycle.up(pair.session, [], 5).usable()
    assert said(pair) == "main: nothing to do"


def test_up_status_and_doctor_say_it_alike(pair: FakeSite) -> None:
    copied(token(pair))
    report = status.status(pair.session, ["main"])
    assert report.drift["main"] == "a secret changed since it started"
    found = [(finding.place, finding.what) for finding in doctor.examine(pair.session).findings]
    assert ("main", "is out of date: a secret changed since it started") in found


def same(_: Path) -> None:
    pass


def line_end(path: Path) -> None:
    path.write_text(path.read_text().rstrip("\n") + "\n\n")


def new_date(path: Path) -> None:
    os.utime(path)


def replaced_by_itself(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


@pytest.mark.parametrize("way", [same, line_end, new_date, replaced_by_itself])
def test_the_same_value_restarts_nothing_however_new_its_file_is(pair: FakeSite, way: Callable[[Path], None]) -> None:
    way(token(pair))
    assert said(pair) == "main: nothing to do"


def test_a_value_that_comes_back_is_no_change(pair: FakeSite) -> None:
    before = token(pair).read_text()
    copied(token(pair))
    token(pair).write_text(before)
    assert said(pair) == "main: nothing to do"


COMMANDS: dict[str, Callable[[FakeSite], object]] = {
    "restart": lambda site: lifecycle.restart(site.session, ["main"], 5),
    "stop and start": lambda site: (
        lifecycle.stop(site.session, ["main"]), lifecycle.start(site.session, ["main"], 5),
    ),
    "token --rotate": lambda site: dashboard.rotate_token(site.session, "main", 5),
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_that_starts_a_gateway_gives_it_its_secrets(pair: FakeSite, command: str) -> None:
    copied(token(pair))
    COMMANDS[command](pair)
    assert said(pair) == "main: nothing to do"
    renamed(token(pair))
    assert said(pair) == CHANGED


def started_by_the_engine(site: FakeSite) -> None:
    site.engine.becomes(replace(site.engine.there["main"], started_at=datetime.now(UTC).isoformat()), "main")


def test_of_a_start_that_was_not_ours_the_dates_are_a_hint(pair: FakeSite) -> None:
    started_by_the_engine(pair)
    assert said(pair) == "main: nothing to do"
    copied(token(pair))
    assert said(pair) == PERHAPS
    lifecycle.up(pair.session, [], 5).usable()
    assert said(pair) == "main: nothing to do"


def test_generate_and_up_leave_the_dates_of_secrets_alone(pair: FakeSite) -> None:
    started_by_the_engine(pair)
    before = token(pair).stat().st_ctime_ns
    lifecycle.up(pair.session, [], 5).usable()
    assert token(pair).stat().st_ctime_ns == before
    assert said(pair) == "main: nothing to do"


def test_the_record_is_private_and_holds_no_value(pair: FakeSite) -> None:
    record = pair.root / "profiles" / "main" / "started.json"
    assert mode(record) == "0o600"
    for path in token(pair).parent.iterdir():
        assert path.read_text().strip() not in record.read_text()
    # The same value twice gives two digests: they cannot be compared with those of guesses made elsewhere.
    first = json.loads(record.read_text())
    lifecycle.restart(pair.session, ["main"], 5).usable()
    assert json.loads(record.read_text())["digest"] != first["digest"]


@pytest.mark.parametrize("content", ["", "[]", '{"container": 3}', "not json", "\0"])
def test_a_damaged_record_counts_as_none(pair: FakeSite, content: str) -> None:
    (pair.root / "profiles" / "main" / "started.json").write_text(content)
    assert said(pair) == "main: nothing to do"
    renamed(token(pair))
    assert said(pair) == PERHAPS


def test_a_container_that_compose_left_alone_keeps_its_record(pair: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    copied(token(pair))
    monkeypatch.setattr(pair.compose, "run", lambda *_, **__: "")
    lifecycle.restart(pair.session, ["main"], 5).usable()
    assert said(pair) == CHANGED
