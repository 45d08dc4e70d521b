"""A deployment on the fake engine: what a command says, does and leaves, without a gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.deployment.session import Session
from tests.support.helpers import snapshot
from tests.support.imports import Recorded

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engine import FakeCompose, FakeEngine


class FakeSite:
    """Main and rescue on a fake engine."""

    def __init__(self, root: Path, engine: FakeEngine, compose: FakeCompose) -> None:
        self.root, self.engine, self.compose = root, engine, compose
        self.told = Recorded()
        self.session = Session(Deployment(root), {}, self.told, lambda _: False)

    def lines(self) -> list[str]:
        """What was said since the last time, but for what moves."""
        said, self.told.lines = self.told.lines, []
        return [line for line in said if "ready" not in line and "finishing" not in line and "bringing" not in line]

    def edit(self, old: str, new: str) -> None:
        path = self.root / "fleet.yaml"
        path.write_text(path.read_text().replace(old, new))

    def mine(self, name: str) -> dict[str, Any]:
        """What lies in a profile's own directories, but for the record of its container's start."""
        return {
            path.replace(f"/{name}", "/*"): facts
            for path, facts in snapshot(self.root).items()
            if path.split("/")[:2] in (["profiles", name], ["secrets", name]) and not path.endswith("/started.json")
        }
