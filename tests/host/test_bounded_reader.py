"""A gateway may put anything where a file is read, and swap it at any time."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from idlehands_deploy.host.file_facts import (
    LARGEST,
    ForeignError,
    Limits,
    OutsideError,
    UnfitError,
    open_ordinary,
    read_ordinary,
    read_within,
)
from tests.support.site import root_only


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A gateway's state, beside a file that is nobody else's business."""
    (tmp_path / "state").mkdir()
    (tmp_path / "secret").write_text("root's")
    return tmp_path / "state"


def test_a_missing_file_is_none(state: Path) -> None:
    assert read_ordinary(state / "none") is None
    assert read_ordinary(state / "none" / "none", Limits((state,))) is None


def test_a_person_s_own_links_are_followed(state: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(state)
    (state / "kept").write_text("text")
    (state / "file").symlink_to("kept")
    assert read_ordinary(tmp_path / "link" / "file", Limits((tmp_path / "link",))) == "text"


@pytest.mark.parametrize("target", ["../secret", "absolute", "folder"])
def test_no_link_leads_out(state: Path, tmp_path: Path, target: str) -> None:
    if target == "folder":
        (state / "folder").symlink_to(tmp_path)
        path = state / "folder" / "secret"
    else:
        path = state / "file"
        path.symlink_to(tmp_path / "secret" if target == "absolute" else target)
    assert read_ordinary(path) == "root's"
    with pytest.raises(OutsideError, match="it is a link to a file elsewhere"):
        read_ordinary(path, Limits((state,)))


def test_a_link_to_what_is_missing_elsewhere_leads_out_as_well(state: Path, tmp_path: Path) -> None:
    (state / "file").symlink_to(tmp_path / "none")
    with pytest.raises(OutsideError):
        read_ordinary(state / "file", Limits((state,)))


def test_a_directory_whose_name_only_begins_alike_is_elsewhere(state: Path, tmp_path: Path) -> None:
    (tmp_path / "state-other").mkdir()
    (tmp_path / "state-other" / "file").write_text("")
    (state / "file").symlink_to(tmp_path / "state-other" / "file")
    with pytest.raises(OutsideError):
        read_ordinary(state / "file", Limits((state,)))


def test_its_own_name_may_be_no_link_where_none_is_asked_for(state: Path) -> None:
    (state / "kept").write_text("text")
    (state / "file").symlink_to("kept")
    with pytest.raises(UnfitError, match="it is not an ordinary file"):
        read_ordinary(state / "file", Limits((state,), links=False))


def test_a_link_that_is_swapped_all_the_time_never_leads_out(state: Path, tmp_path: Path) -> None:
    """Whatever is seen is the gateway's own text, or refused."""
    (state / "own").write_text("own")
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            for target in ("own", tmp_path / "secret"):
                (state / "new").symlink_to(target)
                (state / "new").rename(state / "file")

    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    try:
        for _ in range(100_000):
            try:
                seen.add(read_ordinary(state / "file", Limits((state,))))
            except OutsideError:
                seen.add("refused")
            if {"own", "refused"} <= seen:
                break
    finally:
        ended.set()
        thread.join()
    assert {"own", "refused"} <= seen <= {"own", "refused", None}


@pytest.mark.parametrize("kind", ["pipe", "directory", "device"])
def test_nothing_but_an_ordinary_file_is_read_or_waited_for(state: Path, kind: str) -> None:
    path = state / "file"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to("/dev/tty")
    with pytest.raises(UnfitError, match="it is not an ordinary file"):
        read_ordinary(path)


def test_a_pipe_is_not_even_opened(state: Path) -> None:
    """Whoever waits for a reader of it would go on."""
    os.mkfifo(state / "pipe")
    with pytest.raises(UnfitError):
        read_ordinary(state / "pipe")
    with pytest.raises(OSError, match="No such device"):
        os.open(state / "pipe", os.O_WRONLY | os.O_NONBLOCK)


def test_a_file_over_the_limit_is_refused_with_the_limit(state: Path) -> None:
    with (state / "file").open("wb") as file:
        file.truncate(LARGEST)
    assert len(read_ordinary(state / "file") or "") == LARGEST
    os.truncate(state / "file", LARGEST + 1)
    with pytest.raises(UnfitError, match="it is larger than 1 MB, which is the limit") as caught:
        read_ordinary(state / "file")
    assert caught.value.filename == str(state / "file")
    with pytest.raises(UnfitError, match="larger than 16 bytes"):
        read_ordinary(state / "file", Limits(largest=16))


def test_a_file_that_grows_meanwhile_is_refused(state: Path) -> None:
    (state / "file").write_bytes(b"x" * 10)
    with open_ordinary(state / "file", Limits(largest=10)) as stream:
        with (state / "file").open("ab") as file:
            file.write(b"y")
        with pytest.raises(UnfitError, match="larger than 10 bytes"):
            read_within(stream, state / "file", 10)


@pytest.mark.parametrize("name", ["a\0b", "\udcff\ud800"])
def test_a_name_that_no_file_can_have_is_an_error_of_a_file(state: Path, name: str) -> None:
    with pytest.raises(OSError, match="no file can have this name"):
        read_ordinary(state / name)


@root_only
def test_a_file_of_somebody_else_is_refused(state: Path) -> None:
    (state / "file").write_text("text")
    os.chown(state / "file", 4321, 4321)
    assert read_ordinary(state / "file", Limits(owner=4321)) == "text"
    with pytest.raises(ForeignError, match="it belongs to uid 4321"):
        read_ordinary(state / "file", Limits(owner=1234))


def test_descriptors_are_closed_whatever_happens(state: Path) -> None:
    os.mkfifo(state / "pipe")
    (state / "file").write_text("")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for name in ("pipe", "file", "none"):
        for limits in (Limits(), Limits((state / "other",)), Limits(largest=-1)):
            try:
                read_ordinary(state / name, limits)
            except UnfitError:
                continue
    assert len(list(Path("/proc/self/fd").iterdir())) == before
