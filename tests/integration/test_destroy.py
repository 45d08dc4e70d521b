"""`destroy` on a real engine, killed in the middle, and its question at a real terminal."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.helpers import snapshot
from tests.support.site import IMAGE, PROJECT_LABEL, until
from tests.support.terminal import on_terminal

if TYPE_CHECKING:
    from tests.support.site import Site

pytestmark = pytest.mark.engine


def left(site: Site) -> list[str]:
    """What the engine has of a site."""
    label: dict[str, Any] = {"label": f"{PROJECT_LABEL}={site.name}"}
    containers = site.engine.containers.list(all=True, filters=label)
    return [str(item.id) for item in (*containers, *site.engine.networks.list(filters=label))]


@pytest.mark.full
def test_a_deployment_goes_but_for_what_a_person_put_there_although_destroy_is_killed(site: Site) -> None:
    site.ok("add", "main")
    site.ok("add", "rescue")
    site.run("up", "--timeout", "1")
    for path in ("notes.txt", "profiles/main/notes.txt"):
        (site.root / path).write_text("mine")
    assert len(left(site)) == 4
    assert site.run("destroy").code == 2
    docker_host = site.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    code, shown = on_terminal(site.root, "destroy", typed="n\n", DOCKER_HOST=docker_host)
    assert (code, len(left(site))) == (2, 4)
    assert [line for line in shown if line.startswith("Delete main and rescue in")] != []
    assert (site.root / "profiles/main/state/idlehands.json").exists()

    killed = site.begin("destroy", "--yes", "--now")
    until("a container that is gone", lambda: len(left(site)) < 4 or None)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    result = site.ok("destroy", "--yes", "--now")
    assert "profiles/main/notes.txt and notes.txt: kept, because this tool did not make them" in result.err
    assert left(site) == []
    assert [path for path in snapshot(site.root) if (site.root / path).is_file()] == [
        "notes.txt", "profiles/main/notes.txt",
    ]  # fmt: skip
    assert site.engine.images.get(IMAGE)
