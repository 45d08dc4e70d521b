"""`config show`, `check`, `edit` and `set`, on the fake engine: the gateway's own word is what the test says it is."""

from __future__ import annotations

import json
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.errors import ConfigError, DirectoryError, EngineFailedError, StateRefusedError, UsageError
from idlehands_deploy.operations import config, lifecycle
from tests.support.helpers import mode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from idlehands_deploy.errors import Problem
    from tests.support.fake_site import FakeSite

COMMENTED = """\
{
  gateway: {mode: "local", bind: "lan"}, // reachable
  agents: {$include: "agents.json5"},
}
"""
REFUSED = json.dumps({"valid": False, "issues": [{"path": "gateway.bnid", "message": "Unrecognized key"}]})
LOG = "T [reload] config change detected; evaluating reload (agents)", "T [reload] config hot reload applied (agents)"


@pytest.fixture
def main(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Main's config, with a file that it includes."""
    monkeypatch.setattr("idlehands_deploy.operations.config.change.READ", 0)
    monkeypatch.setattr("idlehands_deploy.operations.config.change.SAID", 0)
    path = site.root / "profiles" / "main" / "state" / "idlehands.json"
    path.write_text(COMMENTED)
    path.with_name("agents.json5").write_text("{defaults: {workspace: '~/workspace'}} // theirs\n")
    return path


def editor(site: FakeSite, main: Path, script: str) -> None:
    """An editor that changes its file as the script says."""
    program = main.parent.parent / "editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    environ: Any = site.session.environ
    environ["VISUAL"] = f"{program} --wait"


def never(_: Sequence[Problem]) -> bool:
    raise AssertionError("nobody asks")


def test_a_value_is_set_where_it_takes_effect_and_nothing_else_changes(site: FakeSite, main: Path) -> None:
    main.chmod(0o640)
    saved = config.set_value(site.session, "main", "gateway.bind", "loopback")
    assert saved.file == main
    assert main.read_text() == COMMENTED.replace('bind: "lan"', 'bind: "loopback"')
    assert mode(main) == "0o640"
    saved = config.set_value(site.session, "main", "agents.defaults.workspace", "~/other")
    assert saved.file == main.with_name("agents.json5")
    assert main.with_name("agents.json5").read_text() == '{defaults: {workspace: "~/other"}} // theirs\n'
    assert not [path for path in site.root.iterdir() if path.name.startswith(".config-")]


def test_a_value_that_is_there_already_asks_nobody(site: FakeSite, main: Path) -> None:
    assert config.set_value(site.session, "main", "gateway.bind", "lan").file is None
    assert not site.engine.calls["run_one_off"]
    assert main.read_text() == COMMENTED


def test_what_the_gateway_would_refuse_is_not_set(site: FakeSite, main: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([REFUSED, "", '{"valid": true}'])
    monkeypatch.setattr(site.engine, "run_one_off", lambda *_: next(said))
    with pytest.raises(ConfigError, match=r"gateway\.bnid: Unrecognized key"):
        config.set_value(site.session, "main", "gateway.bnid", "lan")
    assert main.read_text() == COMMENTED


def test_one_of_two_problems_can_be_mended(site: FakeSite, main: Path) -> None:
    site.engine.validation = REFUSED
    saved = config.set_value(site.session, "main", "gateway.bind", "loopback")
    assert [str(problem) for problem in saved.left] == ["gateway.bnid: Unrecognized key"]
    assert '"loopback"' in main.read_text()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("", "1", "is empty"),
        ("gateway..bind", "1", "is not a path"),
        ("gateway.mode.x", "1", "holds no x"),
        ("gateway", "{mode: ", "is not JSON5"),
        ("agents", "{}", r"comes from agents\.json5"),
    ],
)
def test_a_key_or_value_that_cannot_be_is_refused(site: FakeSite, main: Path, key: str, value: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        config.set_value(site.session, "main", key, value)
    assert main.read_text() == COMMENTED


def test_a_link_that_a_gateway_made_is_not_followed(site: FakeSite, main: Path) -> None:
    target = site.root / "fleet.yaml"
    before = target.read_text()
    for path in (main, main.with_name("agents.json5")):
        text = path.read_text()
        path.unlink()
        path.symlink_to(target)
        with pytest.raises((DirectoryError, UsageError)):
            config.set_value(site.session, "main", "agents.defaults.workspace", "x")
        with pytest.raises((DirectoryError, UsageError)):
            config.edit(site.session, "main", None if path == main else "agents.json5", never)
        with suppress(DirectoryError):
            assert before not in [item.text for item in config.show(site.session, "main", raw=True)]
            assert f"{main}: includes agents.json5, which is a link to a file outside" in str(site.lines())
        path.unlink()
        path.write_text(text)
    assert target.read_text() == before


def test_an_edit_is_saved_once_it_is_accepted(site: FakeSite, main: Path) -> None:
    editor(site, main, """test "$1" = --wait && sed -i 's/"lan"/"loopback"/' "$2" """)
    saved = config.edit(site.session, "main", None, never)
    assert saved
    assert saved.file == main
    assert main.read_text() == COMMENTED.replace('"lan"', '"loopback"')


def test_an_edit_of_an_included_file_is_checked_with_the_whole(site: FakeSite, main: Path) -> None:
    editor(site, main, "echo '{defaults: {}}' > \"$2\"")
    site.engine.validation = "no judgement"
    saved = config.edit(site.session, "main", "agents.json5", never)
    assert saved
    assert not saved.is_asked
    assert main.with_name("agents.json5").read_text() == "{defaults: {}}\n"
    with pytest.raises(UsageError, match=r"it consists of: agents\.json5, idlehands\.json"):
        config.edit(site.session, "main", "other.json5", never)


@pytest.mark.parametrize("again", [True, False])
def test_a_refused_edit_is_made_again_or_discarded(site: FakeSite, main: Path, again: bool) -> None:
    editor(site, main, """grep -q loopback "$2" && echo '{' > "$2" || sed -i 's/"lan"/"loopback"/' "$2" """)
    site.engine.validation = REFUSED
    asked: list[list[str]] = []

    def answer(problems: Sequence[Problem]) -> bool:
        asked.append([str(problem) for problem in problems])
        return again and len(asked) == 1

    assert config.edit(site.session, "main", None, answer) is None
    assert asked[0] == ["gateway.bnid: Unrecognized key"]
    assert asked[1:] == ([["idlehands.json: is not JSON5 at line 2, column 1"]] if again else [])
    assert main.read_text() == COMMENTED


def test_an_edit_overwrites_nothing_that_changed_meanwhile_and_keeps_the_copy(site: FakeSite, main: Path) -> None:
    editor(site, main, f'sed -i \'s/"lan"/"loopback"/\' "$2"; echo \'{{gateway: {{mode: "local"}}}}\' > {main}')
    with pytest.raises(StateRefusedError, match="changed meanwhile: nothing was saved") as caught:
        config.edit(site.session, "main", None, never)
    assert main.read_text() == '{gateway: {mode: "local"}}\n'
    copy = str(caught.value.remedy).splitlines()[0].removeprefix("Your copy is kept: ")
    assert f"diff {main} {copy}" in str(caught.value.remedy)
    with open(copy) as kept:  # noqa: PTH123 - the name is a message's
        assert "loopback" in kept.read()
        assert stat.S_IMODE(main.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("script", "said"), [("exit 3", "ended with exit code 3: nothing was saved"), (None, "cannot be run")]
)
def test_a_failed_editor_changes_nothing(site: FakeSite, main: Path, script: str | None, said: str) -> None:
    editor(site, main, script or "")
    if script is None:
        (main.parent.parent / "editor").unlink()
    with pytest.raises(UsageError, match=said):
        config.edit(site.session, "main", None, never)
    assert main.read_text() == COMMENTED


def test_an_edit_that_changes_nothing_asks_nobody(site: FakeSite, main: Path) -> None:
    editor(site, main, "true")
    saved = config.edit(site.session, "main", None, never)
    assert saved
    assert saved.file is None
    assert not site.engine.calls["run_one_off"]
    assert main.read_text() == COMMENTED


@pytest.mark.parametrize(
    ("log", "effect"),
    [
        (LOG, "main applied it while running: agents."),
        (LOG[:1], "main has read it while running: agents."),
        (
            ("T [reload] config change requires gateway restart (gateway.port) — preparing",),
            "main restarts by itself for gateway.port. Wait for it: idlehands-deploy health main --wait",
        ),
        (
            ("T [reload] config reload disabled (gateway.reload.mode=off)",),
            "gateway.reload.mode is off, so that it takes effect after: idlehands-deploy restart main",
        ),
        ((), "main has not said what it does about it. To be certain: idlehands-deploy restart main"),
    ],
)
def test_a_running_gateway_tells_what_takes_effect(
    site: FakeSite, main: Path, monkeypatch: pytest.MonkeyPatch, log: tuple[str, ...], effect: str
) -> None:
    lifecycle.up(site.session, ["main"], 1)
    assert main.exists()
    monkeypatch.setattr(site.engine, "last_logs", lambda *_, **__: list(log))
    saved = config.set_value(site.session, "main", "agents.defaults.workspace", "~/other")
    assert str(saved.effect) == effect


def test_a_gateway_that_does_not_run_takes_a_change_when_it_starts(site: FakeSite, main: Path) -> None:
    assert main.exists()
    saved = config.set_value(site.session, "main", "gateway.bind", "loopback")
    assert str(saved.effect) == "It takes effect when main starts: idlehands-deploy up main"


def test_a_check_asks_the_gateway_also_about_what_it_accepted_before(site: FakeSite, main: Path) -> None:
    main.with_name("idlehands.json.last-good").write_text(COMMENTED)
    site.engine.validation = REFUSED
    found = {item.profile: [str(problem) for problem in item.problems] for item in config.check(site.session, [])}
    assert found == {"main": ["gateway.bnid: Unrecognized key"], "rescue": ["gateway.bnid: Unrecognized key"]}


def test_a_check_that_cannot_ask_fails_unless_something_is_plainly_wrong(site: FakeSite, main: Path) -> None:
    site.engine.built = None
    with pytest.raises(EngineFailedError, match="there is no image"):
        config.check(site.session, ["main"])
    main.write_text("{")
    assert [str(problem) for problem in config.check(site.session, ["main"])[0].problems] == [
        "is not JSON5 at line 1, column 2"
    ]


def test_a_config_is_shown_without_secrets_with_the_files_that_it_includes(site: FakeSite, main: Path) -> None:
    token = secrets.token_hex(16)
    main.write_text(COMMENTED.replace('bind: "lan"', f'auth: {{token: "{token}"}}'))
    shown = config.show(site.session, "main", raw=False)
    assert [item.place for item in shown] == [str(main), str(main.with_name("agents.json5"))]
    assert "// reachable" in shown[0].text
    assert "// theirs" in shown[1].text
    assert token not in shown[0].text
    assert token in config.show(site.session, "main", raw=True)[0].text
    value = config.effective(site.session, "main", raw=False)
    assert value["agents"] == {"defaults": {"workspace": "~/workspace"}}
    assert value["gateway"]["auth"]["token"] == "<removed>"  # noqa: S105 - what stands in its place
