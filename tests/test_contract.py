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
FILES = {f"/{path.relative_to(IMAGE / 'rootfs')}" for path in (IMAGE / "rootfs").rglob("*")}


@pytest.mark.parametrize(
    "mark",
    [
        contract.VERSION_LABEL,
        contract.STATE_TARGET,
        contract.WORKSPACE_TARGET,
        contract.SECRETS_TARGET,
        contract.CONFIG_NAME,
        contract.TOKEN_SECRET,
        contract.PORT_VARIABLE,
        contract.FORWARD_VARIABLE,
        contract.GUARDED_VARIABLE,
        contract.CDP_TOKEN_SECRET,
        contract.PROXY_VARIABLE,
        contract.BROWSERS_VARIABLE,
        contract.SANDBOX_VARIABLE,
        contract.HOST_VARIABLE,
        # The entrypoint reads these under either prefix.
        f"setting {contract.ORIGINS_VARIABLE.removeprefix('IDLEHANDS_')}",
        f"setting {contract.PROXIES_VARIABLE.removeprefix('IDLEHANDS_')}",
        str(contract.EXIT_MISCONFIGURED),
        f'\\"status\\":\\"{contract.MISCONFIGURED}\\"',
        f'"{contract.DRAINING}"',
        f'"{contract.NO_SPACE}',
        *contract.PROGRAM_TARGETS[:3],
        'say "starting the gateway again"',
        # The sentences that `health/held.py` reads.
        "is not writable although it belongs to uid $EUID:",
        '"mount it without :ro, or on the host chmod u+rwx the directory mounted there"',
        "is not writable for uid $EUID, because it belongs to uid $owner:",
        '"on the host, chown -R $EUID the directory mounted there, or run the container with --user $owner"',
        '"on the host, chown -R $EUID the directory mounted at $state"',
        "is not readable for uid $EUID: on the host, chown it to $EUID",
        'problem "secret $file $secret_flaw:"',
        '"write its value into the file mounted there, and restart the container"',
        "has $found: free some space on the host",
        "is damaged ($found): $advice",
        'advice="fix it"',
        'cp -p ${last_start##*/} ${config##*/} in the directory mounted at ${config%/*}"',
    ],
)
def test_the_image_keeps_what_the_contract_names(mark: str) -> None:
    assert mark in SCRIPTS


def test_the_image_has_its_policies_where_the_contract_says() -> None:
    assert contract.POLICY_TARGET in FILES


def test_every_stage_but_the_last_runs_a_script_that_tells_it_from_other_images() -> None:
    *stages, last = (IMAGE / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[1:]
    assert [stage for stage in stages if not any(f" {script}" in stage for script in contract.STAGE_SCRIPTS)] == []
    assert [script for script in contract.STAGE_SCRIPTS if script in last] == []


@pytest.mark.parametrize("path", contract.PROGRAM_TARGETS[2:])
def test_the_image_has_its_scripts_where_the_contract_says(path: str) -> None:
    assert (IMAGE / "rootfs" / path[1:]).exists()


def test_the_entrypoint_begins_a_warning_with_its_own_name() -> None:
    name, _, mark = contract.WARNING.partition(": ")
    assert f"{name}: $" in SCRIPTS
    assert f'say "{mark}' in SCRIPTS
