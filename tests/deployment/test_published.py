from __future__ import annotations

from dataclasses import replace

import pytest

from idlehands_deploy.deployment.published import as_published
from idlehands_deploy.fleet.ports import plan_ports
from tests.support.containers import RUNNING
from tests.support.helpers import fleet

BASE = 18789
ON_LOOPBACK = dict.fromkeys((BASE, BASE + 2, BASE + 11), "127.0.0.1")
CONTAINER = replace(RUNNING, base=BASE, published=ON_LOOPBACK)


@pytest.mark.parametrize(
    ("bind", "expected"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("'::'", "::1"), ("192.0.2.1", "192.0.2.1")],
)
def test_a_gateway_on_all_addresses_is_reached_over_loopback(bind: str, expected: str) -> None:
    assert plan_ports(fleet(f"bind: {bind}\nprofiles: {{main: }}")).profiles["main"].host == expected


def test_a_profile_without_a_container_has_its_planned_ports() -> None:
    planned = plan_ports(fleet("profiles: {main: }")).profiles["main"]
    assert as_published(planned, None) == planned
    assert as_published(planned, CONTAINER) == planned


@pytest.mark.parametrize(
    "edit",
    [
        "bind: 192.0.2.1\nprofiles: {main: }",
        "base_port: 30000\nprofiles: {main: }",
        "profiles: {main: {port: 20000}}",
        "profiles: {main: {publish: {control: false, cdp: true}}}",
    ],
)
def test_an_edit_of_the_fleet_file_moves_no_port_of_a_container_that_runs(edit: str) -> None:
    ports = as_published(plan_ports(fleet(edit)).profiles["main"], CONTAINER)
    assert (ports.host, ports.base) == ("127.0.0.1", BASE)
    assert {port.host_ip for port in ports.published} == {"127.0.0.1"}
    assert ports.cdp["openclaw"] == BASE + 11
