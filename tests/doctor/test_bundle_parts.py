"""The masked files of a bug report."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.doctor.bundle_parts import compose_text, config_text, fleet_text, state_listing
from idlehands_deploy.operations import generation
from tests.support.helpers import session

if TYPE_CHECKING:
    from pathlib import Path

ADDED = """\
volumes: ["/srv/tax-returns:/mnt/tax-returns"]
devices: [/dev/dri]
groups: [104]
dns: [192.168.1.1]
labels: {colour: hunter2}
profiles: {main: {}}
"""


def test_a_person_s_mounts_and_labels_are_hidden_and_what_helps_to_find_a_fault_is_shown(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(ADDED)
    generation.generate(session(tmp_path))
    texts = [make(Deployment(tmp_path), ["main"], lambda value: value) for make in (fleet_text, compose_text)]
    for text in texts:
        assert "tax-returns" not in text
        assert "hunter2" not in text
        assert "/dev/dri" in text
        assert "192.168.1.1" in text
    assert "source: ./profiles/main/state" in texts[1]
    assert "source: <text, 16 characters>" in texts[1]


@pytest.mark.parametrize(
    "text",
    ["services: {main: }", "services: {main: {volumes: [a, {}]}}", "services: [a]", "services: {a: {volumes: 3}}"],
)
def test_a_compose_file_of_another_form_is_shown_too(tmp_path: Path, text: str) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    assert compose_text(Deployment(tmp_path), ["main"], lambda value: value)


@pytest.mark.parametrize("target", ["../elsewhere", "idlehands.json"])
def test_a_listing_is_not_led_out_of_a_state_by_a_link_with_a_known_name(tmp_path: Path, target: str) -> None:
    (tmp_path / "elsewhere" / "sessions").mkdir(parents=True)
    state = tmp_path / "state"
    state.mkdir()
    (state / "idlehands.json").touch()
    (state / "state").symlink_to(target)
    said = state_listing(state)
    assert "  state\n" in f"{said}\n"
    assert "  idlehands.json\n" in said
    assert "sessions" not in said


def test_a_config_over_the_limit_is_told_with_the_limit(tmp_path: Path) -> None:
    config = tmp_path / "profiles" / "main" / "state" / "idlehands.json"
    config.parent.mkdir(parents=True)
    config.touch()
    os.truncate(config, 2 << 20)
    with pytest.raises(ValueError, match="it is larger than 1 MB, which is the limit"):
        config_text(Deployment(tmp_path), "main", lambda value: value)
