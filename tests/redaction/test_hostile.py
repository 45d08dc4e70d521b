"""What a gateway may write to stop whoever reads it: the time is linear in the size, whatever is repeated."""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.redaction.known_secrets import known_secrets
from idlehands_deploy.redaction.redactor import LONGEST_LINE, Redactor
from tests.support.secret_texts import seconds
from tests.support.trees import nested

if TYPE_CHECKING:
    from pathlib import Path

REPEATED = (
    "a", "1", "aB1", "a.", "a@", "a@b.", "://", "://a@", "://a?", "a:", "a=", '"', "'", "\\", "+1", "1.", "f:", "-",
    "--a", "/", "/hooks/", "?a=", "&a", " ", "\t", "=", "token=", "bearer ", "authorization:", "eyJa.", "sk-",
    "-----BEGIN a-----", "€",
)  # fmt: skip


@pytest.mark.parametrize("unit", REPEATED)
def test_a_line_of_any_length_is_redacted_in_time(unit: str) -> None:
    secret = secrets.token_hex(12)
    redactor = Redactor([secret])
    text = f"{(unit * 400_000)[:400_000]} {secret}"
    assert seconds(lambda: redactor.text(text)) < 2
    assert secret not in redactor.text(text)


def test_a_line_keeps_its_beginning_and_tells_how_much_was_removed() -> None:
    line = "word " * LONGEST_LINE
    shown = Redactor([]).text(f"before\n{line}\nafter")
    before, cut, after = shown.split("\n")
    assert (before, after) == ("before", "after")
    assert cut == f"{line[:LONGEST_LINE]} <{len(line) - LONGEST_LINE} characters removed>"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:word@h/a?b=c#d", "https://<removed>@h/a?<removed>"),
        ("https://h/https://me:word@i/?q", "https://h/https://<removed>@i/?<removed>"),
        ("https://h/x#code=abc", "https://h/x#<removed>"),
        ("https://h/x#part", "https://h/x#part"),
        ("https://h/services/T0/B0", "https://h/services/<removed>"),
        ("<https://h/hooks/x|name>", "<https://h/hooks/<removed>|name>"),
        ("https://h/x?", "https://h/x?"),
        ("https://@h/", "https://@h/"),
    ],
)
def test_addresses_show_their_host_and_path_alone(address: str, shown: str) -> None:
    assert Redactor([]).text(address) == shown


@pytest.mark.parametrize("unit", ["a", "a ", "a.", "a: ", '"', " ", "[", "{", "//"])
@pytest.mark.parametrize("name", ["x.json", ".env", "x.json5"])
def test_secrets_are_looked_for_in_a_file_of_one_line_in_time(tmp_path: Path, unit: str, name: str) -> None:
    state = tmp_path / "profiles" / "main" / "state"
    state.mkdir(parents=True)
    (state / name).write_text((unit * 1_000_000)[:1_000_000])
    assert seconds(lambda: known_secrets(Deployment(tmp_path), {})) < 3


def test_secrets_are_looked_for_in_a_tree_of_any_depth(tmp_path: Path) -> None:
    state = tmp_path / "profiles" / "main" / "state"
    state.mkdir(parents=True)
    (state / "idlehands.json").write_text('{"token": "' + (secret := secrets.token_hex(12)) + '"}')
    os.mkfifo(state / "pipe.json")
    with nested(state, 3000):
        assert secret in known_secrets(Deployment(tmp_path), {})


def test_a_fleet_file_behind_a_person_s_own_link_is_searched_for_secrets(tmp_path: Path) -> None:
    """It goes into the report, too."""
    secret = secrets.token_hex(12)
    (tmp_path / "site").mkdir()
    (tmp_path / "fleet.yaml").write_text(f"profiles: {{main: {{environment: {{MY_TOKEN: {secret}}}}}}}\n")
    (tmp_path / "site" / "fleet.yaml").symlink_to(tmp_path / "fleet.yaml")
    assert secret in known_secrets(Deployment(tmp_path / "site"), {})


def test_no_file_outside_is_searched_for_secrets(tmp_path: Path) -> None:
    secret = secrets.token_hex(12)
    (tmp_path / "elsewhere.json").write_text(json.dumps({"token": secret}))
    (tmp_path / "elsewhere").write_text(f"A_TOKEN={secret}")
    state = tmp_path / "site" / "profiles" / "main" / "state"
    state.mkdir(parents=True)
    (state / "a.json").symlink_to(tmp_path / "elsewhere.json")
    (state / ".env").symlink_to(tmp_path / "elsewhere")
    assert secret not in known_secrets(Deployment(tmp_path / "site"), {})


@pytest.mark.parametrize("content", ["{}", json.dumps(["x" * 900_000])], ids=["many", "large"])
def test_a_gateway_that_fills_its_state_hides_no_secret_of_another(tmp_path: Path, content: str) -> None:
    found = []
    for name in ("a", "m", "z"):
        state = tmp_path / "profiles" / name / "state"
        state.mkdir(parents=True)
        if name == "m":
            for number in range(300 if len(content) < 9 else 5):
                (state / f"{number}.json").write_text(content)
        else:
            found.append(secrets.token_hex(12))
            (state / "idlehands.json").write_text(json.dumps({"token": found[-1]}))
    assert set(found) <= known_secrets(Deployment(tmp_path), {})


@pytest.mark.parametrize("text", ["{a: [" + "1," * 30_000 + "]}", "[" + "1," * 480_000 + "1]"], ids=["json5", "json"])
def test_many_configs_of_one_gateway_are_searched_in_time(tmp_path: Path, text: str) -> None:
    state = tmp_path / "profiles" / "main" / "state"
    state.mkdir(parents=True)
    for number in range(20):
        (state / f"{number}.json").write_text(text)
    assert seconds(lambda: known_secrets(Deployment(tmp_path), {})) < 15
