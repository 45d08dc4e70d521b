"""The fleet file's JSON Schema: for editors, and the source of the reference of its keys."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from idlehands_deploy.fleet.additions import Additions
from idlehands_deploy.fleet.model import (
    Browser,
    BrowserProfile,
    Fleet,
    Notify,
    Profile,
    Publish,
    Resources,
    Snapshots,
    Watch,
)
from idlehands_deploy.fleet.rules import PROFILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel


def json_schema() -> dict[str, Any]:
    """The fleet file's JSON Schema, for editors."""
    schema = Fleet.model_json_schema()
    _describe(schema)
    schema["title"] = "idlehands-deploy fleet file"
    schema["properties"]["profiles"]["propertyNames"] = {"pattern": f"^{PROFILE_NAME}$"}
    _allow_empty(schema)
    return schema


def _describe(schema: dict[str, Any]) -> None:
    """Put the text below each attribute into the schema; pydantic would read it at every import."""
    for model in (Fleet, Profile, Browser, BrowserProfile, Publish, Resources, Watch, Notify, Snapshots):
        properties = (schema if model is Fleet else schema["$defs"][model.__name__])["properties"]
        described = dict(_descriptions(model))
        if issubclass(model, Additions):
            # pydantic puts what a model inherits first; readers want its own keys first.
            inherited = dict(_descriptions(Additions))
            properties |= {key: properties.pop(key) for key in inherited}
            described |= inherited
        for key, description in described.items():
            properties[key] = dict(sorted((properties[key] | {"description": description}).items()))


def _descriptions(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    (body,) = (node.body for node in ast.parse(inspect.getsource(model)).body if isinstance(node, ast.ClassDef))
    for attribute, text in pairwise(body):
        match attribute, text:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(said))):
                yield name, inspect.cleandoc(said)


def _allow_empty(schema: dict[str, Any]) -> None:
    """Let editors accept ``main:`` without a value, as the parser does."""
    for name in ("Profile", "BrowserProfile", "Browser", "Publish", "Resources", "Watch", "Notify", "Snapshots"):
        schema["$defs"][name]["type"] = ["object", "null"]
