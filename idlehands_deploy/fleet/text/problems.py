"""What pydantic finds wrong with a fleet file, in our words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from idlehands_deploy.errors import Problem
from idlehands_deploy.fleet.rules import meant, variable_part
from idlehands_deploy.fleet.text.wording import got, unspaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails


def problem_of(details: ErrorDetails, top: type[BaseModel]) -> Problem:
    """A problem in our words.

    Args:
        top: the model of the whole file.
    """
    location = [str(part) for part in details["loc"] if part != "[key]"]
    if not {"environment", "labels"}.isdisjoint(location):
        location[-1] = variable_part(location[-1])
    path = ".".join(location) or "the file"
    context: Mapping[str, Any] = details.get("ctx", {})
    kind = details["type"]
    # A secret that was pasted in the wrong place must not appear on a screen or in a log.
    private = location == ["watch"] or not {"environment", "labels", "secrets", "notify"}.isdisjoint(location)
    found = got(details["input"], private=private)
    if kind == "extra_forbidden":
        word = variable_part(location[-1])
        return Problem(
            ".".join([*location[:-1], word]),
            f"unknown key{unspaced(location[-1])}{meant(word, known_keys(top, location[:-1]))}",
        )
    if kind == "invalid_key":
        return Problem(path, "a key must be text: put it in quotes")
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return Problem(path, f"must be a mapping of keys to values{found}{unspaced(details['input'])}")
    if kind == "list_type":
        return Problem(path, f"must be a list{found}{unspaced(details['input'])}")
    if kind == "value_error":
        return Problem(path, str(context["error"]))
    message = details["msg"].removeprefix("Input should be ")
    return Problem(path, f"must be {message}{found}")


def known_keys(top: type[BaseModel], location: Sequence[str]) -> list[str]:
    """The valid keys at a place in the file."""
    model, is_name = top, False
    for part in location:
        if is_name:  # of a profile or a browser, whose values are of the model that was found
            is_name = False
            continue
        annotation = model.model_fields[part].annotation
        model = next(_models(annotation), model)
        is_name = dict in {annotation, getattr(annotation, "__origin__", None)}
    return list(model.model_fields)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """The models in a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
