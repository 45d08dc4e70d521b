"""A secret is named and taken out by an edit of the text that touches no other line."""

from __future__ import annotations

import pytest

from idlehands_deploy.fleet.file import parse_text
from idlehands_deploy.fleet.text.secret_edits import with_secret, without_secret

# A fleet file, and the same with NEW named under main.
NAMED = [
    ("profiles:\n  main:\n", "profiles:\n  main: {secrets: [NEW]}\n"),
    (
        "profiles:\n  main: {}  # why\n  # next\n  rescue:\n",
        "profiles:\n  main: {secrets: [NEW]}  # why\n  # next\n  rescue:\n",
    ),
    ("profiles: {main: {}}\n", "profiles: {main: {secrets: [NEW]}}\n"),
    ("profiles:\n  main: {port: 18789}  # why\n", "profiles:\n  main: {port: 18789, secrets: [NEW]}  # why\n"),
    (
        "profiles:\n  main:\n    # on\n    port: 1989  # p\n    # in\n\n  # next\n  rescue:\n",
        "profiles:\n  main:\n    # on\n    port: 1989  # p\n    # in\n    secrets: [NEW]\n\n  # next\n  rescue:\n",
    ),
    (
        "profiles:\n    main:\n        environment:\n            X: |\n              text\nname: x\n",
        "profiles:\n    main:\n        environment:\n            X: |\n              text\n        secrets: [NEW]\n"
        "name: x\n",
    ),
    ("profiles:\n  main: &m\n    port: 18789\n", "profiles:\n  main: &m\n    port: 18789\n    secrets: [NEW]\n"),
    ("profiles:\n  main:\n    port: 18789", "profiles:\n  main:\n    port: 18789\n    secrets: [NEW]\n"),
    ("profiles:\n  main:\n    secrets: []  # none\n", "profiles:\n  main:\n    secrets: [NEW]  # none\n"),
]  # fmt: skip
# The same where main has secrets; the way back gives the first text again.
LISTED = [
    ("profiles:\n  main:\n    secrets: [A]  # c\n", "profiles:\n  main:\n    secrets: [A, NEW]  # c\n"),
    ("profiles: {main: {secrets: [A], port: 18789}}\n", "profiles: {main: {secrets: [A, NEW], port: 18789}}\n"),
    (
        "profiles:\n  main:\n    secrets: [\n      A,  # a\n    ]\n",
        "profiles:\n  main:\n    secrets: [\n      A, NEW,  # a\n    ]\n",
    ),
    (
        "profiles:\n  main:\n    secrets:\n      # 1st\n      - A  # a\n      # B soon\n    port: 1989\n  # next\n",
        "profiles:\n  main:\n    secrets:\n      # 1st\n      - A  # a\n      - NEW\n      # B soon\n    port: 1989\n"
        "  # next\n",
    ),
    (
        "profiles:\n  main:\n    secrets:\n    - A\n# end\n",
        "profiles:\n  main:\n    secrets:\n    - A\n    - NEW\n# end\n",
    ),
    ('"profiles":\n  "main":\n    "secrets": ["A"]\n', '"profiles":\n  "main":\n    "secrets": ["A", NEW]\n'),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [*NAMED, *LISTED])
def test_a_secret_is_named_without_touching_another_line(before: str, after: str) -> None:
    assert with_secret(before, "main", "NEW") == after
    assert parse_text(after, "fleet.yaml").profiles["main"].secrets[-1] == "NEW"


@pytest.mark.parametrize(("before", "after"), LISTED)
def test_taking_it_out_gives_the_file_of_before(before: str, after: str) -> None:
    assert without_secret(after, "main", "NEW") == before


@pytest.mark.parametrize("after", [after for _, after in NAMED])
def test_the_last_secret_leaves_an_empty_list(after: str) -> None:
    text = without_secret(after, "main", "NEW")
    assert text == after.replace("[NEW]", "[]")
    assert parse_text(text, "fleet.yaml").profiles["main"].secrets == []


@pytest.mark.parametrize(
    ("listed", "out", "left"),
    [
        ("[A, B, C]", "A", "[B, C]"),
        ("[A, B, C]", "B", "[A, C]"),
        ("[A, B, C]", "C", "[A, B]"),
        ("\n      - A  # a\n      # about B\n      - B\n", "A", "\n      # about B\n      - B\n"),
        ("\n      - A  # a\n      - B\n", "B", "\n      - A  # a\n"),
        ("  # mine\n      - A\n", "A", " []  # mine\n"),
    ],
)
def test_any_of_several_can_be_taken_out(listed: str, out: str, left: str) -> None:
    frame = "profiles:\n  main:\n    secrets: {}\n" if listed.startswith("[") else "profiles:\n  main:\n    secrets:{}"
    assert without_secret(frame.format(listed), "main", out) == frame.format(left)


@pytest.mark.parametrize("secret", ["NULL", "TRUE", "YES", "_1"])
def test_a_name_that_yaml_reads_as_something_else_stays_text(secret: str) -> None:
    after = with_secret("profiles: {main: {}}\n", "main", secret)
    assert parse_text(after, "fleet.yaml").profiles["main"].secrets == [secret]
