"""How the work of the isolation check grows with the number of gateways."""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy import isolation
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.gateway.config import GatewayConfig
from idlehands_deploy.isolation import check
from idlehands_deploy.isolation.check import check_isolation
from idlehands_deploy.isolation.claims import Claims, Setup, native_claims, profile_claims
from idlehands_deploy.isolation.conflicts import conflicts_between
from idlehands_deploy.isolation.index import pairs_in_common
from tests.support.helpers import fleet
from tests.support.isolation_cases import native

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    import pytest

    from idlehands_deploy.findings import Finding

PACKAGE = str(Path(isolation.__file__).parent)


def setups(count: int) -> list[Setup]:
    """Profiles on the plan's ports, of which the first and second share a Chrome, the third and fourth, and so on."""
    wanted = fleet(f"{{spacing: 20, profiles: {{{', '.join(f'p{number}: ' for number in range(count))}}}}}")
    plan = plan_ports(wanted)
    return [
        Setup(name, profile, plan.profiles[name], config(number), None, place(name, "state"), place(name, "workspace"))
        for number, (name, profile) in enumerate(wanted.profiles.items())
    ]


def config(number: int) -> GatewayConfig:
    return GatewayConfig(
        f"profiles/p{number}/state/idlehands.json",
        {"gateway": {"mode": "local"}, "browser": {"cdpUrl": f"http://chrome{number // 2}.example:9222"}},
    )


def place(name: str, kind: str) -> Path:
    return Path("/srv/bots/profiles") / name / kind


class Work:
    """What one check of the isolation costs."""

    def __init__(self, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.compared = self.lines = 0
        examined = setups(count)

        def compare(one: Claims, other: Claims) -> Iterator[Finding]:
            self.compared += 1
            return conflicts_between(one, other)

        def trace(frame: FrameType, event: str, _: object) -> object:
            self.lines += event == "line"
            return trace if frame.f_code.co_filename.startswith(PACKAGE) else None

        monkeypatch.setattr(check, "conflicts_between", compare)
        before = sys.gettrace()
        sys.settrace(trace)  # type: ignore[arg-type]
        try:
            self.findings = check_isolation(examined, [])
        finally:
            sys.settrace(before)


def test_ten_times_the_profiles_need_ten_times_the_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = Work(100, monkeypatch), Work(1000, monkeypatch)
    assert [len(work.findings) for work in (few, many)] == [50, 500]
    assert [work.compared for work in (few, many)] == [50, 500]
    # Lines of the package that run, so that no loop over all pairs hides in a comparison that is done another way.
    assert many.lines <= 11 * few.lines


def test_every_pair_with_a_conflict_is_among_the_pairs_in_common() -> None:
    gateways = [*map(profile_claims, setups(20)), *(native_claims(native(18789 + 90 * step)) for step in range(5))]
    found = pairs_in_common(gateways)
    conflicting = [pair for pair in combinations(gateways, 2) if list(conflicts_between(*pair))]
    assert [pair for pair in found if list(conflicts_between(*pair))] == conflicting
    assert len(conflicting) > 10
