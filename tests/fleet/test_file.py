from __future__ import annotations

from textwrap import dedent

import pytest

from idlehands_deploy.fleet.file import (
    new_fleet_text,
    parse_text,
    schema_text,
    with_ports,
    with_profile,
    without_profile,
)
from idlehands_deploy.fleet.schema import json_schema
from tests.support.helpers import fleet

WRITTEN = """\
# Who keeps this: the infrastructure team
spacing: 1000  # do not lower
name: 'idlehands'

profiles:
  # the one that everybody uses
  main: {}
  # repairs main
  rescue:
    secrets:
      - OPENAI_API_KEY  # Ada's
    rescues: [main]
  third:  # for trying things
# the end
bind: "127.0.0.1"
"""


def changed(before: str, after: str) -> str:
    """The lines that went and came."""
    old, new = before.splitlines(), after.splitlines()
    return "\n".join([f"-{line}" for line in old if line not in new] + [f"+{line}" for line in new if line not in old])


def test_adding_a_profile_keeps_comments_order_and_quotes() -> None:
    text = WRITTEN.replace("  third:  # for trying things\n", "")
    after = with_profile(text, "fourth", {"port": 21789, "rescues": ["main"]})
    assert changed(text, after) == "+  fourth:\n+    port: 21789\n+    rescues:\n+      - main"
    assert [line for line in after.splitlines() if line in text.splitlines()] == text.splitlines()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("\n", ""),
        ("---\n", "---\n"),
        ("{}\n", ""),
        ("# mine", "# mine\n"),
        ("# mine\n", "# mine\n"),
        ("# mine\n\n# and yours\n", "# mine\n\n# and yours\n"),
    ],
)
def test_the_first_profile_of_a_file_without_keys_comes_after_its_comments(text: str, kept: str) -> None:
    assert with_profile(text, "main", {}) == f"{kept}profiles:\n  main: {{}}\n"


@pytest.mark.parametrize("text", ["# mine\n---\n", "# mine\n---\nprofiles:\n  main: {}\n"])
def test_a_comment_above_the_document_s_start_is_kept(text: str) -> None:
    assert with_profile(text, "rescue", {}).startswith("# mine\n")


@pytest.mark.parametrize("text", ["null\n", "~\n", "---\n...\n"])
def test_a_profile_can_be_added_to_every_text_that_is_an_empty_fleet(text: str) -> None:
    assert list(parse_text(with_profile(text, "main", {}), "fleet.yaml").profiles) == ["main"]


@pytest.mark.parametrize("listed", ["rescues: [main]", "rescues:\n            - main"])
def test_a_file_that_is_indented_by_four_spaces_goes_on_so(listed: str) -> None:
    text = f"""\
spacing: 1000
profiles:
    # the one that everybody uses
    main: {{}}
    rescue:
        {listed}
        port: 19789
"""
    assert with_profile(text, "third", {"port": 20789}) == text + "    third:\n        port: 20789\n"


def test_pinning_ports_changes_only_the_lines_of_their_profiles() -> None:
    after = with_ports(WRITTEN, {"rescue": 19789, "third": 20789}, {"main", "third"})
    assert changed(WRITTEN, after) == (
        "-  third:  # for trying things\n+    port: 19789\n+  third: {port: 20789}  # for trying things"
    )
    assert after.index("# the end") > after.index("port: 20789")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("rescue:", "rescue: {port: 19789}"),
        ("rescue: {}", "rescue: {port: 19789}"),
        ("rescue: # why", "rescue: {port: 19789} # why"),
        ("rescue: ~", "rescue: {port: 19789}"),
        ("rescue: null", "rescue: {port: 19789}"),
        ("'rescue': {}  # why", "'rescue': {port: 19789}  # why"),
        ("rescue: {secrets: [A]}", "rescue: {secrets: [A], port: 19789}"),
        ("rescue:\n    secrets: [A]", "rescue:\n    secrets: [A]\n    port: 19789"),
    ],
)
def test_a_port_is_pinned_in_every_way_of_writing_a_profile(before: str, after: str) -> None:
    frame = "profiles:\n  {}\n  # about main\n  main:\n"
    without_settings = {"main"} if "secrets" in before else {"main", "rescue"}
    assert with_ports(frame.format(before), {"rescue": 19789}, without_settings) == frame.format(after)


def test_removing_a_profile_takes_it_out_of_rescues_and_keeps_the_comments_of_others() -> None:
    after = without_profile(WRITTEN, "main")
    assert changed(WRITTEN, after) == "-  main: {}\n-    rescues: [main]\n+    rescues: []"
    assert list(parse_text(after, "fleet.yaml").profiles) == ["rescue", "third"]


def test_a_removed_profile_is_dropped_from_every_list_of_rescues() -> None:
    text = """\
profiles:
  main: {}
  rescue:
    rescues: [main, third]
  third:
    rescues:
      - rescue
      - main
  fourth:
"""
    after = parse_text(without_profile(text, "main"), "fleet.yaml")
    assert {name: item.rescues for name, item in after.profiles.items()} == {
        "rescue": ["third"], "third": ["rescue"], "fourth": [],
    }  # fmt: skip


def test_removing_the_last_profile_leaves_an_empty_fleet() -> None:
    after = without_profile("name: x\nprofiles:\n  main: {}\n", "main")
    assert after == "name: x\nprofiles: {}\n"


def test_the_first_profile_begins_a_block_and_not_a_line_in_braces() -> None:
    text = with_profile(with_profile(new_fleet_text("idlehands"), "main", {}), "rescue", {})
    assert text == dedent("""\
        # yaml-language-server: $schema=./fleet.schema.json
        # One deployment of IdleHands gateways. After an edit run: idlehands-deploy up
        name: idlehands              # the Compose project
        image: idlehands/gateway:2026.9.6
        base_port: 18789             # main's; each other profile takes the next free slot
        spacing: 1000
        bind: 127.0.0.1              # where the gateway ports are published
        profiles:
          main: {}
          rescue: {}
        """)


def test_a_new_fleet_file_says_what_the_defaults_are() -> None:
    assert parse_text(new_fleet_text("idlehands"), "fleet.yaml") == fleet("")


def test_a_name_that_looks_like_a_boolean_or_a_number_comes_back_as_that_name() -> None:
    text = new_fleet_text("idlehands")
    for name in ("on", "123", "null", "1e3"):
        text = with_profile(text, name, {})
    text = with_ports(text, {"123": 19789, "null": 20789}, {"123", "null"})
    assert {name: item.port for name, item in parse_text(text, "fleet.yaml").profiles.items()} == {
        "on": None, "123": 19789, "null": 20789, "1e3": None,
    }  # fmt: skip


def test_on_and_no_are_text_as_in_yaml_1_2() -> None:
    written = fleet("profiles: {on: , no: {environment: {A: yes, B: off, C: '0777'}}}")
    assert list(written.profiles) == ["on", "no"]
    assert written.profiles["no"].environment == {"A": "yes", "B": "off", "C": "0777"}


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "---\n"])
def test_an_empty_file_is_an_empty_fleet(text: str) -> None:
    assert parse_text(text, "fleet.yaml").profiles == {}


def test_the_schema_is_written_as_json_with_an_end_of_line() -> None:
    assert schema_text({"type": "object"}) == '{\n  "type": "object"\n}\n'
    assert schema_text(json_schema()) == schema_text(json_schema())
