from __future__ import annotations

import pytest

from idlehands_deploy.gateway.test_page import LEFT, LINE, RIGHT, flaw, look
from tests.support.pictures import png

WHITE = (255, 255, 255)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("filters", [b"\0", b"\1", b"\2", b"\3", b"\4", b"\1\4\3\2\0"])
def test_a_picture_of_the_page_is_recognised_whatever_filters_the_browser_used(filters: bytes, alpha: bool) -> None:
    picture = png(LEFT, RIGHT, filters=filters, alpha=alpha)
    assert look(picture) == (LEFT, RIGHT)
    assert flaw(picture) == ""


@pytest.mark.parametrize("colour", [WHITE, (0, 0, 0), LEFT, RIGHT])
def test_a_blank_picture_is_not_the_page_whatever_its_colour(colour: tuple[int, ...]) -> None:
    assert flaw(png(colour, colour)) == f"is blank: rgb{colour} everywhere"


def test_a_picture_of_another_page_is_not_the_page() -> None:
    assert flaw(png(RIGHT, LEFT)).startswith(f"shows rgb{RIGHT} and rgb{LEFT} instead of")
    assert flaw(png(LEFT, WHITE)).startswith(f"shows rgb{LEFT} and rgb{WHITE} instead of")


def test_a_colour_profile_may_shift_the_colours_a_little() -> None:
    shifted = tuple(min(255, value + 5) for value in LEFT)
    assert flaw(png(shifted, RIGHT)) == ""


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (b"", "is not a PNG"),
        (b"\xff\xd8\xff\xe0 a JPEG", "is not a PNG"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG without a header"),
        (png(LEFT, RIGHT)[:80], "is a damaged PNG"),
        (png(LEFT, RIGHT).replace(b"IDAT", b"xxxx"), "is a damaged PNG"),
        (png(LEFT, RIGHT, size=(40, LINE)), "has an unexpected format (40 x 16, 8 bits, colour type 2)"),
        (png(LEFT, RIGHT, size=(20000, 20)), "has an unexpected format (20000 x 20, 8 bits, colour type 2)"),
    ],
)
def test_a_file_that_is_not_a_whole_picture_is_reported(picture: bytes, said: str) -> None:
    assert flaw(picture) == said
