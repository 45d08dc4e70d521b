"""Why a file cannot be used; with other users and with mounts it is tried in tests/cli/test_used_by_others.py."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.host.denials import from_anywhere, unusable

if TYPE_CHECKING:
    from pathlib import Path


def error(number: int, path: Path | None = None) -> OSError:
    return OSError(number, os.strerror(number), *([str(path)] if path else []))


# No disk quota can be had in a test, so its answer is made up; the others are for completeness.
@pytest.mark.parametrize(
    ("number", "said", "remedy"),
    [
        (errno.EDQUOT, "your disk quota is used up", "quota -s"),
        (errno.ENOSPC, "the disk is full", "df -h"),
        (errno.EROFS, "is mounted read-only", "remount,rw"),
        (errno.EIO, "Input/output error", "Choose another directory with -C."),
    ],
)
def test_each_answer_of_the_system_has_its_sentence_and_command(
    tmp_path: Path, number: int, said: str, remedy: str
) -> None:
    failure = unusable("write", tmp_path / "file", error(number))
    assert failure.what.startswith(f"Cannot write {tmp_path}/file: ")
    assert said in failure.what
    assert remedy in str(failure.remedy)
    assert failure.exit_code == 2


@pytest.mark.parametrize("verb", ["read", "write"])
def test_a_file_in_the_place_of_a_directory_is_the_one_to_move(tmp_path: Path, verb: str) -> None:
    (tmp_path / "secrets").touch()
    failure = unusable(verb, tmp_path / "secrets" / "main", error(errno.ENOTDIR, tmp_path / "secrets" / "main"))
    assert failure.what == f"Cannot {verb} {tmp_path}/secrets/main: {tmp_path}/secrets is not a directory."
    assert str(failure.remedy).startswith(f"Move it away: mv {tmp_path}/secrets {tmp_path}/secrets.old")


def test_what_nobody_has_caught_names_the_error_s_own_file(tmp_path: Path) -> None:
    failure = from_anywhere(error(errno.ENOSPC, tmp_path / "secrets" / "KEY"))
    assert failure.what == f"Cannot use {tmp_path}/secrets/KEY: the disk is full."


def test_an_error_without_a_file_is_a_sentence_too() -> None:
    failure = from_anywhere(error(errno.ENOSPC))
    assert str(failure) == (
        "A file could not be written: No space left on device.\nFree some space, then run the command again: df -h"
    )


def test_a_path_is_quoted_for_the_shell(ordinary_user: Path) -> None:
    place = ordinary_user / "my bots"
    place.mkdir(mode=0o500)
    failure = unusable("write", place / "file", error(errno.EACCES, place / "file"))
    assert str(failure.remedy) == f"Permit it: chmod -R u+rwX '{place}'"
