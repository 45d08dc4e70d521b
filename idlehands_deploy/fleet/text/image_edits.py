"""Edits of the image of a profile: by position in the fleet file's text, so that every comment stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.fleet.file import fill_empty, top_node
from idlehands_deploy.fleet.text.secret_edits import find_pair, pairs_of, profile_pair, with_new

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = "image"


def with_image(text: str, name: str, image: str | None) -> str:
    """Give a profile an image of its own; None takes it away. The caller sees whether the text means that now."""
    profile = profile_pair(text, name)[1]
    found = find_pair(profile, KEY)
    if image is None:
        return text if found is None else _without(text, name)
    if not pairs_of(profile):
        return fill_empty(text, {name: f"{{{KEY}: {image}}}"})
    if found is None:
        return with_new(text, name, f"{KEY}: {image}")
    value = found[1]
    return f"{text[: value.start_mark.index]}{image}{text[value.end_mark.index :]}"


def with_fleet_image(text: str, image: str, names: Iterable[str]) -> str:
    """Make an image the fleet's, and take it from the profiles that have it as their own.

    The caller sees whether the text means that now.
    """
    for name in names:
        text = with_image(text, name, None)
    top = top_node(text)
    found = find_pair(top, KEY)
    if found is None:
        first = top.value[0][0].start_mark.index
        return f"{text[:first]}{KEY}: {image}\n{text[first:]}"
    value = found[1]
    return f"{text[: value.start_mark.index]}{image}{text[value.end_mark.index :]}"


def _without(text: str, name: str) -> str:
    profile = profile_pair(text, name)[1]
    pairs = pairs_of(profile)
    key, value = find_pair(profile, KEY)
    if not profile.flow_style:
        lines = text.splitlines(keepends=True)
        del lines[key.start_mark.line : value.end_mark.line + 1]
        return "".join(lines)
    index = [pair[0].value for pair in pairs].index(KEY)
    begin = pairs[index - 1][1].end_mark.index if index else key.start_mark.index
    end = pairs[1][0].start_mark.index if not index and len(pairs) > 1 else value.end_mark.index
    return text[:begin] + text[end:]
