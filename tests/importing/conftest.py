from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.imports import BASE
from tests.support.natives import make_native

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A deployment with free ports."""
    directory = tmp_path / "deployment"
    directory.mkdir()
    (directory / "fleet.yaml").write_text(BASE.format(base=30400))
    return directory


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A native gateway's state directory."""
    return make_native(tmp_path / "ada")
