from __future__ import annotations

from dataclasses import replace

import pytest

from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.health.observe import Observation
from idlehands_deploy.health.verdict import Verdict
from idlehands_deploy.operations.lifecycle import UpResult
from idlehands_deploy.remedies import Remedy
from idlehands_deploy.show import fleet as views
from tests.support.containers import ENDED, RUNNING
from tests.support.helpers import fleet

FLEET = fleet("profiles: {main: , rescue: }")
PLAN = plan_ports(FLEET)
READY = Observation(Verdict("main", "ready"), replace(RUNNING, restart_count=2))
DEGRADED = Observation(
    Verdict("rescue", "degraded", "it works, but these checks fail: telegram", ("telegram",), Remedy("look at it")),
    ENDED,
)


def test_up_shows_the_address_of_each_gateway_and_the_next_command() -> None:
    assert "\n".join(map(str, views.up_lines(UpResult(PLAN, [READY, DEGRADED])))) == (
        "main is ready, at 127.0.0.1:18789. Open it, here or from elsewhere: idlehands-deploy url main\n"
        "rescue is ready, degraded: it works, but these checks fail: telegram, at 127.0.0.1:19789. "
        "Open it, here or from elsewhere: idlehands-deploy url rescue\n"
        "  Next: look at it"
    )


@pytest.mark.parametrize(
    ("bind", "shown", "risk"),
    [
        ("0.0.0.0", "127.0.0.1:18789", True), ("'::'", "[::1]:18789", True), ("192.168.1.5", "192.168.1.5:18789", True),
        ("127.0.0.2", "127.0.0.2:18789", False),
    ],
)  # fmt: skip
def test_up_says_what_is_at_stake_where_other_computers_reach_a_gateway(bind: str, shown: str, risk: bool) -> None:
    first, *rest = map(str, views.up_lines(UpResult(plan_ports(fleet(f"bind: {bind}\nprofiles: {{main: }}")), [READY])))
    assert f", at {shown}. Open" in first
    assert [line.partition(":")[0] for line in rest] == ["Other computers reach main over plain HTTP"] * risk


def test_up_shows_the_container_s_warnings() -> None:
    warned = replace(READY, warnings=("the browser runs WITHOUT its own sandbox",))
    assert views.up_lines(UpResult(PLAN, [warned]))[1:] == ["  Warning: the browser runs WITHOUT its own sandbox"]
    assert views.up_json([warned])[0]["warnings"] == ["the browser runs WITHOUT its own sandbox"]
