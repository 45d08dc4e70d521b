"""What `up` says before it acts, besides its steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.operations import dashboard, lifecycle, profiles
from idlehands_deploy.targets.boot_units import watch_unit_name, watch_unit_text
from tests.support.engine import AWAY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.fake_site import FakeSite


def notes(site: FakeSite) -> list[str]:
    return [str(note) for note in lifecycle.prepare_up(site.session, []).notes]


def test_there_is_nothing_to_note_of_a_deployment_in_order(site: FakeSite) -> None:
    assert notes(site) == []


def test_files_without_a_profile_are_named(site: FakeSite) -> None:
    profiles.remove(site.session, "rescue", purge=False, confirm=lambda _: False)
    assert notes(site) == [
        "Note: profiles/rescue and secrets/rescue: no profile has this name; no gateway uses these files\n"
        "  use them again: idlehands-deploy add rescue   (or delete them: idlehands-deploy remove rescue --purge)"
    ]


def test_a_secret_that_no_profile_names_is_named(site: FakeSite) -> None:
    (site.root / "secrets" / "main" / "OLD_KEY").write_text("x")
    assert notes(site) == [
        "Note: secrets/main/OLD_KEY: is not listed as a secret of this profile; the gateway does not get it\n"
        "  add it to profiles.main.secrets in fleet.yaml, or delete it"
    ]


@pytest.mark.parametrize(
    ("browser", "fix"),
    [
        ("work: {}", "config set main browser.profiles.work.cdpPort 18801"),
        ("work: {cdp_url: 'http://192.0.2.1:9222'}", "config set main browser.profiles.work.cdpUrl '<the cdp_url>'"),
    ],
)
def test_a_browser_that_the_gateway_s_config_does_not_have_is_named_with_the_command_that_adds_it(
    site: FakeSite, browser: str, fix: str
) -> None:
    site.edit("main: {}", f"main: {{browser: {{profiles: {{{browser}}}}}}}")
    (said,) = notes(site)
    assert said.startswith(
        "Note: fleet.yaml:profiles.main.browser.profiles.work: profiles/main/state/idlehands.json does "
    )
    assert fix in said


def test_a_browser_of_a_new_profile_is_set_by_its_first_config(site: FakeSite) -> None:
    site.edit("rescue:", "third: {browser: {profiles: {work: {}}}}\n  rescue:")
    assert notes(site) == []


def test_a_watch_s_unit_of_a_directory_that_was_moved_is_named(site: FakeSite, tmp_path: Path) -> None:
    home = tmp_path.parent / f"{tmp_path.name}-home"
    unit = home / ".config/systemd/user" / watch_unit_name(site.session.fleet().name)
    unit.parent.mkdir(parents=True)
    session = replace(site.session, environ={"HOME": str(home)})

    def notes_with(watched: Path) -> list[str]:
        command = ["python", "-C", str(watched), "watch"]
        unit.write_text(watch_unit_text("bots", watched, command, {}, "", user=True))
        return [str(note) for note in lifecycle.prepare_up(session, []).notes]

    assert notes_with(site.root) == []
    (said,) = notes_with(home / "before")
    assert said.startswith(f"Note: {unit}: watches {home / 'before'}, which is no deployment any more; ")
    assert said.endswith("\n  idlehands-deploy install --watch")


def test_the_notes_are_said_before_anything_is_done(site: FakeSite) -> None:
    (site.root / "secrets" / "main" / "OLD_KEY").write_text("x")
    lifecycle.up(site.session, [], 5)
    assert any("OLD_KEY" in line for line in site.lines())
    lifecycle.up(site.session, [], 5)
    assert [line for line in site.lines() if "OLD_KEY" not in line] == ["main: nothing to do", "rescue: nothing to do"]


def test_a_gateway_that_is_started_again_is_said_to_be_away_for_as_long_as_its_last_start_took(site: FakeSite) -> None:
    lifecycle.up(site.session, [], 5)
    assert lifecycle.prepare_restart(site.session, ["main"]).plan.lines == [f"main: container restarted{AWAY}"]
    assert lifecycle.prepare_restart(site.session, ["main"], now=True).plan.lines == [
        "main: container restarted; down for about 8 s, and unfinished work gets 5 s"
    ]
    assert dashboard.prepare_rotation(site.session, "main").plan.lines[-1] == (
        f"main: container restarted, because it reads its token once{AWAY}"
    )


def test_a_gateway_that_does_not_run_is_not_said_to_go_down(site: FakeSite) -> None:
    lifecycle.up(site.session, [], 5)
    site.engine.there["main"] = replace(site.engine.there["main"], state="exited", exit_code=0)
    assert "down" not in "".join(lifecycle.prepare_up(site.session, ["main"]).plan.lines)
