"""A gateway's own config: asked about, changed with its comments, and no restart into a broken one."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.site import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.site import Site

pytestmark = pytest.mark.engine
COMMENT = "// by hand\n"


@pytest.fixture
def config(pair: Site) -> Iterator[Path]:
    """Rescue's config with a comment in it, put back as it was."""
    path = pair.config("rescue")
    good = path.read_text()
    path.write_text(COMMENT + good)
    yield path
    path.write_text(good)
    accepted = path.with_name(f"{path.name}.last-good")
    until("the old config", lambda: (accepted.exists() and accepted.read_text() == good) or None)


def test_a_value_is_set_while_the_gateway_runs_and_it_says_what_takes_effect(pair: Site, config: Path) -> None:
    before = config.stat()
    said = pair.ok("config", "set", "rescue", "agents.defaults.heartbeat.every", "3h").err
    assert "rescue applied it while running: agents.defaults" in said
    assert config.read_text().startswith(COMMENT)
    assert json.loads(config.read_text().removeprefix(COMMENT))["agents"] == {
        "defaults": {"heartbeat": {"every": "3h"}}
    }
    after = config.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert pair.token("rescue") not in pair.ok("config", "show", "rescue").out


def test_a_gateway_is_not_restarted_into_a_config_that_it_refuses(pair: Site, config: Path) -> None:
    started = pair.container("rescue").attrs["State"]["StartedAt"]
    config.write_text(config.read_text().replace('"headless"', '"headles"'))
    refused = pair.run("restart", "rescue")
    assert refused.code == 2
    assert f'{config}:browser: Unrecognized key: "headles"' in refused.err
    assert f"cp -p {config}.last-good {config}" in refused.err
    assert pair.container("rescue").attrs["State"]["StartedAt"] == started
    assert pair.state("rescue") == "ready"


@pytest.mark.full
def test_a_config_of_an_older_version_that_the_start_brings_up_to_date_is_accepted(pair: Site, config: Path) -> None:
    config.write_text(config.read_text().replace('"bind"', '"reload": {"mode": "hot"}, "bind"'))
    assert pair.ok("config", "check", "rescue").out == "rescue accepts its config.\n"
    assert not [name for name in os.listdir(pair.root) if name.startswith(".config-")]  # noqa: PTH208
