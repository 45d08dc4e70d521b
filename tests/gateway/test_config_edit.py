from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idlehands_deploy.gateway.config_changes.edit import read_path, read_value, with_value, without
from idlehands_deploy.gateway.json5_text import FlawError, parse_json5

COMMENTED = """\
// Written by a person.
{
  gateway: {
    mode: "local", // never remote
    bind: 'lan',
    /* auth: {mode: "none"}, */
  },
  "browser": {headless: true},
  agents: { list: [ {id: "a"}, {id: "b"} ] }
  // The end.
}
"""


@pytest.mark.parametrize(
    ("key", "value", "old", "new"),
    [
        ("gateway.bind", "loopback", "'lan'", '"loopback"'),
        ("gateway.port", 1, '"none"}, */', '"none"}, */\n    port: 1,'),
        ("browser.headless", False, "{headless: true}", "{headless: false}"),
        ("browser.color", "red", "{headless: true}", '{headless: true, color: "red"}'),
        ("agents.list[1].id", "c", '{id: "b"}', '{id: "c"}'),
        ("agents.list[2]", {"id": "c"}, '{id: "b"}', '{id: "b"}, {id: "c"}'),
        ("agents.defaults.workspace", "w", '{id: "b"} ]', '{id: "b"} ], defaults: {workspace: "w"}'),
        (
            "logging.level",
            "info",
            '{id: "b"} ] }\n  // The end.',
            '{id: "b"} ] },\n  // The end.\n  logging: {\n    level: "info"\n  }',
        ),
    ],
)
def test_one_value_is_set_and_every_other_character_stays(key: str, value: Any, old: str, new: str) -> None:
    assert COMMENTED.count(old) == 1
    edited = with_value(COMMENTED, read_path(key), value)
    assert edited.text == COMMENTED.replace(old, new)
    assert edited.lost == ()


def test_comments_inside_of_a_replaced_value_are_named() -> None:
    assert with_value(COMMENTED, ("gateway",), {"mode": "local"}).lost == (
        "// never remote",
        '/* auth: {mode: "none"}, */',
    )


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("gateway.mode", '    mode: "local", // never remote', "    // never remote"),
        ("gateway.bind", "    bind: 'lan',\n", ""),
        ("browser", '  "browser": {headless: true},\n', ""),
        ("browser.headless", "{headless: true}", "{}"),
        ("agents.list[0]", '{id: "a"}, {id: "b"}', '{id: "b"}'),
        ("agents.list[1]", '{id: "a"}, {id: "b"} ', '{id: "a"} '),
        ("agents", '{headless: true},\n  agents: { list: [ {id: "a"}, {id: "b"} ] }\n', "{headless: true}\n"),
    ],
)
def test_one_value_is_removed_and_its_neighbours_and_comments_stay(key: str, old: str, new: str) -> None:
    assert COMMENTED.count(old) == 1
    assert without(COMMENTED, read_path(key)).text == COMMENTED.replace(old, new)


@pytest.mark.parametrize("key", ["gateway.port", "nothing", "agents.list[2]", "gateway.mode.x"])
def test_a_value_that_is_not_there_is_not_removed(key: str) -> None:
    with pytest.raises(FlawError, match="is not in the config"):
        without(COMMENTED, read_path(key))


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("{}", '{\n  "a": {\n    "b": 1\n  }\n}'),
        ("{ // nothing yet\n}\n", '{ // nothing yet\n  "a": {\n    "b": 1\n  }\n}\n'),
        ('{\r\n\t"x": 1\r\n}', '{\r\n\t"x": 1,\r\n\t"a": {\r\n\t\t"b": 1\r\n\t}\r\n}'),
        ('{"x": 1}', '{"x": 1, "a": {"b": 1}}'),
        ("{a: {b: 2}, a: {b: 3}}", "{a: {b: 2}, a: {b: 1}}"),
    ],
)
def test_the_style_of_a_text_is_kept(text: str, new: str) -> None:
    assert with_value(text, ("a", "b"), 1).text == new


@pytest.mark.parametrize(
    ("path", "flaw"),
    [
        (("gateway", "mode", "x"), "holds no x"),
        (("agents", "list", "7"), "holds 2 items, and none with the number 7"),
    ],
)
def test_a_value_that_holds_no_others_is_not_replaced(path: tuple[str, ...], flaw: str) -> None:
    with pytest.raises(FlawError, match=flaw):
        with_value(COMMENTED, path, 1)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("gateway.bind", ("gateway", "bind")),
        ("bindings[0].agentId", ("bindings", "0", "agentId")),
        ('models["provider/model.v1"].alias', ("models", "provider/model.v1", "alias")),
    ],
)
def test_a_path_is_written_as_the_gateway_writes_it(text: str, path: tuple[str, ...]) -> None:
    assert read_path(text) == path


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(FlawError):
        read_path(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("lan", "lan"), ("true", True), ("18789", 18789), ("'x'", "x"), ("{a: [1,]}", {"a": [1]}), ("null", None)],
)
def test_a_value_is_json5_or_the_text_itself(text: str, value: Any) -> None:
    assert read_value(text) == value


@pytest.mark.parametrize("text", ["{", "[1", '"half', "{a: }"])
def test_half_a_value_is_no_text(text: str) -> None:
    with pytest.raises(FlawError, match="is not JSON5"):
        read_value(text)


keys = some.text(min_size=1, max_size=5)
configs = some.dictionaries(
    keys,
    some.recursive(
        some.none() | some.booleans() | some.integers() | some.text(max_size=9),
        lambda inner: some.lists(inner, max_size=3) | some.dictionaries(keys, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)


@given(
    configs,
    some.lists(keys, min_size=1, max_size=3),
    some.sampled_from([1, "x", {"y": []}]),
    some.sampled_from([None, 2]),
)
def test_any_config_holds_the_value_afterwards_and_all_else_as_before(
    config: dict[str, Any], path: list[str], value: Any, indent: int | None
) -> None:
    text = json.dumps(config, indent=indent)
    try:
        edited = with_value(text, tuple(path), value).text
    except FlawError:
        return
    found = parse_json5(edited)
    for key in path:
        found = found[int(key) if isinstance(found, list) else key]
    assert found == value
    untouched = {key: item for key, item in config.items() if key != path[0]}
    assert {key: item for key, item in parse_json5(edited).items() if key != path[0]} == untouched
