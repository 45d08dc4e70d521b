"""Files of the wrong owner: each is named, and one command mends them all."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.contract import MADE_SECRETS
from idlehands_deploy.doctor.checks.owners import Handover, handover_command
from tests.support.helpers import run

if TYPE_CHECKING:
    from pathlib import Path

STATE = Handover("1000:1000", "/srv/a/profiles/main/state", is_secret=False)
OTHER = Handover("1001:1001", "'/srv/a b/profiles/ops/state'", is_secret=False)
TOKEN = Handover("1000:1000", "/srv/a/secrets/main/TOKEN", is_secret=True)


@pytest.mark.parametrize(
    ("handovers", "command"),
    [
        ([STATE], "sudo chown -R 1000:1000 /srv/a/profiles/main/state"),
        ([STATE, STATE], "sudo chown -R 1000:1000 /srv/a/profiles/main/state /srv/a/profiles/main/state"),
        (
            [TOKEN],
            "sudo sh -c 'chown 1000:1000 /srv/a/secrets/main/TOKEN && chmod 600 /srv/a/secrets/main/TOKEN'",
        ),
        (
            [STATE, TOKEN, OTHER],
            "sudo sh -c 'chown -R 1000:1000 /srv/a/profiles/main/state && chown 1000:1000 /srv/a/secrets/main/TOKEN "
            "&& chown -R 1001:1001 '\"'\"'/srv/a b/profiles/ops/state'\"'\"' && chmod 600 /srv/a/secrets/main/TOKEN'",
        ),
    ],
)
def test_everything_that_changes_hands_is_in_one_command(handovers: list[Handover], command: str) -> None:
    assert str(handover_command(handovers)) == command


def errors(home: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(home, "doctor", "--json").stdout)["findings"]
    return [item for item in found if item["level"] == "error" and item["place"] != "Docker Engine"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_copied_deployment_is_mended_by_the_one_command_that_doctor_shows(tmp_path: Path) -> None:
    home = tmp_path / "a copy's home"
    home.mkdir()
    assert run(home, "init", "main", "rescue").returncode == 0
    for path in [*home.rglob("*")]:
        os.chown(path, 0, 0)
    found = errors(home)
    assert [item["place"] for item in found] == [
        place
        for name in ("main", "rescue")
        for place in (
            *(f"profiles/{name}/{part}" for part in ("state", "workspace", "home")),
            *(f"secrets/{name}/{token}" for token in MADE_SECRETS),
        )
    ]
    shown = [line for line in run(home, "doctor").stdout.splitlines() if "sudo" in line]
    (command,) = [line.partition("        fix for these 10: sudo ")[2] for line in shown if "chown" in line]
    subprocess.run(["sh", "-c", command], check=True)
    assert errors(home) == []
