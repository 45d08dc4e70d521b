from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.errors import DirectoryError
from idlehands_deploy.timestamps import read_timestamp, timestamp
from idlehands_deploy.watch import journal
from idlehands_deploy.watch.journal import Journal, locked, read_journal
from idlehands_deploy.watch.timeline import Availability, Timeline

if TYPE_CHECKING:
    from pathlib import Path

USABLE = {"ready", "degraded"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watch" / "journal.jsonl"


def entries(*lines: str) -> list[dict[str, Any]]:
    """Entries from lines such as ``10 ready``, ``20 watching 15`` (unwatched since 15) and ``30 ended``."""
    found: list[dict[str, Any]] = []
    for line in lines:
        at, event, *more = line.split()
        entry: dict[str, Any] = {"at": float(at), "event": event}
        if event == "watching" and more:
            entry["unwatched_since"] = timestamp(float(more[0]))
        elif event == "treated":
            entry["profile"] = "main"
        elif event not in {"watching", "ended", "left"}:
            entry |= {"event": "state", "profile": "main", "state": event, "usable": event in USABLE}
        found.append(entry)
    return found


def computed(*lines: str, since: float = 0, until: float = 100) -> Availability:
    return Timeline.of(entries(*lines)).availability("main", since, until)


def test_what_is_written_is_read_again_in_order(path: Path) -> None:
    written = Journal(path)
    written.write("state", profile="main", state="ready", reason="für alle")
    written.write("ended")
    written.close()
    first, second = read_journal(path).entries
    assert (first["event"], first["state"], first["reason"], second["event"]) == ("state", "ready", "für alle", "ended")
    assert abs(first["at"] - path.stat().st_mtime) < 10


def test_only_the_owner_can_read_journal_and_directory_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        Journal(path).close()
    finally:
        os.umask(before)
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)


def test_a_full_file_is_followed_by_a_new_one_and_old_files_are_deleted(path: Path) -> None:
    written = Journal(path, largest=1000)
    for number in range(200):
        written.write("state", number=number)
    written.close()
    numbers = [entry["number"] for entry in read_journal(path).entries]
    assert numbers == list(range(numbers[0], 200))
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "journal.jsonl", *(f"journal.jsonl.{number}" for number in range(1, journal.OLDER_FILES + 1)),
    ]  # fmt: skip
    assert all(
        file.stat().st_size <= 1000 and stat.S_IMODE(file.stat().st_mode) == 0o600 for file in path.parent.iterdir()
    )


def test_lines_damaged_by_a_power_cut_are_skipped(path: Path) -> None:
    path.parent.mkdir()
    good = json.dumps({"time": timestamp(5), "event": "ended"})
    path.write_text(f'{good}\n{{"time": "2026-01-01T0\n\0\0\0\n[1]\n{{"event": "state"}}\n{good}\n')
    assert [entry["at"] for entry in read_journal(path).entries] == [5, 5]


def test_a_link_in_place_of_the_journal_is_refused_and_not_followed(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("precious")
    path.parent.mkdir()
    path.symlink_to(other)
    with pytest.raises(DirectoryError):
        Journal(path)
    path.unlink()
    path.hardlink_to(other)
    with pytest.raises(DirectoryError):
        Journal(path)
    assert other.read_text() == "precious"


def test_a_link_in_place_of_its_directory_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    path.parent.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DirectoryError, match="it is a symbolic link"):
        Journal(path)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_missing_journal_is_empty(path: Path) -> None:
    assert (read_journal(path).entries, read_journal(path).until) == ([], 0)


def test_timestamps_are_written_in_utc_and_read_again() -> None:
    assert timestamp(1767225600.5) == "2026-01-01T00:00:00.500Z"
    assert read_timestamp("2026-01-01T00:00:00.500Z") == 1767225600.5
    assert read_timestamp("yesterday") is None


def test_the_time_in_each_state_is_counted() -> None:
    assert computed("10 watching", "10 ready", "50 degraded", "70 hung", "80 ready") == Availability(
        watched=90, ready=60, usable=80, outages=1, longest=10
    )


def test_only_the_period_counts() -> None:
    assert computed("10 watching", "10 ready", "60 hung", "80 ready", since=50, until=70) == Availability(
        watched=20, ready=10, usable=10, outages=1, longest=10
    )


def test_an_outage_continues_from_one_bad_state_to_the_next() -> None:
    assert computed("0 watching", "0 ready", "10 hung", "20 starting", "50 ready") == Availability(
        watched=100, ready=60, usable=60, outages=1, longest=40
    )


def test_time_without_a_watch_is_not_counted() -> None:
    found = computed("0 watching", "0 ready", "20 ended", "60 watching", "60 hung", "70 ready")
    assert found == Availability(watched=60, ready=50, usable=50, outages=1, longest=10)


def test_a_killed_watch_ends_when_it_last_ran() -> None:
    assert computed("0 watching", "0 ready", "60 watching 30", "60 ready") == Availability(
        watched=70, ready=70, usable=70
    )


def test_time_without_an_engine_is_not_counted() -> None:
    assert computed("0 watching", "0 ready", "20 unknown", "50 ready") == Availability(watched=70, ready=70, usable=70)


def test_a_profile_that_left_the_fleet_is_not_watched_any_more() -> None:
    left = [{"at": 40.0, "event": "left", "profile": "main"}, {"at": 20.0, "event": "left", "profile": "other"}]
    found = Timeline.of([*entries("0 watching", "0 ready"), *reversed(left)]).availability("main", 0, 100)
    assert found == Availability(watched=40, ready=40, usable=40)


def test_restarts_by_the_watch_are_counted() -> None:
    assert computed("0 watching", "0 hung", "10 treated", "20 ready").restarts == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_of_the_directory_can_watch_after_root(path: Path) -> None:
    path.parent.mkdir()
    os.chown(path.parent, 1000, 1000)
    with locked(path):
        assert path.with_name("lock").stat().st_uid == 1000


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_with_a_second_hard_link_is_not_given_to_the_owner(path: Path) -> None:
    path.parent.mkdir()
    os.chown(path.parent, 1000, 1000)
    other = path.with_name("other")
    other.touch()
    path.with_name("lock").hardlink_to(other)
    with pytest.raises(DirectoryError, match="not an ordinary file"), locked(path):
        pass
    assert other.stat().st_uid == 0


def test_a_running_watch_updates_the_time_of_no_other_file(path: Path, tmp_path: Path) -> None:
    journal, other = Journal(path), tmp_path / "other"
    other.touch()
    os.utime(other, (1, 1))
    path.unlink()
    path.symlink_to(other)
    journal.keep_alive()
    journal.close()
    assert other.stat().st_mtime == 1
