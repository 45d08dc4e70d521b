"""The reference of the fleet file's keys in docs/fleet.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.fleet.model import parse_fleet
from idlehands_deploy.fleet.schema import json_schema
from idlehands_deploy.targets.reference import reference_text
from tests.support.helpers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RENEW = ".venv/bin/python -m idlehands_deploy.targets.reference > docs/fleet.md"


def with_key(**key: object) -> str:
    """The row of a made-up key."""
    schema = {"description": "All.", "properties": {"key": {"description": "It is a key.", **key}}}
    return reference_text(schema).splitlines()[-1]


def test_the_page_on_the_fleet_file_is_what_the_schema_says() -> None:
    page = (ROOT / "docs/fleet.md").read_text(encoding="utf-8")
    assert page == reference_text(json_schema()), f"docs/fleet.md is stale. Renew it: {RENEW}"


def test_every_key_of_the_schema_has_its_row() -> None:
    schema = json_schema()
    rows = reference_text(schema).splitlines()
    for model in (schema, *schema["$defs"].values()):
        for key in model["properties"]:
            assert any(row.startswith(f"| `{key}` |") for row in rows), key


def test_every_mapping_has_a_section_by_its_path() -> None:
    headings = [line for line in reference_text(json_schema()).splitlines() if line.startswith("## ")]
    assert "## `profiles.NAME.browser.profiles.NAME`" in headings
    assert len(headings) == len(set(headings)) == 1 + len(json_schema()["$defs"])


def test_a_key_without_a_description_is_refused() -> None:
    with pytest.raises(KeyError):
        reference_text({"description": "All.", "properties": {"key": {"type": "string"}}})


@pytest.mark.parametrize(
    ("key", "row"),
    [
        ({"type": "boolean", "default": True}, "| `key` | boolean | `true` | `true`, `false` | It is a key. |"),
        (
            {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 9}, {"type": "null"}], "default": None},
            "| `key` | whole number | none | 1 to 9 | It is a key. |",
        ),
        (
            {"type": "array", "items": {"type": "string", "examples": ["A"]}, "default": []},
            "| `key` | list of text | `[]` | such as `A` | It is a key. |",
        ),
        (
            {"type": "string", "enum": ["on", "off"], "default": "on", "description": "One | two\nlines."},
            r"| `key` | text | `on` | `on`, `off` | One \| two lines. |",
        ),
        (
            {"type": "string", "examples": ["1000:1000"]},
            '| `key` | text | none | such as `"1000:1000"` | It is a key. |',
        ),
    ],
)
def test_a_row_says_type_default_and_allowed_values(key: dict[str, object], row: str) -> None:
    assert with_key(**key) == row


def examples(model: Mapping[str, Any]) -> Iterator[Mapping[str, object]]:
    """This mapping with one key, set to an example of the schema, for each example in it and below."""
    models = json_schema()["$defs"]
    for key, value in model["properties"].items():
        for one in (value, *value.get("anyOf", ())):
            yield from ({key: example} for example in one.get("examples", ()))
        yield from ({key: [example]} for example in value.get("items", {}).get("examples", ()))
        if reference := value.get("$ref"):
            yield from ({key: inner} for inner in examples(models[reference.rpartition("/")[2]]))
        elif key == "profiles":
            name = value["additionalProperties"]["$ref"].rpartition("/")[2]
            yield from ({key: {"a": inner}} for inner in examples(models[name]))


def test_the_fleet_file_takes_every_example_of_the_reference() -> None:
    taken = [parse_fleet(data, "fleet.yaml") for data in examples(json_schema())]
    assert len(taken) > 15
