"""No restart into a broken config: what is refused, what is asked, and what is not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import ConfigError
from idlehands_deploy.operations import dashboard, lifecycle, profiles
from tests.support.engine import commands

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_site import FakeSite

GOOD = '{gateway: {mode: "local"}, browser: {}} // by hand\n'
REFUSED = json.dumps({"valid": False, "issues": [{"path": "gateway.bnid", "message": "Unrecognized key"}]})

COMMANDS: dict[str, Callable[[FakeSite, bool], object]] = {
    "restart": lambda site, force: lifecycle.restart(site.session, ["main"], 1, force=force),
    "up": lambda site, force: lifecycle.up(site.session, ["main"], 1, force=force),
    "start": lambda site, force: lifecycle.start(site.session, ["main"], 1, force=force),
    "token": lambda site, force: dashboard.rotate_token(site.session, "main", 1, force=force),
    "rename": lambda site, force: profiles.rename(site.session, "main", "other", 1, force=force),
}


def config(site: FakeSite, text: str, name: str = "idlehands.json") -> None:
    (site.root / "profiles" / "main" / "state" / name).write_text(text)


def made_ready(site: FakeSite, command: str) -> None:
    """Main as it must be for the command to start it."""
    lifecycle.up(site.session, [], 1)
    if command == "start":
        lifecycle.stop(site.session, ["main"])
    if command == "up":
        site.edit("main: {}", "main: {resources: {memory: 3g}}")
    commands(site.compose)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_gateway_is_not_stopped_or_started_with_a_config_that_it_would_refuse(site: FakeSite, command: str) -> None:
    made_ready(site, command)
    config(site, GOOD)
    site.engine.validation = REFUSED
    state = site.mine("main")
    with pytest.raises(ConfigError, match=r"idlehands\.json:gateway\.bnid: Unrecognized key") as caught:
        COMMANDS[command](site, False)
    assert caught.value.exit_code == 2
    assert str(caught.value.remedy) == (
        "Mend it: idlehands-deploy config edit main\nTo do it all the same, add --force."
    )
    assert commands(site.compose) == []
    assert site.mine("main") == state


@pytest.mark.parametrize("command", COMMANDS)
def test_force_does_it_all_the_same_and_asks_nobody(site: FakeSite, command: str) -> None:
    made_ready(site, command)
    config(site, "{")
    COMMANDS[command](site, True)
    assert commands(site.compose)
    assert not site.engine.calls["run_one_off"]


def test_a_config_that_the_gateway_accepted_before_is_not_asked_about_again(site: FakeSite) -> None:
    made_ready(site, "restart")
    config(site, GOOD)
    config(site, GOOD, "idlehands.json.last-good")
    lifecycle.restart(site.session, [], 1)
    assert not site.engine.calls["run_one_off"]


def test_a_config_is_asked_about_once_a_file_that_it_includes_has_changed(site: FakeSite) -> None:
    made_ready(site, "restart")
    including = '{gateway: {mode: "local"}, browser: {$include: "./browser.json5"}}'
    config(site, "{}", "browser.json5")
    config(site, including)
    config(site, including, "idlehands.json.last-good")
    lifecycle.restart(site.session, ["main"], 1)
    asked = site.engine.calls["run_one_off"]
    config(site, "{headles: true}", "browser.json5")
    lifecycle.restart(site.session, ["main"], 1)
    assert (asked, site.engine.calls["run_one_off"]) == (0, 1)


def test_a_gateway_of_an_unknown_version_is_asked_about_an_accepted_config(site: FakeSite) -> None:
    made_ready(site, "up")
    config(site, GOOD)
    config(site, GOOD, "idlehands.json.last-good")
    facts = site.engine.there["main"]
    site.engine.becomes(replace(facts, version="", image_id="sha256:0"))
    site.engine.validation = REFUSED
    with pytest.raises(ConfigError):
        lifecycle.up(site.session, ["main"], 1)


def test_an_up_with_nothing_to_do_asks_nobody(site: FakeSite) -> None:
    lifecycle.up(site.session, [], 1)
    config(site, "{")
    lifecycle.up(site.session, [], 1)
    assert not site.engine.calls["run_one_off"]


def test_where_the_gateway_cannot_be_asked_the_plain_problems_are_enough_to_refuse(site: FakeSite) -> None:
    made_ready(site, "restart")
    site.engine.validation = "no such command"
    config(site, GOOD)
    lifecycle.restart(site.session, ["main"], 1)
    config(site, '{\n  gateway: {mode: "local"\n')
    with pytest.raises(ConfigError, match=r"idlehands\.json: is not JSON5 at line 3"):
        lifecycle.restart(site.session, ["main"], 1)


def test_what_the_validation_passes_and_the_start_refuses_is_refused(site: FakeSite) -> None:
    made_ready(site, "restart")
    config(site, "{}")
    config(site, "{}", "idlehands.json.last-good")
    with pytest.raises(ConfigError, match=r"gateway\.mode: is missing") as caught:
        lifecycle.restart(site.session, ["main"], 1)
    assert "cp -p" not in str(caught.value.remedy)


def test_all_problems_of_all_gateways_are_told_at_once_with_the_way_back(site: FakeSite) -> None:
    made_ready(site, "restart")
    config(site, GOOD)
    config(site, "{gateway: {}}", "idlehands.json.last-good")
    site.engine.validation = REFUSED
    rescue = site.root / "profiles" / "rescue" / "state" / "idlehands.json"
    rescue.write_text(GOOD)
    with pytest.raises(ConfigError) as caught:
        lifecycle.restart(site.session, [], 1)
    main = site.root / "profiles" / "main" / "state" / "idlehands.json"
    assert str(caught.value).splitlines() == [
        "These would not start with their configs; nothing was stopped:",
        f"  {main}:gateway.bnid: Unrecognized key",
        f"  {rescue}:gateway.bnid: Unrecognized key",
        "Mend it: idlehands-deploy config edit main",
        f"Or go back to the one that it accepted last: cp -p {main}.last-good {main}",
        "Mend it: idlehands-deploy config edit rescue",
        "To do it all the same, add --force.",
    ]


def test_a_stop_says_which_gateway_will_not_start_again(site: FakeSite) -> None:
    lifecycle.up(site.session, [], 1)
    config(site, "{")
    site.lines()
    lifecycle.stop(site.session, [])
    path = site.root / "profiles" / "main" / "state" / "idlehands.json"
    assert (
        f"main will not start again with its config: {path}: is not JSON5 at line 1, column 2. "
        "Mend it: idlehands-deploy config edit main"
    ) in site.lines()
    assert not site.engine.calls["run_one_off"]


def test_a_gateway_whose_config_is_gone_is_not_restarted_and_up_makes_the_first_one_again(site: FakeSite) -> None:
    made_ready(site, "restart")
    path = site.root / "profiles" / "main" / "state" / "idlehands.json"
    path.unlink()
    with pytest.raises(ConfigError, match="does not exist") as caught:
        lifecycle.restart(site.session, ["main"], 1)
    assert "Make the first one again: idlehands-deploy generate" in str(caught.value.remedy)
    site.edit("main: {}", "main: {resources: {memory: 3g}}")
    lifecycle.up(site.session, ["main"], 1)
    assert path.exists()


def test_a_config_that_a_power_cut_emptied_is_not_refused_where_the_image_restores_it(site: FakeSite) -> None:
    made_ready(site, "restart")
    config(site, "\0" * 200)
    site.engine.validation = REFUSED
    with pytest.raises(ConfigError):
        lifecycle.restart(site.session, ["main"], 1)
    config(site, GOOD, "idlehands.json.last-start")
    lifecycle.restart(site.session, ["main"], 1)


def test_what_the_gateway_can_read_is_not_refused_because_this_tool_cannot(site: FakeSite) -> None:
    made_ready(site, "restart")
    config(site, "{gateway: {mode: 'local'}}\u2028//\n{")
    lifecycle.restart(site.session, ["main"], 1)
    assert site.engine.calls["run_one_off"] == 1
