from __future__ import annotations

import copy
import secrets
from typing import Any

import pytest

from idlehands_deploy.fleet.ports import ProfilePorts
from idlehands_deploy.importing.rewrite import (
    Config,
    RewrittenConfig,
    agent_workspaces,
    fleet_browsers,
    main_workspace,
    rewrite,
    shape_problems,
    state_moves,
)

HOME = "/home/ada"
STATE = "/home/ada/.openclaw-rescue"
NEW_STATE = "/home/idlehands/.idlehands"
NEW_WORKSPACE = "/home/idlehands/workspace"
PORTS = ProfilePorts("rescue", 19789, {"openclaw": 19800, "work": 19801}, ())


def rewritten(config: Config, workspace: str = f"{STATE}/workspace", **others: str) -> RewrittenConfig:
    moves = state_moves([STATE], [workspace], {path: name for name, path in others.items()})
    return rewrite(config, moves, HOME, PORTS)


def warned(result: RewrittenConfig) -> list[str]:
    return [str(warning) for warning in result.warnings]


def test_settings_that_work_in_a_container_stay() -> None:
    config: Config = {
        "meta": {"lastTouchedVersion": "2026.9.6"},
        "gateway": {"mode": "local", "bind": "lan", "auth": {"mode": "token"}, "controlUi": {"basePath": "/desk"}},
        "browser": {"headless": True, "noSandbox": False},
        "channels": {"telegram": {"enabled": True, "commands": ["/new", "~"]}},
    }
    result = rewritten(config)
    assert result.config == config
    assert (result.token, list(result.config)) == (None, list(config))


def test_the_given_config_is_not_changed() -> None:
    config: Config = {"gateway": {"port": 1, "auth": {"token": secrets.token_hex(8)}}, "paths": [f"{STATE}/a"]}
    before = copy.deepcopy(config)
    rewritten(config)
    assert config == before


def test_the_gateway_listens_where_docker_forwards_to_and_on_the_plan_s_port() -> None:
    gateway = rewritten({"gateway": {"port": 18789, "bind": "custom", "customBindHost": "10.0.0.1"}}).config["gateway"]
    assert gateway == {"bind": "lan", "mode": "local", "auth": {}}


def test_a_gateway_without_a_login_gets_a_token() -> None:
    assert rewritten({"gateway": {"auth": {"mode": "none"}}}).config["gateway"]["auth"] == {"mode": "token"}
    assert rewritten({"gateway": {"auth": {"mode": "password"}}}).config["gateway"]["auth"] == {"mode": "password"}


def test_a_plain_token_is_moved_from_the_config_to_the_secret() -> None:
    token = secrets.token_hex(16)
    result = rewritten({"gateway": {"auth": {"mode": "token", "token": token}}})
    assert (result.token, result.config["gateway"]["auth"], result.warnings) == (token, {"mode": "token"}, [])


@pytest.mark.parametrize("token", ["${MY_TOKEN}", {"source": "env", "id": "MY_TOKEN"}, "tök", "two\nlines", 5])
def test_a_token_that_cannot_be_a_secret_is_removed_with_a_warning_that_does_not_show_it(token: object) -> None:
    result = rewritten({"gateway": {"auth": {"token": token}}})
    assert result.token is None
    assert "token" not in result.config["gateway"]["auth"]
    assert warned(result) == [
        "gateway.auth.token: is not plain text, so it was not imported: the profile gets a new token"
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (STATE, NEW_STATE),
        (f"{STATE}/", NEW_STATE),
        (f"{STATE}/skills/x", f"{NEW_STATE}/skills/x"),
        (f"{STATE}/agents/../skills", f"{NEW_STATE}/skills"),
        ("~/.openclaw-rescue/hooks", f"{NEW_STATE}/hooks"),
        (f"{STATE}/workspace/a b", f"{NEW_WORKSPACE}/a b"),
        (f"{STATE}-other/x", None),
        (f"{STATE}/../.ssh", None),
        ("skills/x", None),
    ],
)
def test_a_path_follows_its_file(old: str, new: str | None) -> None:
    assert rewritten({"skills": {"dirs": [old]}}).config["skills"]["dirs"] == [new or old]


def test_the_workspace_of_each_agent_gets_its_new_path() -> None:
    agents: dict[str, Any] = {
        "defaults": {"workspace": "~/notes"},
        "entries": {"a": {"workspace": "/srv/a"}, "b": {"workspace": f"{STATE}/workspace-b"}},
        "list": [{"id": "c", "workspace": "~/notes/c"}, {"id": "d"}],
    }
    result = rewritten({"agents": agents}, f"{HOME}/notes", **{"workspace-a": "/srv/a"})
    assert result.config["agents"] == {
        "defaults": {"workspace": NEW_WORKSPACE},
        "entries": {"a": {"workspace": f"{NEW_STATE}/workspace-a"}, "b": {"workspace": f"{NEW_STATE}/workspace-b"}},
        "list": [{"id": "c", "workspace": f"{NEW_WORKSPACE}/c"}, {"id": "d"}],
    }
    assert result.warnings == []


@pytest.mark.parametrize(
    ("agents", "main", "own"),
    [
        ({}, None, {}),
        ({"defaults": {"workspace": "~/w"}}, "/home/ada/w", {}),
        ({"defaults": {"workspace": "/w/"}, "entries": {"main": {"workspace": "/m"}}}, "/w", {"main": "/m"}),
        ({"entries": {"main": {"workspace": "/m"}, "b": {"workspace": "/b"}}}, "/m", {"main": "/m", "b": "/b"}),
        ({"entries": {"only": {"workspace": "/o"}}}, "/o", {"only": "/o"}),
        ({"list": [{"id": "only", "workspace": "/o"}]}, "/o", {"only": "/o"}),
        ({"entries": {"b": {}, "c": {}}}, None, {}),
        (
            {"defaults": {"systemAgent": {"agentId": "b"}}, "entries": {"b": {"workspace": "/b"}, "c": {}}},
            "/b",
            {"b": "/b"},
        ),
    ],
)
def test_the_main_workspace_is_the_shared_one_else_the_first_agent_s(
    agents: dict[str, Any], main: str | None, own: dict[str, str]
) -> None:
    assert main_workspace({"agents": agents}, HOME) == main
    assert agent_workspaces({"agents": agents}, HOME) == own


def test_paths_that_were_not_imported_are_reported_but_urls_and_commands_are_not() -> None:
    result = rewritten(
        {
            "tool": {"command": "/usr/bin/rg", "url": "/hooks/in", "link": "https://home/x"},
            "mcp": {"args": ["~/bin/x", f"--dir={STATE}/x"]},
        }
    )
    assert warned(result) == [
        "tool.command: /usr/bin/rg was not imported, so the container does not have it",
        "mcp.args.0: ~/bin/x was not imported, so the container does not have it",
        "mcp.args.1: contains a path of the native gateway inside other text: check it",
    ]


def test_managed_browsers_get_the_plan_s_ports_and_run_headless() -> None:
    browser = {
        "headless": False,
        "executablePath": "/usr/bin/google-chrome",
        "profiles": {
            "openclaw": {"cdpPort": 18800},
            "work": {"cdpPort": 18801, "executablePath": "/usr/bin/brave", "color": "#00AA00"},
            "office": {"cdpUrl": "http://10.0.0.42:9222"},
        },
    }
    result = rewritten({"browser": browser})
    assert result.config["browser"] == {
        "headless": True,
        "profiles": {
            "openclaw": {"cdpPort": 19800},
            "work": {"cdpPort": 19801, "color": "#00AA00"},
            "office": {"cdpUrl": "http://10.0.0.42:9222"},
        },
    }
    assert [str(warning).split(":")[0] for warning in result.warnings] == [
        "browser.executablePath",
        "browser.profiles.work.executablePath",
    ]


@pytest.mark.parametrize(
    "profile",
    [
        {"driver": "extension"},
        {"driver": "existing-session", "attachOnly": True},
        {"cdpUrl": "http://127.0.0.1:9222"},
        {"cdpPort": 9222, "attachOnly": True},
    ],
)
def test_a_chrome_on_the_host_is_reported_and_is_not_a_managed_browser_of_the_fleet(
    profile: dict[str, Any],
) -> None:
    config = {"browser": {"profiles": {"user": profile}}}
    assert warned(rewritten(config)) == [
        "browser.profiles.user: uses a Chrome on this host, which the container cannot reach"
    ]
    assert fleet_browsers(config).get("user") != {}


def test_the_fleet_gets_managed_browsers_and_remote_ones_with_an_address_that_is_not_secret() -> None:
    profiles = {
        "openclaw": {"cdpPort": 18800},
        "work": {"cdpPort": 18801},
        "office": {"cdpUrl": "http://10.0.0.42:9222"},
        "cloud": {"cdpUrl": f"wss://chrome.example?token={secrets.token_hex(8)}"},
        "user": {"driver": "existing-session"},
    }
    assert fleet_browsers({"browser": {"profiles": profiles}}) == {
        "work": {},
        "office": {"cdp_url": "http://10.0.0.42:9222"},
    }


def test_the_dashboard_s_own_address_follows_the_port_and_others_stay() -> None:
    origins = ["http://127.0.0.1:18789", "http://localhost:18789", "https://desk.example", "http://localhost:3000", 5]
    gateway = {"port": 18789, "controlUi": {"allowedOrigins": origins}}
    assert rewritten({"gateway": gateway}).config["gateway"]["controlUi"]["allowedOrigins"] == [
        "http://127.0.0.1:19789", "http://localhost:19789", *origins[2:],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ([], "must be an object"),
        ("text", "must be an object"),
        ({"gateway": 5}, "gateway: must be an object"),
        ({"gateway": {"auth": "none"}}, "gateway.auth: must be an object"),
        ({"agents": {"entries": []}}, "agents.entries: must be an object"),
        ({"browser": {"profiles": "work"}}, "browser.profiles: must be an object"),
        (
            {"gateway": {"mode": "remote"}},
            "gateway.mode: is remote: this is only a client of a gateway on another machine",
        ),
    ],
)
def test_a_config_of_the_wrong_shape_is_reported_with_the_path(config: object, problem: str) -> None:
    assert [str(item) for item in shape_problems(config)] == [problem]


@pytest.mark.parametrize(
    "config",
    [
        {"gateway": None, "browser": None, "agents": None},
        {"gateway": {"auth": None}, "browser": {"profiles": None}, "agents": {"defaults": None, "entries": None}},
        {"agents": {"defaults": {"systemAgent": {"agentId": ["main"]}}}},
        {"browser": {"profiles": {"a": {"driver": ["x"], "cdpUrl": "http://[::1"}}}},
        {"browser": {"profiles": {"a": {"cdpUrl": "http://[::1"}}}},
        {"gateway": {"port": 1, "controlUi": {"allowedOrigins": ["http://[::1"]}}},
    ],
)
def test_settings_of_other_types_are_imported_as_they_are(config: Config) -> None:
    main_workspace(config, HOME)
    assert fleet_browsers(config) == {}
    assert rewritten(config).config["gateway"]["bind"] == "lan"
