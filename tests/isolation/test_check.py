"""The isolation checklist, applied to many set-ups."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.contract import HOME_TARGET, STATE_TARGET, WORKSPACE_TARGET
from idlehands_deploy.errors import FleetError, PortConflictError
from idlehands_deploy.fleet.additions import mounts_of
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.gateway.config import read_config
from idlehands_deploy.gateway.json5_text import FlawError
from idlehands_deploy.isolation.check import check_isolation
from idlehands_deploy.isolation.claims import Setup
from idlehands_deploy.isolation.overrides import check_overrides
from idlehands_deploy.isolation.setups import inside_reader
from idlehands_deploy.operations.ports import PortsReport
from idlehands_deploy.show.ports import table
from tests.support.helpers import fleet
from tests.support.isolation_cases import PAIR, RIGHT, WORK, WRONG, Case, native
from tests.support.isolation_refused import REFUSED

if TYPE_CHECKING:
    from idlehands_deploy.findings import Finding
    from idlehands_deploy.gateway.config import GatewayConfig

ROOT = Path("/srv/bots")
TOKEN = secrets.token_hex(16)
KINDS = ("state", "workspace")


def setups(case: Case) -> list[Setup]:
    parsed = fleet(case.fleet)
    plan = plan_ports(parsed)
    found = []
    for name, profile in parsed.profiles.items():
        state, workspace = (Path(case.links.get(f"{name}/{kind}", ROOT / "profiles" / name / kind)) for kind in KINDS)
        text = {"main": case.main, "rescue": case.rescue}.get(name)
        text = text.replace("TOKEN", TOKEN) if text else text
        files = {state / "idlehands.json": text} | {state / path: body for path, body in case.files.items()}
        own = {secret: case.secrets[secret] for secret in profile.secrets if secret in case.secrets}
        config = read_config(
            state / "idlehands.json", f"profiles/{name}/state/idlehands.json", files.get,
            mounts={STATE_TARGET: state, WORKSPACE_TARGET: workspace},
            environ={"HOME": str(HOME_TARGET)} | profile.environment, hidden=own,
        )  # fmt: skip
        if config and case.with_mode:
            config = with_mode(config)
        mounts = tuple(mounts_of(parsed, name).values())
        token = TOKEN if name == "main" else secrets.token_hex(16)
        found.append(Setup(name, profile, plan.profiles[name], config, token, state, workspace, own, mounts))
    return found


def with_mode(config: GatewayConfig) -> GatewayConfig:
    """The config with the mode, which the cases leave out."""
    gateway = config.get("gateway")
    if config.flaws or not isinstance(gateway, dict | None):
        return config
    return replace(config, values=config.values | {"gateway": {"mode": "local"} | (gateway or {})})


def findings(case: Case) -> list[Finding]:
    return check_isolation(setups(case), case.natives, lambda: {"172.17.0.1"})


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(REFUSED) + len(WRONG) >= 140
    assert len(RIGHT) >= 35
    names = [*REFUSED, *(case.name for case in (*WRONG, *RIGHT))]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_the_fleet_file_itself_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises((FleetError, PortConflictError)) as caught:
        plan_ports(fleet(text))
    assert said in str(caught.value)


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_a_wrong_set_up_is_found_with_its_place(case: Case) -> None:
    assert sorted(finding.place for finding in findings(case)) == sorted(case.places)


@pytest.mark.parametrize("case", RIGHT, ids=str)
def test_a_right_set_up_has_no_findings(case: Case) -> None:
    assert findings(case) == []


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_a_finding_says_what_why_and_what_to_do_and_shows_no_token(case: Case) -> None:
    for finding in findings(case):
        assert all(finding)
        assert TOKEN not in repr(finding)
        assert "token=1" not in repr(finding)
        assert "one-and-the-same" not in repr(finding)


def test_a_conflict_names_both_places() -> None:
    case = Case("", PAIR, rescue="{gateway: {port: 18789}}")
    assert [str(finding.what) for finding in findings(case)] == [
        "18789 (gateway of rescue) is gateway of main in fleet.yaml:base_port"
    ]


def test_a_file_that_the_reader_refuses_is_a_flaw() -> None:
    def read(_: Path) -> str:
        raise FlawError("is a link to a file outside the gateway's mounts")

    config = read_config(Path("/s/idlehands.json"), "c", read, mounts={}, environ={})
    assert config is not None
    assert config.flaws == ("is a link to a file outside the gateway's mounts",)


ODD: tuple[object, ...] = (
    None,
    0,
    1.5,
    True,
    "",
    "x",
    [],
    {},
    [None],
    {"a": None},
    10**30,
    -1,
    "http://[::1",
    "//",
    "${X}",
    {"$include": 5},
)
KEYS = (
    "gateway", "gateway.port", "gateway.bind", "gateway.mode", "gateway.customBindHost", "gateway.auth",
    "gateway.auth.token", "gateway.auth.mode", "gateway.tailscale.mode", "gateway.tls", "browser", "browser.cdpUrl",
    "browser.defaultProfile", "browser.ssrfPolicy", "browser.ssrfPolicy.allowedHostnames", "browser.profiles",
    "browser.profiles.work", "browser.profiles.work.cdpPort", "browser.profiles.work.cdpUrl",
    "browser.profiles.work.driver", "agents", "agents.defaults.workspace", "agents.entries", "agents.entries.a",
    "agents.entries.a.workspace", "agents.list",
)  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_no_odd_value_in_a_config_breaks_the_check(key: str) -> None:
    for value in ODD:
        config: object = value
        for part in reversed(key.split(".")):
            config = {part: config}
        case = Case("", WORK, *[json.dumps(config)] * 2)  # type: ignore[arg-type]
        findings(case)
        table(PortsReport(setups(case), [native(config=json.dumps(config))], []))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a\0b", "no file can have this name"),
        ("\ud800", "no file can have this name"),
        ("x" * 5000, "which cannot be read: File name too long"),
        ("large", "which is larger than 1 MB, which is the limit"),
        ("pipe", "which is not an ordinary file"),
    ],
    ids=["NUL", "half", "long", "large", "pipe"],
)
def test_an_included_file_that_cannot_be_one_is_a_flaw(tmp_path: Path, name: str, said: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 2 << 20)
    (tmp_path / "idlehands.json").write_text(json.dumps({"$include": name}))
    config = read_config(
        tmp_path / "idlehands.json", "c", inside_reader(tmp_path), mounts={"/state": tmp_path}, environ={}
    )
    assert config is not None
    assert said in config.flaws[0]


def test_a_config_over_the_limit_is_a_finding_with_its_place_and_the_limit(tmp_path: Path) -> None:
    (tmp_path / "idlehands.json").touch()
    os.truncate(tmp_path / "idlehands.json", 2 << 20)
    place = "profiles/main/state/idlehands.json"
    config = read_config(tmp_path / "idlehands.json", place, inside_reader(tmp_path), mounts={}, environ={})
    (setup, *_) = setups(RIGHT[0])
    (found,) = check_overrides(replace(setup, config=config))
    assert (found.level, found.place, found.what) == ("error", place, "is larger than 1 MB, which is the limit")


def test_a_link_out_of_the_mounts_is_a_flaw_and_one_within_is_followed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (tmp_path / "secret").write_text("{}")
    (state / "a").symlink_to(tmp_path / "secret")
    (state / "b").symlink_to("c")
    (state / "c").write_text("text")
    read = inside_reader(state)
    assert read(state / "b") == "text"
    with pytest.raises(FlawError, match="is a link to a file outside the gateway's mounts"):
        read(state / "a")
