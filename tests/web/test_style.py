"""Whether everybody can read the page: its colours have enough contrast, in light and in dark."""

from __future__ import annotations

import re

import pytest

from tests.support.helpers import PACKAGE

CSS = (PACKAGE / "web" / "static" / "page.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    for block in re.findall(r":root \{(.*?)\n *\}", CSS, re.DOTALL)
)
TEXTS = ("ink", "quiet", "accent", "ok", "warn", "busy", "bad", "off")
FILLS = ("ok-fill", "warn-fill", "busy-fill", "bad-fill", "off-fill")


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "panel", "soft"])
@pytest.mark.parametrize("text", TEXTS)
def test_every_text_can_be_read_on_every_ground(theme: dict[str, str], ground: str, text: str) -> None:
    assert contrast(theme[text], theme[ground]) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("fill", FILLS)
def test_what_a_bar_shows_stands_out_from_the_panel(theme: dict[str, str], fill: str) -> None:
    assert contrast(theme[fill], theme["panel"]) >= 3


def test_dark_changes_every_colour() -> None:
    assert set(LIGHT) == set(DARK)
