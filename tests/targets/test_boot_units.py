from __future__ import annotations

from pathlib import Path

from idlehands_deploy.targets.boot_units import watch_unit_text


def test_every_word_in_the_watch_s_unit_is_quoted_for_systemd() -> None:
    command, environ = ["/usr/bin/python3", "-C", '/srv/a "b" $c 100%'], {"DOCKER_CONFIG": "/srv/$c 100%"}
    lines = watch_unit_text("bots", Path("/srv"), command, environ, "", user=False).splitlines()
    # It expands variables in command lines, and nowhere else.
    assert 'ExecStart="/usr/bin/python3" "-C" "/srv/a \\"b\\" $$c 100%%"' in lines
    assert 'Environment="DOCKER_CONFIG=/srv/$c 100%%"' in lines
