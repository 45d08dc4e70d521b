"""Words that people know from other programs: each works, or the right one is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from idlehands_deploy.cli import app
from idlehands_deploy.cli.usage import words
from idlehands_deploy.operations import profiles
from tests.support.engine import FakeEngine, with_fakes
from tests.support.helpers import run, session, snapshot

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

PROGRAM: Any = typer.main.get_command(app)


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    """A home directory that is a deployment of main and rescue."""
    profiles.init(session(tmp_path), ["main", "rescue"])
    return tmp_path


def shown(home: Path, line: str) -> tuple[int, str, str]:
    done: subprocess.CompletedProcess[str] = run(home, *line.split())
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("help", "--help"),
        ("help up", "up --help"),
        ("help image build", "image build --help"),
        ("help ps", "status --help"),
        ("image help build", "image build --help"),
        ("list -h", "list --help"),
        ("-V", "--version"),
        ("version", "--version"),
        ("ls", "list"),
        ("ls --json", "list --json"),
        ("profiles", "list"),
        ("ps", "status"),
        ("stat main", "status main"),
        ("log -n 5", "logs --tail 5"),
        ("logs --tail=all", "logs"),
        ("logs -t", "logs"),
        ("ports all", "ports main rescue"),
        ("restart all", "restart"),
        ("exec -it main browser", "exec main browser"),
        ("exec -T main browser", "exec main browser"),
        ("mv main other --dry-run", "rename main other --dry-run"),
    ],
)
def test_a_word_of_another_program_does_the_same_as_ours(deployment: Path, typed: str, meant: str) -> None:
    said = shown(deployment, typed)
    assert said == shown(deployment, meant)
    assert "No such" not in said[2]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("pull", "`idlehands-deploy up` pulls an image that is missing"),
        ("rm main", "`idlehands-deploy down NAME` removes a container"),
        ("update", "A newer gateway: "),
        ("run main", "`idlehands-deploy exec NAME ...` runs the gateway's own command"),
        ("help pull", "`idlehands-deploy up` pulls an image that is missing"),
        ("up --build", "First build the image: `idlehands-deploy image build`."),
        ("stop -t 5", "--now allows five seconds"),
        ("stop -t5 main", "--now allows five seconds"),
        ("restart --time 5", "--now allows five seconds"),
        ("down -v", "`idlehands-deploy remove NAME --purge`"),
        ("ps -a", "No name means all."),
        ("up --profile main", "Name the profile without an option"),
        ("--profile main status", "Name the profile without an option"),
        ("-f fleet.yaml up", "-C DIRECTORY"),
        ("status --format json", "--json"),
        ("exec main bash", "In its container: idlehands-deploy shell main"),
        ("exec -it main /bin/sh", "In its container: idlehands-deploy shell main"),
        ("exec main bash -c ls", "In its container: idlehands-deploy exec --raw main bash -c ls"),
        ("ports all main", "Name some profiles, or all."),
    ],
)
def test_the_right_word_is_named_with_exit_code_2_and_nothing_is_changed(
    deployment: Path, typed: str, sentence: str
) -> None:
    before = snapshot(deployment)
    code, out, err = shown(deployment, typed)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 2
    assert snapshot(deployment) == before


@pytest.mark.parametrize(
    ("typed", "guess"),
    [
        ("staus", "Did you mean 'status'"),
        ("help staus", "Did you mean 'status'"),
        ("image bild", "Did you mean 'build'"),
        ("logs --tial 5", "(Possible options: --tail)"),
    ],
)
def test_a_misspelled_command_or_option_is_reported_with_the_nearest_one(
    deployment: Path, typed: str, guess: str
) -> None:
    code, _, err = shown(deployment, typed)
    assert code == 2
    assert guess in err


@pytest.mark.parametrize("value", ["x", "-1", "1.5", ""])
def test_a_number_of_lines_is_a_number_or_all(deployment: Path, value: str) -> None:
    done = run(deployment, "logs", f"--tail={value}")
    assert done.returncode == 2
    assert "must be a number of lines, or all" in done.stderr


def test_the_directory_may_stand_after_the_command_too(
    deployment: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for line in (f"list -C {deployment}", f"ports all --directory={deployment}", f"image -C {deployment} build -h"):
        first, *rest = [word for word in line.split() if word not in {"-C", str(deployment)} and "=" not in word]
        assert shown(elsewhere, line) == shown(elsewhere, " ".join(["-C", str(deployment), first, *rest]))
    _, _, err = shown(elsewhere, f"ports gone -C {deployment}")
    assert err.endswith(f"See them: idlehands-deploy -C {deployment} list\n")


def test_what_follows_the_name_in_exec_belongs_to_the_gateway(deployment: Path) -> None:
    _, _, err = shown(deployment, "exec main git -C /nonexistent --version")
    assert "No Docker Engine answers" in err


def test_a_hint_repeats_the_directory_of_the_call(deployment: Path) -> None:
    for line in (f"-C {deployment} pull", f"-C {deployment} up --build"):
        assert f"idlehands-deploy -C {deployment} image build" in shown(deployment, line)[2]


def test_a_profile_named_all_is_that_profile(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main", "all"])
    assert shown(tmp_path, "ports all") != shown(tmp_path, "ports")
    assert "all      gateway " in shown(tmp_path, "ports all")[1]
    assert shown(tmp_path, "ports all main")[0] == 0


def test_up_all_adds_no_profile_of_that_name(monkeypatch: pytest.MonkeyPatch, deployment: Path) -> None:
    with_fakes(monkeypatch, FakeEngine(None))
    monkeypatch.setattr("idlehands_deploy.planning.guards.port_conflicts.listen_error", lambda *_: None)
    before = snapshot(deployment)
    for line in (["up", "all", "--dry-run"], ["up", "-d", "--dry-run"]):
        with pytest.raises(SystemExit) as done:
            PROGRAM(["-C", str(deployment), *line])
        assert not done.value.code
    assert snapshot(deployment) == before


def test_no_word_hides_a_command_and_each_names_commands_that_exist() -> None:
    assert not {*words.SAME[""], *words.INSTEAD} & set(PROGRAM.commands)
    for sentence in (*words.INSTEAD.values(), *words.OPTIONS.values(), *words.ANYWHERE.values()):
        for command in sentence.split("`")[1::2]:
            first = command.split()[0]
            assert first in {*PROGRAM.commands, "--version"}, sentence


def test_the_help_page_shows_none_of_these_words(tmp_path: Path) -> None:
    said = {line.split()[0] for line in run(tmp_path, "--help").stdout.splitlines() if line.strip()}
    assert said >= set(PROGRAM.commands)
    assert not said & {"help", *words.SAME[""], *words.INSTEAD}
    assert "--detach" not in run(tmp_path, "up", "--help").stdout
    assert "--directory" not in run(tmp_path, "up", "--help").stdout
