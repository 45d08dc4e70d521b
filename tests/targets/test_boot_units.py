from __future__ import annotations

from pathlib import Path

from idlehands_deploy.targets.boot_units import watch_unit_text


def test_a_watch_s_unit_says_each_word_as_systemd_reads_it() -> None:
    command, environ = ["/usr/bin/python3", "-C", '/srv/a "b" $c 100%'], {"DOCKER_CONFIG": "/srv/$c 100%"}
    lines = watch_unit_text("bots", Path("/srv"), command, environ, "", user=False).splitlines()
    # It expands variables in command lines, and nowhere else.
    assert 'ExecStart="/usr/bin/python3" "-C" "/srv/a \\"b\\" $$c 100%%"' in lines
    assert 'Environment="DOCKER_CONFIG=/srv/$c 100%%"' in lines
