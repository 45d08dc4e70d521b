"""Profiles' states in tests: two that differ, what is there now, and what must not be there."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from typing import TYPE_CHECKING

from idlehands_deploy.operations.state import snapshots
from tests.support.natives import everything

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.fake_site import FakeSite
    from tests.support.natives import Everything

PARTS = ("state", "workspace", "home")


def two_states(site: FakeSite, *, runs: bool) -> tuple[str, Everything, Everything]:
    """A snapshot of one state, and another state now; gives its id and both."""
    directory = site.root / "profiles/main"
    (directory / "state/agents/main").mkdir(parents=True)
    (directory / "state/agents/main/sessions.json").write_text(secrets.token_hex(8))
    (directory / "state/link").symlink_to("agents/main")
    os.link(directory / "state/agents/main/sessions.json", directory / "state/second")
    (directory / "workspace/notes.md").write_text("before")
    old = content(directory)
    (made,) = snapshots.create(site.session, ["main"])
    (directory / "state/agents/main/sessions.json").write_text(secrets.token_hex(8))
    (directory / "state/second").unlink()
    (directory / "state/migrated").mkdir()
    (directory / "workspace/notes.md").write_text("after")
    (directory / "home/.gitconfig").write_text("[user]")
    if runs:
        site.session.compose(site.session.fleet()).run("up", "main")
    site.lines()
    return made.id, old, content(directory)


def content(directory: Path) -> Everything:
    """A profile's three directories, in the profile's place or elsewhere."""
    return {f"{part}/{path}": item for part in PARTS for path, item in everything(directory / part).items()}


def here(site: FakeSite) -> Everything:
    return content(site.root / "profiles/main")


def left_over(site: FakeSite) -> list[str]:
    """What must not be there while nothing is being done."""
    hidden = [path.name for path in (site.root / "snapshots").glob("main/.*")]
    return hidden + site.session.deployment.in_transaction


def kept_aside(site: FakeSite) -> Path:
    copy = site.root.parent / f"{site.root.name}-aside"
    subprocess.run(["cp", "-a", site.root, copy], check=True)
    return copy


def put_back(site: FakeSite, copy: Path) -> None:
    shutil.rmtree(site.root)
    subprocess.run(["cp", "-a", copy, site.root], check=True)
