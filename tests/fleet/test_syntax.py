"""What is said of a fleet file that is not YAML: the line, a caret below the fault, and the fault in words."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idlehands_deploy.errors import FleetError, Problem
from idlehands_deploy.fleet.file import parse_text
from tests.support.helpers import problems

TAB = "the line is indented with a tab; YAML allows only spaces"
COLON = "a colon is missing after the key"
SPACE = "a space is missing after the colon"
QUOTE = "this quote is never closed"
AFTER_QUOTE = "text after a closing quote; a quote is missing, or one is too many"
INDENTED = "the line is indented differently from those that it belongs to"
QUOTED = "a text that begins with * or & must be in quotes"

# Each fault as a person makes it, with its place.
FAULTS = {
    # tabs
    "profiles:\n\tmain: {}": f"line 2, column 1: {TAB}",
    "profiles:\n  main:\n  \tport: 1": f"line 3, column 3: {TAB}",
    "name: x\r\n\tspacing: 20": f"line 2, column 1: {TAB}",
    "name:\tx": "line 1, column 6: a tab; write a space",
    "profiles:\n  main:\n    secrets:\n    -\tA": "line 4, column 6: a tab; write a space",
    # colons
    "name x\nspacing: 20": f"line 1, column 5: {COLON}",
    "name: x\nspacing 20\nbind: y": f"line 2, column 8: {COLON}",
    "name: x\nspacing 20": f"line 2, column 8: {COLON}",
    "profiles:\n  main\n    port: 1": f"line 2, column 7: {COLON}",
    "profiles:\n  main:\n    port 1\n    rescues: []": f"line 3, column 9: {COLON}",
    "name:x\nspacing: 20": f"line 1, column 5: {SPACE}",
    "name: x\nspacing:20": f"line 2, column 8: {SPACE}",
    "profiles:\n  main:\n    port:1\n    rescues: []": f"line 3, column 9: {SPACE}",
    "profiles: {main:{}}": f"line 1, column 16: {SPACE}",
    "name=x\nspacing: 20": "line 1, column 5: a key and its value are written with a colon, not with =",
    "name: x: y": "line 1, column 8: a second colon with a space after it; put the value in quotes",
    "name:\u00a0x\nspacing: 20": "line 1, column 6: U+00A0, which only looks like a space",
    "name\uff1a x\nspacing: 20": "line 1, column 5: U+FF1A, which only looks like a colon",
    # quotes
    'name: "x\nspacing: 20': f"line 1, column 7: {QUOTE}",
    "name: x\nbind: '127.0.0.1": f"line 2, column 7: {QUOTE}",
    'name: "x\nbind: "127.0.0.1"': f"line 1, column 7: {QUOTE}",
    'name: "x" y': f"line 1, column 11: {AFTER_QUOTE}",
    "name: 'it's'": f"line 1, column 11: {AFTER_QUOTE}",
    'name: "\\d"':
        "line 1, column 9: a backslash in double quotes begins an escape; use single quotes, or write it twice",
    # keys that are written twice
    "profiles:\n  main: {}\n  rescue: {}\n  main: {}\n":
        'line 4, column 3: the key "main" is written twice, here and on line 2; keep one of the two',
    "profiles:\n  a:\n    port: 1\n  b:\n    port: 2\n    port: 3\n":
        'line 6, column 5: the key "port" is written twice, here and on line 5; keep one of the two',
    "profiles: {main: {}, main: {}}": 'line 1, column 22: the key "main" is written twice; keep one of the two',
    # indentation
    "name: x\n  spacing: 20": "line 2, column 3: indented below line 1, which has a value already",
    "profiles:\n    main:\n      port: 1\n   rescue: {}": f"line 4, column 4: {INDENTED}",
    "profiles:\n  main:\n      port: 1\n    rescues: []": f"line 4, column 5: {INDENTED}",
    # lists and braces
    "profiles:\n  main:\n    secrets: - A":
        "line 3, column 14: a list begins on a line of its own, or is written as [A, B]",
    "profiles:\n  - main\n  name: x":
        "line 3, column 3: this line is indented as the list above it, and begins with no -",
    "profiles: {main: {}\nname: x": "line 1, column 11: this { is never closed, or a comma is missing after it",
    "a: [1": "line 1, column 6: a comma is missing, or a bracket",
    "profiles: {main: {} rescue: {}}": "line 1, column 21: a comma is missing, or a bracket",
    "profiles: {main: {}}}": "line 1, column 21: this } closes nothing",
    "name: {{ name }}": "line 1, column 8: a mapping cannot be a key; put a text with braces in quotes",
    # marks that mean something in YAML
    "profiles:\n  main: *gone":
        "line 2, column 9: a text that begins with * must be in quotes: YAML reads it as a reference",
    "name: * x": f"line 1, column 8: {QUOTED}",
    "name: & x": f"line 1, column 8: {QUOTED}",
    "name: &x a\nbind: &x b": "line 2, column 7: an anchor (&) is defined twice",
    "name: !mine x": "line 1, column 7: a text that begins with ! must be in quotes: YAML reads it as a tag",
    "name: !!python/object/apply:os.getcwd []":
        "line 1, column 7: a text that begins with ! must be in quotes: YAML reads it as a tag",
    "name: @x": "line 1, column 7: a text cannot begin with @; put it in quotes",
    "name: `x`": "line 1, column 7: a text cannot begin with `; put it in quotes",
    "name: |x": "line 1, column 8: a text that begins with | or > must be in quotes",
    # what does not belong into one file
    "name: x\n---\nname: y": "line 2, column 1: a second document begins here; a fleet file is one document",
    "<<<<<<< HEAD\nname: x\n=======\nname: y\n>>>>>>> other\n":
        "line 1, column 1: git left a merge conflict here; keep one of the two versions",
    "name: \x07": "line 1, column 7: a control character, U+0007; remove it",
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FAULTS.items())
def test_a_syntax_error_is_reported_with_its_place_and_in_words(text: str, expected: str) -> None:
    assert problems(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("profiles: {main: 'port:1'}", "profiles.main: must be a mapping of keys to values, not 'port:1'; "
         "a space is missing after the colon"),
        ("profiles: {main: {port:1}}", "profiles.main.port: unknown key; a space is missing after the colon; "
         "did you mean port?"),
        ("name = x", "the file: must be a mapping of keys to values, not 'name = x'; write a colon and a space, not ="),
        ("profiles: {main: {secrets: -A -B}}", "profiles.main.secrets: must be a list, not text; "
         "a space is missing after the -"),
        (": x", "None: a key must be text: put it in quotes"),
    ],
)  # fmt: skip
def test_what_is_yaml_but_misses_a_space_is_explained_too(text: str, expected: str) -> None:
    assert problems(text) == expected


def said(text: str) -> str:
    with pytest.raises(FleetError) as caught:
        parse_text(text, "/srv/fleet.yaml")
    return str(caught.value)


def test_the_line_is_shown_with_a_caret_below_its_fault() -> None:
    assert said("profiles:\n\tmain: {}\n") == (
        "/srv/fleet.yaml has 1 problem:\n"
        f"  line 2, column 1: {TAB}\n"
        "    2 | \\tmain: {}\n"
        "      | ^^\n"
        "Edit the file and run the command again."
    )


def test_the_caret_stands_right_after_wide_letters_and_in_a_long_line() -> None:
    *_, line, caret, _ = said("name: 日本: x\n").splitlines()
    assert (line, caret) == ("    1 | name: 日本: x", "      |           ^")
    *_, line, caret, _ = said(f"name: {'x' * 200}: y\n").splitlines()
    assert len(line) < 110
    assert line[caret.index("^")] == ":"


def test_a_problem_of_a_value_names_its_line() -> None:
    text = "name: x\nprofiles:\n  main:\n    port: 1\n  rescue:\n    rescues:\n      - main\n      - gone\n"
    assert "not 1 (line 4)\n" in said(text)
    assert "there is no profile 'gone' (line 8)\n" in said(text.replace("port: 1", "port: 2000"))


# Each with a key in it, after which the text is not YAML; with a fault in the secret's line or beside it.
LEAKS = [
    "profiles:\n  main:\n    environment:\n      KEY: {0}: x\n",
    "profiles:\n  main:\n    environment:\n      KEY: \"{0}\n",
    "profiles:\n  main:\n    environment:\n      KEY {0}\n      B: x\n",
    "profiles:\n  main:\n    environment:\n    \tKEY: {0}\n",
    "profiles:\n  main:\n    environment:\n      A: x\n   KEY: {0}\n",
    "profiles:\n  main:\n    environment:\n      A: \"x\n        {0}\n      B: \"y\"\n",
    "profiles: {{main: {{environment: {{A: {0}: x\n",
    "profiles: {{main: {{environment: {{A: {0} B: x}}}}}}\n",
    "watch:\n  notify:\n    webhook: https://example.org/{0}: x\n",
    "watch: {{notify: {{command: [curl, {0}\n",
    "profiles:\n  main:\n    secrets:\n      - {0}: x: y\n",
    "KEY={0}\nname: x\n",
    "name: x\n{0}\nbind: y\n",
    "name: x\nKEY: *{0}\n",
    "name: x\nKEY: !{0} y\n",
    "name: x\nKEY: &{0} y\nB: &{0} z\n",
    "profiles:\n  main:\n    browser: {{profiles: {{work: {{cdp_url: wss://x?token={0}: x\n",
]  # fmt: skip


@pytest.mark.parametrize("text", LEAKS)
def test_no_line_of_an_excerpt_shows_what_may_be_a_secret(text: str) -> None:
    secret = secrets.token_hex(16)
    assert secret not in said(text.format(secret))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab: \n\t-{}[]\"'#&*!|>%@,=\u00a0", max_size=60))
def test_no_text_ends_in_anything_but_a_fleet_or_a_problem_with_words(text: str) -> None:
    found = [Problem("", "none")]
    try:
        parse_text(f"profiles:\n  main:\n    {text}", "fleet.yaml")
    except FleetError as error:
        found = list(error.problems)
    assert [problem for problem in found if not problem.problem] == []
    assert found
