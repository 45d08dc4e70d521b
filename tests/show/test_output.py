from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show.output import remember_directory, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Forgets the directory of a call, which is kept for the whole process."""
    yield
    remember_directory(None)


@pytest.mark.usefixtures("forgotten")
def test_a_suggested_command_repeats_the_directory_of_the_call(tmp_path: Path) -> None:
    remember_directory(None)
    assert written(Remedy("Next: ", ours("up", "main"))) == "Next: idlehands-deploy up main"
    remember_directory(tmp_path)
    assert written(Remedy(ours("up", "a"), ", then: ", ours("url", "a"))) == (
        f"idlehands-deploy -C {tmp_path} up a, then: idlehands-deploy -C {tmp_path} url a"
    )


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("name", ["my fleet", "it's", "$HOME", "back\\slash", "\\1", "\\g<0>"])
def test_a_directory_with_an_unusual_name_is_quoted_for_the_shell(tmp_path: Path, name: str) -> None:
    remember_directory(tmp_path / name)
    assert shlex.split(written(Remedy.run("up", "main"))) == [
        "idlehands-deploy",
        "-C",
        str(tmp_path / name),
        "up",
        "main",
    ]
