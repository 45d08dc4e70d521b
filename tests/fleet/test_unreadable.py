"""A fleet file that no person wrote: each is a fleet file with a problem, and never another library's error."""

from __future__ import annotations

from itertools import pairwise

import pytest

from idlehands_deploy.errors import FleetError
from idlehands_deploy.fleet.file import parse_text, profiles_node, with_profile, with_renamed_profile
from tests.support.helpers import problems

DEEP = {
    "brackets": "profiles: " + "[" * 5000,
    "braces": "profiles: " + "{a: " * 3000,
    "lines": "".join(f"{' ' * depth}a:\n" for depth in range(1500)),
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_nesting_without_end_is_a_problem(text: str) -> None:
    assert "nesting is too deep" in problems(text)


@pytest.mark.parametrize("value", ["9" * 100_000, "0x" + "f" * 100_000, "0o" + "7" * 100_000, "1e999999999"])
@pytest.mark.parametrize("place", ["base_port: {}", "profiles: {{main: {{port: {}}}}}", "profiles: {{{}: {{}}}}"])
def test_a_number_without_end_is_a_problem_that_does_not_repeat_it(place: str, value: str) -> None:
    assert 0 < len(problems(place.format(value))) < 300


@pytest.mark.parametrize(
    "value", ["!!bool x", "!!int x", "!!float x", "2026-99-99", "2026-01-01T99:99:99", '"\\U7fffffff"', "!!omap 5"]
)
def test_a_value_that_is_not_what_its_tag_says_is_a_problem(value: str) -> None:
    assert problems(f"base_port: {value}\nprofiles: {{main: {{}}}}")


def test_anchors_that_multiply_take_no_time() -> None:
    names = "abcdefghi"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in pairwise(names)]
    assert problems("\n".join(lines)).startswith("a: unknown key")


def test_a_long_text_in_a_wrong_place_is_shown_in_part() -> None:
    assert len(problems(f"base_port: {'x' * 1_000_000}\nprofiles: {{}}")) < 300


@pytest.mark.parametrize("text", ["a: !!bool x", "profiles: {main: {}}\nb: 2026-99-99", "a: " + "[" * 5000])
def test_an_edit_of_a_text_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(FleetError):
        with_profile(text, "third", {})


@pytest.mark.parametrize("text", ["a: [", "a: " + "{a: " * 3000, "a: *b"])
def test_the_place_of_a_profile_in_such_a_text_is_refused_too(text: str) -> None:
    with pytest.raises(FleetError):
        profiles_node(text)
    with pytest.raises(FleetError):
        with_renamed_profile(text, "main", "other")
    with pytest.raises(FleetError):
        parse_text(text, "fleet.yaml")
