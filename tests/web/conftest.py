from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.web import parts, server
from tests.support.pages import Page, page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A page that a browser has not loaded yet."""
    monkeypatch.setattr(parts, "PACE", 0.01)
    monkeypatch.setattr(server, "POLL", 0.01)
    with page(tmp_path) as found:
        yield found
