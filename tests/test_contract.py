"""The image's own files use what the contract names."""

from __future__ import annotations

import pytest

from idlehands_deploy import contract
from tests.support.helpers import ROOT

IMAGE = ROOT / "images" / "gateway"
SCRIPTS = "\n".join(
    path.read_text(encoding="utf-8")
    for path in [IMAGE / "Dockerfile", *sorted((IMAGE / "rootfs").rglob("*"))]
    if path.is_file()
)


@pytest.mark.parametrize(
    "mark",
    [
        contract.VERSION_LABEL,
        contract.STATE_TARGET,
        contract.WORKSPACE_TARGET,
        contract.CONFIG_NAME,
        contract.TOKEN_SECRET,
        contract.PORT_VARIABLE,
        contract.FORWARD_VARIABLE,
        contract.BROWSERS_VARIABLE,
        contract.SANDBOX_VARIABLE,
        contract.HOST_VARIABLE,
        str(contract.EXIT_MISCONFIGURED),
        f'\\"status\\":\\"{contract.MISCONFIGURED}\\"',
        f'"{contract.DRAINING}"',
        f'"{contract.NO_SPACE}',
        *contract.PROGRAM_TARGETS[:3],
    ],
)
def test_the_image_keeps_what_the_contract_names(mark: str) -> None:
    assert mark in SCRIPTS


@pytest.mark.parametrize("path", contract.PROGRAM_TARGETS[2:])
def test_the_image_has_its_scripts_where_the_contract_says(path: str) -> None:
    assert (IMAGE / "rootfs" / path[1:]).exists()


def test_the_entrypoint_begins_a_warning_with_its_own_name() -> None:
    name, _, mark = contract.WARNING.partition(": ")
    assert f"{name}: $" in SCRIPTS
    assert f'say "{mark}' in SCRIPTS
