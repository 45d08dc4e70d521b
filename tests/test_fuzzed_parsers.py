"""No input makes a parser fail in another way than by its own refusal, or take a second."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.fuzzing import PARSERS, Parser

# Some inputs are thousands of characters long on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

# Of all parsers together.
MANY, FEW = 100_000, 500


def _seconds(parser: Parser, text: str) -> float:
    began = time.process_time()
    with suppress(*parser.refusals):
        parser.parse(text)
    return time.process_time() - began


def fuzz(name: str, examples: int) -> None:
    parser = PARSERS[name]

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(parser.texts)
    def every_input_is_read_or_refused(text: str) -> None:
        # Twice if need be: the first may import a library, or meet the collection of garbage.
        assert _seconds(parser, text) < 1 or _seconds(parser, text) < 1

    every_input_is_read_or_refused()


@pytest.mark.parametrize("name", PARSERS)
def test_a_few_inputs_are_read_or_refused(name: str) -> None:
    fuzz(name, FEW // len(PARSERS))


@pytest.mark.full
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", PARSERS)
def test_many_inputs_are_read_or_refused(name: str) -> None:
    fuzz(name, MANY // len(PARSERS) + 1)
