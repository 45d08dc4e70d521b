"""The reference of the fleet file's keys, as a page: docs/fleet.md is this text."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from idlehands_deploy.fleet.schema import json_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# How a key is called that a person chooses, as a profile's name is.
ANY_NAME = "NAME"

INTRODUCTION = """\
# The fleet file

`fleet.yaml` is the file that you write: one mapping, in which every key is optional and an unknown key is refused.
`idlehands-deploy up` brings up what you have edited. [A complete example](../compose/fleet.yaml);
[a JSON Schema](../compose/fleet.schema.json), from which editors complete and check. This page is generated from the
same schema.
"""

TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "boolean",
    "array": "list",
    "object": "mapping",
}


def reference_text(schema: Mapping[str, Any]) -> str:
    """The page: a section a mapping, a row a key.

    Args:
        schema: the fleet file's JSON Schema, with a description of each key, or of the mapping that it holds.

    Raises:
        KeyError: a key has no description.
    """
    return "\n".join([INTRODUCTION, *_sections(schema, schema.get("$defs", {}), ())])


def _sections(model: Mapping[str, Any], models: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """This mapping's section, then those of the mappings in it."""
    keys = model["properties"]
    title = f"`{'.'.join(path)}`" if path else "Top level"
    rows = [_row(key, keys[key], models, path) for key in keys]
    yield "\n".join(
        [
            f"## {title}\n",
            f"{model['description']}\n",
            "| key | type | default | allowed | meaning |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )
    for key in keys:
        if inner := _model(keys[key]):
            name, inner_path = inner
            yield from _sections(models[name], models, (*path, key, *inner_path))


def _row(key: str, value: Mapping[str, Any], models: Mapping[str, Any], path: tuple[str, ...]) -> str:
    inner = _model(value)
    described = value if inner is None or "description" in value else models[inner[0]]
    kind = _kind(value)
    if inner:
        section = ".".join((*path, key, *inner[1]))
        fragment = re.sub(r"[^\w-]", "", section.lower())
        kind += f", see [`{section}`](#{fragment})"
    cells = (
        f"`{key}`",
        kind,
        "" if inner else _code(value.get("default")),
        _allowed(value),
        _line(described["description"]),
    )
    return f"| {' | '.join(cells)} |"


def _model(value: Mapping[str, Any]) -> tuple[str, tuple[str, ...]] | None:
    """The name of the mapping that a key holds, and the path from the key to it; None if it holds none."""
    if reference := value.get("$ref"):
        return str(reference).rpartition("/")[2], ()
    more = value.get("additionalProperties")
    if isinstance(more, dict) and (reference := more.get("$ref")):
        return str(reference).rpartition("/")[2], (ANY_NAME,)
    return None


def _only(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a value must be unless it is left out."""
    return next((one for one in value.get("anyOf", ()) if one["type"] != "null"), value)


def _kind(value: Mapping[str, Any]) -> str:
    value = _only(value)
    kind = TYPES[value.get("type", "object")]
    if kind == "list":
        return f"list of {TYPES[value['items']['type']]}"
    if _model(value) and "$ref" not in value:
        return "mappings by name"
    return "mapping of text" if kind == "mapping" and "$ref" not in value else kind


def _allowed(value: Mapping[str, Any]) -> str:
    match _only(value):
        case {"type": "boolean"}:
            words = [one["const"] for one in value.get("anyOf", ()) if "const" in one]
            said = ", ".join(map(_code, (True, False, *words)))
        case {"enum": values}:
            said = ", ".join(map(_code, values))
        case {"minimum": least, "maximum": most}:
            said = f"{least} to {most}"
        case {"minimum": least}:
            said = f"{least} or more"
        case {"exclusiveMinimum": least}:
            said = f"more than {least}"
        case {"maxProperties": most}:
            said = f"at most {most}"
        case {"examples": examples} | {"items": {"examples": examples}}:
            said = f"such as {', '.join(map(_code, examples))}"
        case _:
            said = ""
    return said


def _code(value: object) -> str:
    """A value as one writes it in YAML; ``None`` is a key that is left out."""
    return "none" if value is None else f"`{_yaml(value)}`"


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    # What YAML may take for a number.
    return f'"{value}"' if isinstance(value, str) and re.fullmatch(r"[\d:]+", value) else str(value)


def _line(text: str) -> str:
    """A text as a cell of a table."""
    return " ".join(text.split()).replace("|", r"\|")


if __name__ == "__main__":
    sys.stdout.write(reference_text(json_schema()))
