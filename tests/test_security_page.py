from __future__ import annotations

import re

import pytest

from tests.support.helpers import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
TESTS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


@pytest.mark.parametrize(("module", "name"), TESTS, ids=[name for _, name in TESTS])
def test_each_claim_of_the_security_page_names_a_test_that_exists(module: str, name: str) -> None:
    assert f"\ndef {name}(" in (ROOT / module).read_text()


def test_each_line_of_the_boundaries_names_its_test() -> None:
    boundaries = PAGE.partition("## Boundaries")[2].partition("\n## ")[0]
    claims = [line for line in boundaries.splitlines() if line.startswith("| ") and "---" not in line]
    headings = [line for line in claims if "what holds" in line]
    assert len(claims) - len(headings) == len(TESTS) > 10
