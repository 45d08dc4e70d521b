"""Edits of the secrets that a fleet file names: by position in its text, so that every comment stays where it is."""

from __future__ import annotations

from typing import Any

from idlehands_deploy.fleet.file import belongs_to_the_next, fill_empty, key_text, profiles_node

KEY = "secrets"


def with_secret(text: str, name: str, secret: str) -> str:
    """Name a secret under a profile. The caller sees whether the text means that now."""
    secret = key_text(secret)
    profile = profile_pair(text, name)[1]
    if not pairs_of(profile):
        return fill_empty(text, {name: f"{{{KEY}: [{secret}]}}"})
    pair = find_pair(profile, KEY)
    if pair is None:
        return with_new(text, name, f"{KEY}: [{secret}]")
    listed = pair[1]
    if not listed.value:
        return f"{text[: listed.start_mark.index]}[{secret}]{text[listed.end_mark.index :]}"
    last = listed.value[-1]
    if listed.flow_style:
        return f"{text[: last.end_mark.index]}, {secret}{text[last.end_mark.index :]}"
    return _with_line(text, last.end_mark.line + 1, f"{' ' * listed.start_mark.column}- {secret}")


def without_secret(text: str, name: str, secret: str) -> str:
    """Take a secret out of a profile's. The caller sees whether the text means that now."""
    found = find_pair(profile_pair(text, name)[1], KEY)
    if found is None:
        return text
    key, listed = found
    names = [item.value for item in listed.value]
    index = names.index(secret)
    item = listed.value[index]
    if listed.flow_style:
        begin = listed.value[index - 1].end_mark.index if index else item.start_mark.index
        end = listed.value[1].start_mark.index if not index and len(names) > 1 else item.end_mark.index
        return text[:begin] + text[end:]
    lines = text.splitlines(keepends=True)
    del lines[item.start_mark.line]
    if len(names) == 1:
        line = key.end_mark.line
        colon = lines[line].index(":", key.end_mark.column) + 1
        lines[line] = f"{lines[line][:colon]} []{lines[line][colon:]}"
    return "".join(lines)


def with_new(text: str, name: str, written: str) -> str:
    """The text with a new key, written with its value, for a profile that has settings."""
    key, profile = profile_pair(text, name)
    pairs = pairs_of(profile)
    if profile.flow_style:
        end = pairs[-1][1].end_mark.index
        return f"{text[:end]}, {written}{text[end:]}"
    lines = text.splitlines(keepends=True)
    end = len(lines) if profile.end_mark.index == len(text) else profile.end_mark.line
    while end > key.start_mark.line + 1 and belongs_to_the_next(lines[end - 1], key.start_mark.column):
        end -= 1
    return _with_line(text, end, f"{' ' * pairs[0][0].start_mark.column}{written}")


def _with_line(text: str, index: int, line: str) -> str:
    lines = text.splitlines(keepends=True)
    if index == len(lines) and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join([*lines[:index], f"{line}\n", *lines[index:]])


def profile_pair(text: str, name: str) -> Any:  # noqa: ANN401 - ruamel.yaml's nodes have no public type
    """The key and the value of a profile."""
    return next(pair for pair in profiles_node(text).value if pair[0].value == name)


def find_pair(mapping: Any, key: str) -> Any:  # noqa: ANN401
    """A key of a mapping with its value; None if it has none."""
    return next((pair for pair in pairs_of(mapping) if pair[0].value == key), None)


def pairs_of(node: Any) -> list[Any]:  # noqa: ANN401
    """The keys of a mapping with their values; empty for what is no mapping."""
    return node.value if isinstance(node.value, list) else []
