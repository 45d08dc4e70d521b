"""What the file of a secret means; the container reads the same table, in tests/engine/test_image_secrets.py."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.secret_values import read_content, read_secret_file
from tests.support.secret_cases import CASES, Case

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
def test_a_secret_is_what_a_person_meant_or_refused(case: Case) -> None:
    reading = read_content(case.name, case.content)
    assert reading.flaw == case.flaw
    assert case.flaw or reading.value == case.value


def test_a_file_is_read_through_a_link_and_a_missing_one_is_none(tmp_path: Path) -> None:
    (tmp_path / "value").write_bytes(b"key\r\n")
    (tmp_path / "A_KEY").symlink_to(tmp_path / "value")
    reading = read_secret_file(tmp_path / "A_KEY")
    assert reading
    assert reading.value == "key"
    assert read_secret_file(tmp_path / "B_KEY") is None


def test_no_flaw_holds_the_value() -> None:
    value = secrets.token_hex(16)
    for content in (f"{value}\0", f"\x1b{value}", f"{value}\n{value}", f"{value}\u00a0"):
        flaw = read_content("OPENAI_API_KEY", content.encode()).flaw
        assert flaw
        assert value not in flaw
