from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.gateway.config import GatewayConfig, read_config, read_variables
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


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ('{"a": [' + "1," * 500_000 + "1]}", "has more than 10000 values, which is the limit"),
        ('{"a": "' + "x" * 40_000 + '"}', "has a text of more than 32 kB, which is the limit"),
        ("{a: Infinity}", "has a number that is too large, or none"),
        ('{"a": 1e999}', "has a number that is too large, or none"),
        ("{a: NaN}", "has a number that is too large, or none"),
        ("{a: 0x" + "f" * 5000 + "}", "has a number that is too large, or none"),
        ("{a: " + "9" * 5000 + "}", "has a number that is too large, or none"),
    ],
    ids=range(7),
)
def test_values_that_no_config_has_are_refused(text: str, flaw: str) -> None:
    with pytest.raises(FlawError, match=flaw):
        parse_config(text)


def test_files_that_are_too_much_together_are_refused(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.json").write_text(json.dumps({f"{number}": [1] * 4000}))
    (tmp_path / "idlehands.json").write_text('{"$include": ["0.json", "1.json", "2.json"]}')
    mounts = {"/state": tmp_path}
    config = read_config(tmp_path / "idlehands.json", "x", lambda path: path.read_text(), mounts=mounts, environ={})
    assert config is not None
    assert config.flaws == ("has more than 10000 values, which is the limit",)


def test_a_long_text_keeps_its_hidden_variables() -> None:
    """Each of thousands could be long."""
    config = GatewayConfig("x", hidden={"A": "x" * 30_000})
    assert config.reveal("${A}") == "x" * 30_000
    assert config.reveal("${A}" * 8000) == "${A}" * 8000


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


def test_included_files_that_do_not_exist_are_flaws_up_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "idlehands.json").write_text(json.dumps({"$include": [f"{number}.json" for number in range(5000)]}))
    mounts = {"/state": tmp_path}
    config = read_config(
        tmp_path / "idlehands.json",
        "x",
        lambda path: path.read_text() if path.exists() else None,
        mounts=mounts,
        environ={},
    )
    assert config is not None
    assert len(config.flaws) == 101
    assert config.flaws[-1] == "includes more than 100 files, of which the rest was not read"


def test_included_files_are_read_up_to_a_limit_of_their_size(tmp_path: Path) -> None:
    (tmp_path / "big.json").write_text(json.dumps({"a": ["x" * 30_000] * 33}))
    (tmp_path / "idlehands.json").write_text(json.dumps({"$include": ["big.json"] * 50}))
    read: list[Path] = []

    def reader(path: Path) -> str:
        read.append(path)
        return path.read_text()

    config = read_config(tmp_path / "idlehands.json", "x", reader, mounts={"/state": tmp_path}, environ={})
    assert config is not None
    assert config.flaws == ("includes more than 1 MB, of which the rest was not read",)
    assert len(read) < 10
