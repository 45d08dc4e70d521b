from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.session import Session
from idlehands_deploy.host.systemd import Systemd
from idlehands_deploy.operations.boot import install_watch
from idlehands_deploy.targets.boot_units import unit_name, unit_text
from tests.support.helpers import run

if TYPE_CHECKING:
    from tests.support.fake_site import FakeSite


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


@pytest.mark.parametrize(
    ("notify", "is_told"), [("command: [/bin/true]", True), ("ntfy: 'https://192.0.2.1/a'", False)]
)
def test_installing_the_watch_says_that_a_person_s_command_has_its_limits(
    site: FakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notify: str, *, is_told: bool
) -> None:
    # No systemd runs in a test, and root would refuse a command that others can change.
    monkeypatch.setattr(Session, "systemd", lambda _: Systemd(user=True, units=tmp_path))
    monkeypatch.setattr(Systemd, "_run", lambda *_, **__: "")
    monkeypatch.setattr("idlehands_deploy.operations.boot.check_notify", lambda *_: None)
    site.edit("profiles:", f"watch: {{notify: {{{notify}}}}}\nprofiles:")
    install_watch(site.session, None)
    said = [
        line for line in site.lines() if line.startswith("watch.notify.command runs within the limits of idlehands-")
    ]
    assert [line.partition(": ")[2].partition(" idle")[0] for line in said] == ["systemctl --user edit"] * is_told
