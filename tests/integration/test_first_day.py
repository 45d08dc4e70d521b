"""The first day of a person who edits, moves and exposes things by hand, and then only types what the tool prints."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.support.site import until
from tests.support.terminal import at_a_shell

if TYPE_CHECKING:
    from tests.support.site import Site

pytestmark = pytest.mark.engine
# What can be copied from a message: a command of this tool, or of the host, up to the end of its sentence.
COMMAND = re.compile(r"(?:idlehands-deploy|cp -p) [^;()]*?(?=$|[;()]|   )")


@dataclass
class Person:
    """Somebody in the deployment's directory, at a terminal of 80 columns."""

    site: Site
    said: list[str] = field(default_factory=list)

    def types(self, line: str) -> int:
        """Type a line, and read what it prints."""
        code, self.said = at_a_shell(self.site.root, line)
        return code

    def follows(self, number: int = 0) -> int:
        """Type a command of those that were just printed."""
        commands = [found for line in self.said for found in COMMAND.findall(line)]
        assert len(commands) > number, self.said
        return self.types(commands[number])

    def is_ready(self, name: str) -> bool:
        """Whether `status` says so, with its lines no longer than the terminal."""
        assert self.types("idlehands-deploy status") == 0, self.said
        assert [line for line in self.said if len(line) > 80] == []
        return any(re.match(rf"{name} +ready ", line) for line in self.said)


@pytest.mark.full
def test_each_surprise_of_the_first_day_ends_in_a_working_gateway_by_what_is_printed(site: Site) -> None:
    person = Person(site)
    site.write("profiles:\n  main: {stop_grace_period: 40s}\n")
    assert person.types("idlehands-deploy up") == 0
    assert person.is_ready("main")

    # The directory moves.
    site.root = site.root.rename(site.root.with_name(f"{site.root.name}-moved"))
    assert person.is_ready("main")
    assert person.follows() == 0
    assert person.is_ready("main")

    # A profile is renamed by hand.
    site.write("profiles:\n  hub: {stop_grace_period: 40s}\n")
    assert person.types("idlehands-deploy up") == 7
    assert person.follows() == 0
    assert person.is_ready("hub")

    # Its config is broken.
    config = site.config("hub")
    until("a copy of it", lambda: config.with_name(f"{config.name}.last-start").exists() or None)
    good = config.read_text()
    config.write_text(good.replace('"headless"', '"headles"'))
    assert person.types("idlehands-deploy restart") == 2
    assert person.is_ready("hub")
    person.types("idlehands-deploy restart")
    assert person.follows(-1) == 0
    assert config.read_text() == good
    assert person.types("idlehands-deploy restart") == 0
    assert person.is_ready("hub")

    # It is opened to the network; until that is applied, what runs is told as it runs.
    site.write("bind: 0.0.0.0\nprofiles:\n  hub: {stop_grace_period: 40s}\n")
    assert person.is_ready("hub")
    assert person.follows() == 0
    assert any("Other computers reach hub over plain HTTP" in line for line in person.said), person.said
    assert person.is_ready("hub")
    assert person.types("idlehands-deploy url hub") == 0
    assert any("ssh -" in line for line in person.said), person.said
