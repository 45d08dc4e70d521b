from __future__ import annotations

import pytest

from idlehands_deploy.gateway.config import DEEPEST, FlawError, parse_json5


def nested(depth: int) -> str:
    return '{"a": [' * (depth // 2) + "1" + "]}" * (depth // 2)


def test_a_config_may_be_nested_as_deeply_as_none_is() -> None:
    assert parse_json5(nested(DEEPEST))


@pytest.mark.parametrize("depth", [DEEPEST + 2, 2_000, 200_000])
def test_a_config_that_is_nested_more_deeply_is_refused_under_every_python(depth: int) -> None:
    with pytest.raises(FlawError, match="is nested too deeply"):
        parse_json5(nested(depth))
