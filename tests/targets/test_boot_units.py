from __future__ import annotations

from pathlib import Path

import pytest

from idlehands_deploy.targets.boot_units import watch_unit_text, watched_directory


def test_every_word_in_the_watch_s_unit_is_quoted_for_systemd() -> None:
    command, environ = ["/usr/bin/python3", "-C", '/srv/a "b" $c 100%'], {"DOCKER_CONFIG": "/srv/$c 100%"}
    lines = watch_unit_text("bots", Path("/srv"), command, environ, "", user=False).splitlines()
    # It expands variables in command lines, and nowhere else.
    assert 'ExecStart="/usr/bin/python3" "-C" "/srv/a \\"b\\" $$c 100%%"' in lines
    assert 'Environment="DOCKER_CONFIG=/srv/$c 100%%"' in lines


@pytest.mark.parametrize("name", ["bots", "my bots", "100%", "a$b", 'a"b', "a\\b", "a\nb", "a\\nb", "a\rb", "ä"])
def test_the_directory_of_a_watch_is_read_back_from_its_unit(name: str) -> None:
    directory = Path("/srv") / name
    command = ["/opt/python", "-P", "-m", "idlehands_deploy", "-C", str(directory), "watch"]
    text = watch_unit_text("bots", directory, command, {}, "", user=False)
    assert watched_directory(text) == str(directory)


def test_a_unit_that_a_person_wrote_names_no_directory() -> None:
    assert watched_directory("[Service]\nExecStart=/bin/true\n") == ""
