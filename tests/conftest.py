from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.helpers import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", action="store_true", help="Run the tests that need a Docker Engine.")
    parser.addoption("--full", action="store_true", help="Run the tests that take minutes each, too.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for option in ("engine", "full"):
        if config.getoption(f"--{option}"):
            continue
        for item in items:
            if item.get_closest_marker(option):
                item.add_marker(pytest.mark.skip(reason=f"needs --{option}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from tests.support.gauntlet import PROPERTY, table

    reports: list[object] = [each for some in terminalreporter.stats.values() for each in some]
    calls = [each for each in reports if isinstance(each, pytest.TestReport) and each.when == "call"]
    calls.sort(key=lambda call: call.start)
    rows: list[Any] = [value for call in calls for name, value in call.user_properties if name == PROPERTY]
    if rows:
        terminalreporter.section("gauntlet")
        for line in table(rows):
            terminalreporter.write_line(line)


def pytest_collection_finish() -> None:
    # Thousands of tests are a large heap, and each look for garbage would go through all of it again.
    gc.collect()
    gc.freeze()


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """Be an ordinary user, also when root runs the tests; gives a directory of that user's."""
    with tempfile.TemporaryDirectory(prefix="idlehands-tests-") as name:
        if os.geteuid():
            yield Path(name)
            return
        os.chown(name, NOBODY, NOBODY)
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)
            os.setegid(0)
