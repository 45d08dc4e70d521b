from __future__ import annotations

from pathlib import Path

import pytest

from idlehands_deploy.gateway.config_changes.edit import read_path
from idlehands_deploy.gateway.config_changes.owner import find_owner
from idlehands_deploy.gateway.json5_text import FlawError

FILES = {
    "main.json": """{
        gateway: {bind: "lan"},
        agents: {$include: "agents.json5", beside: {a: 1}},
        channels: {$include: ["one.json5", "two.json5"]},
    }""",
    "agents.json5": '{entries: {main: {$include: "deep/main.json5"}}, beside: {a: 2}}',
    "deep/main.json5": "{tools: {exec: {}}}",
    "one.json5": "{telegram: {}, shared: 1}",
    "two.json5": "{slack: {}, shared: 2}",
}
ROOT = Path("/state")


def read(path: Path) -> str | None:
    return FILES.get(str(path.relative_to(ROOT)))


@pytest.mark.parametrize(
    ("key", "file", "inside"),
    [
        ("gateway.bind", "main.json", "gateway.bind"),
        ("logging.level", "main.json", "logging.level"),
        ("agents.beside.a", "main.json", "agents.beside.a"),
        ("agents.entries.other", "agents.json5", "entries.other"),
        ("agents.entries.main.tools.exec.mode", "deep/main.json5", "tools.exec.mode"),
        ("channels.shared", "two.json5", "shared"),
        ("channels.telegram.enabled", "one.json5", "telegram.enabled"),
        ("channels.discord.enabled", "main.json", "channels.discord.enabled"),
    ],
)
def test_a_value_is_set_in_the_file_in_which_it_takes_effect(key: str, file: str, inside: str) -> None:
    found = find_owner(ROOT / "main.json", read_path(key), read, {"/inside": ROOT})
    assert found == (ROOT / file, read_path(inside))


def test_a_value_that_is_a_file_is_not_replaced() -> None:
    with pytest.raises(FlawError, match=r"comes from agents\.json5: edit that file"):
        find_owner(ROOT / "main.json", ("agents",), read, {"/inside": ROOT})
