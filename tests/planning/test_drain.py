from __future__ import annotations

import pytest

from idlehands_deploy.fleet.values import seconds
from idlehands_deploy.planning.drain import cut_off


@pytest.mark.parametrize(("text", "expected"), [("330s", 330), ("5m", 300), ("5m30s", 330), ("0s", 0)])
def test_a_duration_has_its_seconds(text: str, expected: int) -> None:
    assert seconds(text) == expected


def test_who_is_killed_before_its_time_is_over_is_not_said_to_have_used_it_up() -> None:
    assert cut_off("main", "330s", killed=True, is_early=True, is_fixed=False) == (
        "main was killed before its 330s were over: unfinished work was lost. "
        "See why: idlehands-deploy logs main --tail 50"
    )
    assert cut_off("main", "330s", killed=True, is_early=False, is_fixed=False) == (
        "main had not finished after 330s and was killed: unfinished work was lost. "
        "To give it longer, raise profiles.main.stop_grace_period."
    )
