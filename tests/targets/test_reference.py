"""The reference deployment in compose/: what is kept there is what the tool makes of its fleet file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.fleet.file import parse_text, schema_text
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.fleet.schema import json_schema
from idlehands_deploy.targets.compose import build_document, render
from idlehands_deploy.targets.seccomp import seccomp_text
from tests.support.helpers import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

REFERENCE = ROOT / "compose"


def compose_text() -> str:
    written = parse_text((REFERENCE / "fleet.yaml").read_text(encoding="utf-8"), "fleet.yaml")
    assert written.user  # else the text would depend on who owns the checkout
    return render(build_document(written, plan_ports(written), written.user))


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("compose.yaml", compose_text),
        ("seccomp.json", seccomp_text),
        ("fleet.schema.json", lambda: schema_text(json_schema())),
    ],
)
def test_the_reference_deployment_is_up_to_date(name: str, made: Callable[[], str]) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == made()


def test_every_port_of_the_reference_deployment_is_written_down() -> None:
    written = parse_text((REFERENCE / "fleet.yaml").read_text(encoding="utf-8"), "fleet.yaml")
    assert [name for name, profile in written.profiles.items() if name != "main" and not profile.port] == []
