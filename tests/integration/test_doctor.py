"""`doctor` with real gateways."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import socket
import statistics
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.site import measure

if TYPE_CHECKING:
    from tests.support.site import Site

pytestmark = pytest.mark.engine


def wrong(site: Site) -> list[dict[str, Any]]:
    """Doctor's findings without its notes; also checks its exit code."""
    done = site.run("doctor", "--strict", "--json")
    found = [item for item in done.json["findings"] if item["level"] != "note"]
    assert done.code == (6 if found else 0), done.err
    return found


def follow(site: Site, advice: str) -> None:
    """Run the commands that a finding suggests."""
    for part in advice.partition("   (")[0].split(" && "):
        command = shlex.split(part)
        if command[0] == "idlehands-deploy":
            site.ok(*command[1:])
        else:
            subprocess.run(command, check=True)


def test_two_working_gateways_have_no_findings(pair: Site) -> None:
    assert wrong(pair) == []
    assert "Nothing is wrong with 2 profiles" in pair.ok("doctor").out


@measure
@pytest.mark.alone
@pytest.mark.full
def test_four_gateways_are_examined_within_three_seconds(site: Site) -> None:
    site.write("profiles: {main: {}, a: {}, b: {}, c: {}}\n")
    site.ok("up")
    assert wrong(site) == []
    assert statistics.median(site.ok("doctor").seconds for _ in range(5)) < 3


def test_every_command_that_doctor_suggests_fixes_what_it_found(pair: Site) -> None:
    config = pair.config("main")
    values = json.loads(config.read_text())
    values["gateway"]["port"] = pair.base + 7
    values["agents"] = {"defaults": {"workspace": "/srv/elsewhere"}}
    values["browser"]["profiles"] = {"x": {"cdpPort": pair.port("rescue") + 11}}
    config.write_text(json.dumps(values))
    (pair.root / "secrets/rescue/IDLEHANDS_GATEWAY_TOKEN").chmod(0o644)
    found = wrong(pair)
    place = "profiles/main/state/idlehands.json"
    assert {item["place"] for item in found} == {
        f"{place}:gateway.port",
        f"{place}:agents.defaults.workspace",
        f"{place}:browser.profiles.x.cdpPort",
        "secrets/rescue/IDLEHANDS_GATEWAY_TOKEN",
    }
    for item in found:
        follow(pair, item["fix"])
    assert wrong(pair) == []


@pytest.mark.full
def test_a_container_older_than_its_compose_file_is_drift_until_up(pair: Site) -> None:
    fleet = pair.root / "fleet.yaml"
    fleet.write_text(fleet.read_text().replace("rescue: {", "rescue: {resources: {pids: 600}, "))
    assert [(item["place"], item["what"]) for item in wrong(pair)] == [
        ("rescue", "is out of date: its settings changed: pids_limit from 512 to 600"),
        ("compose.yaml", "does not match fleet.yaml"),
    ]
    pair.ok("generate")
    (finding,) = wrong(pair)
    assert (finding["place"], finding["what"]) == ("rescue", "is out of date: its settings changed")
    follow(pair, finding["fix"])
    assert wrong(pair) == []


def test_a_secret_that_its_gateway_does_not_have_is_reported_whatever_its_date_is(pair: Site) -> None:
    token = pair.root / "secrets/main/IDLEHANDS_GATEWAY_TOKEN"
    before = token.read_text()
    os.utime(token)
    assert wrong(pair) == []
    token.write_text(secrets.token_hex(32))
    os.utime(token, (1, 1))
    out_of_date = ("main", "is out of date: a secret changed since it started")
    assert out_of_date in [(finding["place"], finding["what"]) for finding in wrong(pair)]
    token.write_text(before)
    assert wrong(pair) == []


@pytest.mark.full
def test_a_stopped_gateway_s_port_in_use_is_reported_with_the_process_that_uses_it(pair: Site) -> None:
    pair.ok("stop", "rescue", "--now")
    port = pair.port("rescue")
    with socket.create_server(("127.0.0.1", port)):
        (finding,) = wrong(pair)
    assert finding["place"] == f"127.0.0.1:{port}"
    assert f"(pid {os.getpid()})" in finding["what"]
    pair.ok("start", "rescue")


@pytest.mark.full
def test_a_gateway_that_waits_for_its_config_is_an_error_with_the_gateways_own_reason(site: Site) -> None:
    site.write("profiles: {main: {}}\n")
    site.ok("generate")
    config = site.config("main")
    config.write_text('{"gateway": {"mode": "local", "bind": "lan"}, "nonsense": 1}')
    refused = site.run("up")
    assert (refused.code, site.engine.containers.list(all=True, filters={"name": site.name})) == (2, [])
    assert f'{config}: Unrecognized key: "nonsense"' in refused.err
    assert site.run("up", "--force").code == 6
    (finding,) = wrong(site)
    assert (finding["level"], finding["place"]) == ("error", "profiles/main/state/idlehands.json")
    assert (finding["what"], finding["why"]) == (
        'Unrecognized key: "nonsense"', "the gateway does not start with it",
    )  # fmt: skip
    assert finding["fix"] == "idlehands-deploy config edit main"


@pytest.mark.full
def test_a_container_that_the_fleet_file_does_not_name_is_reported(site: Site) -> None:
    site.write("profiles: {main: {}, extra: {}}\n")
    site.ok("generate")
    site.compose("create", "extra")
    site.write("profiles: {main: {}}\n")
    site.ok("generate")
    (finding,) = wrong(site)
    assert finding["place"] == "container extra"
    follow(site, finding["fix"])
    assert wrong(site) == []
