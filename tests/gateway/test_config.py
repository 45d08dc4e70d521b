from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.gateway.config import read_config, read_variables
from idlehands_deploy.gateway.json5_text import DEEPEST, FlawError, parse_config, parse_json5

if TYPE_CHECKING:
    from pathlib import Path


def nested(depth: int) -> str:
    return '{"a": [' * (depth // 2) + "1" + "]}" * (depth // 2)


def test_a_config_may_be_nested_as_deeply_as_none_is() -> None:
    assert parse_json5(nested(DEEPEST))


@pytest.mark.parametrize("depth", [DEEPEST + 2, 2_000, 200_000])
def test_a_config_that_is_nested_more_deeply_is_refused_under_every_python(depth: int) -> None:
    with pytest.raises(FlawError, match="is nested too deeply"):
        parse_json5(nested(depth))


def test_a_file_of_variables_is_read_in_time_whatever_it_repeats() -> None:
    began = time.process_time()
    for unit in (" ", "A", "A ", "export ", "\t=", "A= "):
        read_variables((unit * 300_000)[:300_000])
    assert time.process_time() - began < 2
    assert read_variables(" export A = 'b c' \nB=\n  C=d  \nnot\n") == {"A": "b c", "B": "", "C": "d"}


def test_json5_that_takes_minutes_is_refused() -> None:
    with pytest.raises(FlawError, match="too long for JSON5: more than 64 kB"):
        parse_config("{a: [" + "1," * 500_000 + "]}")
    assert parse_config('{"a": [' + "1," * 500_000 + "1]}")["a"][0] == 1


def test_files_that_include_each_other_are_read_up_to_a_limit(tmp_path: Path) -> None:
    names = [f"{number}.json" for number in range(10)]
    text = json.dumps({"$include": names})
    for name in ["idlehands.json", *names]:
        (tmp_path / name).write_text(text)
    config = read_config(
        tmp_path / "idlehands.json", "x", lambda path: path.read_text(), mounts={"/state": tmp_path}, environ={}
    )
    assert config is not None
    assert "includes more than 100 files, of which the rest was not read" in config.flaws


def test_included_files_are_read_up_to_a_limit_of_their_size(tmp_path: Path) -> None:
    (tmp_path / "big.json").write_text(json.dumps({"a": "x" * 1_000_000}))
    (tmp_path / "idlehands.json").write_text(json.dumps({"$include": ["big.json"] * 50}))
    read: list[Path] = []

    def reader(path: Path) -> str:
        read.append(path)
        return path.read_text()

    config = read_config(tmp_path / "idlehands.json", "x", reader, mounts={"/state": tmp_path}, environ={})
    assert config is not None
    assert config.flaws == ("includes more than 1 MB, of which the rest was not read",)
    assert len(read) < 10
