"""A hostile gateway against every command that reads what it leaves, says or prints: in time, in memory, told rightly.

The whole corpus takes a quarter of an hour; without `--full`, one gateway does much of it at once.
"""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.corpus.answers import ANSWERS
from tests.support.corpus.logs import LOGS
from tests.support.corpus.stand import COMMANDS, MEMORY, SECONDS, SECONDS_OF_BUNDLE, Ran, Stand, untouched
from tests.support.corpus.states import STATES, TOGETHER
from tests.support.hostile_answers import hostile
from tests.support.site import root_only
from tests.support.trees import deleted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = root_only


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with deleted(tmp_path / "stand"):
        (tmp_path / "stand").mkdir()
        yield Stand(tmp_path / "stand", free_ports())


def free_ports() -> int:
    """The first of twenty ports that nobody holds."""
    for base in range(34_000, 60_000, 40):
        with ExitStack() as held:
            try:
                for offset in (0, 2, 11, 20):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", base + offset))
            except OSError:
                continue
            return base
    raise AssertionError


def see(stand: Stand, command: str) -> Ran:
    """A command within its bounds, that tells nothing of what is outside, and reads nothing there."""
    with untouched(stand.outside):
        ran = stand.run(command)
    assert ran.code != 1, ran.said
    assert "Traceback" not in ran.said
    assert stand.canary not in ran.said
    assert ran.seconds < (SECONDS_OF_BUNDLE if command == "bundle" else SECONDS), command
    assert ran.memory < MEMORY, command
    return ran


@pytest.mark.full
@pytest.mark.parametrize("name", STATES)
def test_each_command_stands_a_hostile_state(stand: Stand, name: str) -> None:
    stand.make(STATES[name].make)
    said = {command: see(stand, command).said for command in COMMANDS}
    assert re.search(STATES[name].told, said["doctor"])
    assert not (stand.root / "profiles" / "main").exists()


@pytest.mark.full
@pytest.mark.parametrize("name", ANSWERS)
def test_each_command_stands_hostile_answers(stand: Stand, name: str) -> None:
    with ExitStack() as served:
        for offset in (0, 2, 11):
            served.enter_context(hostile(ANSWERS[name], stand.base + offset))
        for command in ("status", "doctor", "bundle", "watch"):
            see(stand, command)


@pytest.mark.full
@pytest.mark.parametrize("name", LOGS)
def test_each_command_stands_hostile_logs(stand: Stand, name: str) -> None:
    LOGS[name](stand.log)
    for command in ("logs", "doctor", "bundle", "watch"):
        see(stand, command)


def test_each_command_stands_much_at_once(stand: Stand) -> None:
    stand.make(lambda place: [STATES[name].make(place) for name in TOGETHER])
    LOGS["a line without an end"](stand.log)
    with hostile(ANSWERS["noise"], stand.base):
        for command in COMMANDS:
            see(stand, command)
    assert not (stand.root / "profiles" / "main").exists()
