"""Upgrades, snapshots and rollbacks of real gateways, and of a stand-in that starts in a second."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.natives import everything
from tests.support.site import IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.natives import Everything
    from tests.support.site import Site

pytestmark = pytest.mark.engine
LATER = "2099.1.1"
# Readiness as the gateway tells it. A test double: only so a hundred starts take minutes.
ANSWERS = (
    "node -e \"process.on('SIGTERM', () => process.exit()); http.createServer((request, response) => "
    "response.writeHead(200).end(JSON.stringify({ready: true, status: 'started'})))"
    '.listen(process.env.IDLEHANDS_GATEWAY_PORT)"'
)
# What such a gateway makes of its state when it starts.
MIGRATES = (
    "mkdir -p ~/.idlehands/migrated && cp ~/.idlehands/idlehands.json ~/.idlehands/migrated && rm -f ~/.idlehands/old; "
)
KILLS = int(os.environ.get("IDLEHANDS_TEST_HOSTILE_RUNS", "1")) * 3


def test_a_real_gateway_is_upgraded_and_goes_back(site: Site, variant: Callable[..., str]) -> None:
    site.ok("up", "main")
    note = site.root / "profiles/main/workspace/notes.md"
    note.write_text("before")
    after = variant(LATER)
    site.ok("upgrade", "main", "--to", after)
    assert site.status("main")["gateway_version"] == LATER
    assert site.container("main").image.tags == [after]
    note.write_text("after")
    refused = site.run("upgrade", "main", "--to", IMAGE)
    assert (refused.code, "is older than the state of main" in refused.err) == (7, True)
    site.ok("rollback", "main")
    assert (site.status("main")["gateway_version"], note.read_text()) == (IMAGE.rpartition(":")[2], "before")
    reasons = [one["reason"] for one in site.run("snapshots", "list", "--json").json]
    assert [reason.partition(" to ")[0] for reason in reasons] == ["before an upgrade", "before a rollback"]


BROKEN = {
    "exits": ("exit 3", ""),
    "hangs": ("sleep 600", ""),
    "migrates the state, then exits": (MIGRATES + "exit 3", ""),
    "is ready, and has no browser": ("", "#!/bin/sh\nexit 1\n"),
}


@pytest.mark.full
@pytest.mark.parametrize("name", BROKEN)
def test_a_gateway_that_is_worse_than_the_one_before_is_taken_back(
    site: Site, variant: Callable[..., str], name: str
) -> None:
    site.ok("up", "main")
    began = time.monotonic()
    site.ok("restart", "main")
    clean_start = time.monotonic() - began
    shell, chromium = BROKEN[name]
    result = site.run("upgrade", "main", "--to", variant(LATER, shell, chromium), "--timeout", "60")
    assert result.code == 6
    assert "main: put back, with its gateway and its state; it is ready" in result.err
    assert site.status("main")["gateway_version"] == IMAGE.rpartition(":")[2]
    site.ok("health", "main", "--deep")
    detection = 60 if name == "hangs" else 40
    assert result.seconds < 2 * clean_start + detection + 30, (result.seconds, clean_start)


def test_a_state_that_a_bad_gateway_has_migrated_comes_back_bit_for_bit(
    site: Site, variant: Callable[..., str]
) -> None:
    stand_in(site, variant)
    site.ok("stop", "main")
    before = content(site.root / "profiles/main")
    result = site.run("upgrade", "main", "--to", variant(LATER, MIGRATES + "exit 3"), "--timeout", "20")
    assert result.code == 6
    assert changed(content(site.root / "profiles/main"), before) == []
    (failed,) = site.run("snapshots", "list", "--json").json
    assert (site.root / "snapshots/main" / failed["id"] / "state/migrated/idlehands.json").exists()
    site.ok("up", "main")


@pytest.mark.parametrize("command", ["upgrade", "rollback", "snapshots create"])
def test_whatever_kills_the_tool_the_next_command_makes_the_profile_whole(
    site: Site, variant: Callable[..., str], command: str
) -> None:
    stand_in(site, variant)
    later = variant(LATER, MIGRATES + ANSWERS)
    site.ok("snapshots", "create", "main", "--label", "first")
    words = {"upgrade": ["upgrade", "main", "--to", later], "rollback": ["rollback", "main", "--to", "first"]}
    arguments = words.get(command, ["snapshots", "create", "main"])
    state = site.root / "profiles/main/state"
    for _ in range(KILLS):
        (state / "old").write_text(str(random.random()))
        whole = (state / "old").read_text()
        killed = site.begin(*arguments)
        time.sleep(random.uniform(0.2, 4))
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        said = site.run("status", "main")
        assert said.code == 0, said.err
        assert not [path.name for path in (site.root / ".transactions").glob("*.json")]
        assert not list((site.root / "snapshots/main").glob(".*"))
        version, facts = site.container("main").labels["idlehands.gateway.version"], site.status("main")
        assert facts["state"] in {"ready", "starting"}, facts
        if version == LATER:  # it was done when it was killed
            assert (state / "migrated").exists()
            site.ok("rollback", "main", "--to", "first")
        elif command == "rollback" and not (state / "old").exists():
            pass
        else:
            assert (state / "old").read_text() == whole
            assert not (state / "migrated").exists()


def stand_in(site: Site, variant: Callable[..., str]) -> None:
    """A fleet whose gateway is a stand-in that is ready at once."""
    site.write("profiles:\n  main: {}\n", image=variant("2099.0.1", ANSWERS))
    site.ok("up", "main")


def content(directory: Path) -> Everything:
    """What a profile's gateway may have written."""
    return {
        f"{part}/{path}": item
        for part in ("state", "workspace", "home")
        for path, item in everything(directory / part).items()
    }


def changed(now: Everything, before: Everything) -> list[str]:
    return sorted(path for path in now.keys() | before.keys() if now.get(path) != before.get(path))
