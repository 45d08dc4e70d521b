from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.redaction import repeated
from idlehands_deploy.redaction.repeated import MOST, RepeatedRedaction

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_secret_that_came_later_is_removed_from_a_text_that_was_shown_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, redaction = secrets.token_urlsafe(24), RepeatedRedaction(Deployment(tmp_path))
    shown = f"its word is {secret} today"
    redaction.text(shown)
    (tmp_path / "secrets" / "main").mkdir(parents=True)
    (tmp_path / "secrets" / "main" / "KEY").write_text(secret)
    monkeypatch.setattr(repeated, "FRESH", 0)
    assert RepeatedRedaction(Deployment(tmp_path)).text(shown) == "its word is <removed> today"
    redaction._until = 0
    assert redaction.text(shown) == "its word is <removed> today"
    assert redaction.command(f"cat /home/alice/{secret}") == "cat /home/alice/<removed>"


def test_what_is_kept_of_texts_that_never_repeat_is_bounded(tmp_path: Path) -> None:
    redaction = RepeatedRedaction(Deployment(tmp_path))
    for number in range(2 * MOST):
        redaction.text(f"line {number}")
    assert len(redaction._done) <= MOST
