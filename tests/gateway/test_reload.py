from __future__ import annotations

import pytest

from idlehands_deploy.gateway.config_changes.reload import Reload, read_reload

SEEN = "2026-11-28T04:54:11.618+00:00 [reload] config change detected; evaluating reload (agents.defaults)"


@pytest.mark.parametrize(
    ("lines", "reload"),
    [
        ([], Reload()),
        (["[gateway] ready"], Reload()),
        ([SEEN], Reload("seen", "agents.defaults")),
        ([SEEN, "T [reload] config hot reload applied (agents.defaults)"], Reload("applied", "agents.defaults")),
        ([SEEN, "T [reload] config change applied (dynamic reads: a, b)"], Reload("applied", "a, b")),
        (
            [SEEN, "T [reload] config change requires gateway restart (gateway.port) — preparing"],
            Reload("restarts", "gateway.port"),
        ),
        (
            ["T [reload] config change requires gateway restart (gateway.port) — deferring until 1 reply complete"],
            Reload("waits", "gateway.port", "1 reply"),
        ),
        ([SEEN, "T [reload] config reload disabled (gateway.reload.mode=off)"], Reload("off")),
        (
            ['T [reload] config reload skipped (invalid config): browser: Unrecognized key: "color"'],
            Reload("refused", 'browser: Unrecognized key: "color"'),
        ),
        (["idlehands-entrypoint: starting the gateway again"], Reload("starts")),
        (["T [agent] somebody wrote: config hot reload applied (x)"], Reload()),
    ],
)
def test_the_gateway_s_own_words_tell_what_becomes_of_an_edit(lines: list[str], reload: Reload) -> None:
    assert read_reload(lines) == reload
