from __future__ import annotations

from pathlib import Path

import pytest

from idlehands_deploy.targets.boot_units import unit_name, unit_text
from tests.support.helpers import run


def test_the_unit_of_a_profile_starts_the_engine_and_no_container() -> None:
    assert unit_name("bots", "rescue") == "idlehands-bots.rescue.target"
    assert unit_text("bots", "rescue", Path("/srv/bots"), user=False) == (
        "# Written by `idlehands-deploy install rescue`; `idlehands-deploy uninstall rescue` removes it.\n"
        "[Unit]\n"
        "Description=IdleHands gateway rescue of bots in /srv/bots\n"
        "Requires=docker.service\n"
        "After=docker.service\n"
        "\n"
        "[Install]\n"
        "WantedBy=multi-user.target\n"
    )


def test_a_users_own_engine_starts_with_the_users_services() -> None:
    assert "WantedBy=default.target\n" in unit_text("bots", "rescue", Path("/srv/bots"), user=True)


def test_systemd_s_special_characters_are_escaped_in_a_path() -> None:
    assert "in /srv/50%% of\n" in unit_text("b", "r", Path("/srv/50% of"), user=False)


@pytest.mark.skipif(Path("/run/systemd/system").is_dir(), reason="systemd runs here")
@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_without_systemd_the_error_says_what_to_do_instead(tmp_path: Path, command: str) -> None:
    assert run(tmp_path, "init").returncode == 0
    done = run(tmp_path, command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: systemd is not running on this host.\n"
        "Make its service manager start the engine at boot: the engine then restarts each gateway that was up.\n"
    )
