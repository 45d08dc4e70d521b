"""The program in surroundings that something is wrong with: never a traceback, always the next thing to do."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import shlex
import socket
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING

import pytest
import typer.main

from idlehands_deploy.cli import app
from idlehands_deploy.deployment.directory import Deployment, find_deployment
from idlehands_deploy.deployment.session import Session
from idlehands_deploy.engine import client, connection
from idlehands_deploy.errors import DeployError, DirectoryError, EngineForbiddenError
from idlehands_deploy.operations import profiles
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show.output import remember_directory, written
from tests.support.helpers import Quiet, check_status, clean_environ, run, session, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

PROGRAM = f"{shlex.quote(sys.executable)} -m idlehands_deploy"
TROUBLE = ("Traceback", "Exception ignored", "BrokenPipeError", "lost sys.stderr")


def shell(home: Path, script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script in which `idlehands-deploy` is this program."""
    return subprocess.run(
        ["bash", "-c", f'idlehands-deploy() {{ {PROGRAM} "$@"; }}\n{script}'],
        cwd=home, env=clean_environ(home, **environ), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip


def calm(shown: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert [word for word in TROUBLE if word in shown.stdout + shown.stderr] == [], shown.stderr
    return shown


@pytest.fixture
def docker_s_sockets() -> Iterator[None]:
    """docker-py leaves the sockets of failed connections to the garbage collector."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    """A home directory that is a deployment of main."""
    profiles.init(session(tmp_path), ["main"])
    return tmp_path


@pytest.mark.parametrize(
    "host", ["tcp://[::1", "tcp://127.0.0.1:99999", "tcp://127.0.0.1:many", "nonsense", "tcp://", "ftp://x"]
)
def test_an_engine_s_address_that_makes_no_sense_exits_with_2_and_is_told(deployment: Path, host: str) -> None:
    shown = calm(run(deployment, "status", DOCKER_HOST=host))
    assert shown.returncode == 2, shown.stderr
    assert "DOCKER_HOST" in shown.stderr


@pytest.mark.parametrize("meta", ["", "{", "[]", "null", '{"Endpoints": 1}'])
def test_a_docker_context_whose_file_is_corrupt_exits_with_2_and_is_told(deployment: Path, meta: str) -> None:
    path = deployment / ".docker" / "contexts" / "meta" / hashlib.sha256(b"mine").hexdigest() / "meta.json"
    path.parent.mkdir(parents=True)
    path.write_text(meta, encoding="utf-8")
    shown = calm(run(deployment, "status", DOCKER_HOST="", DOCKER_CONTEXT="mine"))
    assert shown.returncode == 2, shown.stderr
    assert shown.stderr.startswith("Error: ")


@pytest.mark.parametrize("current", [1, ["x"], {"a": 1}])
def test_a_current_context_of_a_wrong_type_exits_with_2_and_is_told(deployment: Path, current: object) -> None:
    config = deployment / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"currentContext": current}), encoding="utf-8")
    shown = calm(run(deployment, "status", DOCKER_HOST=""))
    assert shown.returncode == 2, shown.stderr
    assert shown.stderr.startswith("Error: ")


@pytest.mark.usefixtures("docker_s_sockets")
def test_an_engine_that_you_may_not_use_exits_with_4_and_nothing_is_offered(
    ordinary_user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ordinary_user / "docker.sock"
    offers: list[str] = []

    def agree(what: str) -> bool:
        offers.append(what)
        return True

    # The host's own socket may be open to whoever runs the tests.
    monkeypatch.setattr(connection, "DEFAULT_SOCKET", f"unix://{path}")
    assert client
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0)
        asked = Session(
            Deployment(ordinary_user),
            {"DOCKER_CONTEXT": "default"},
            Quiet(),
            agree,
        )
        with pytest.raises(EngineForbiddenError) as caught:
            asked.engine()
    assert caught.value.exit_code == 4
    assert "sudo usermod -aG docker" in str(caught.value.remedy)
    assert offers == []


# What talks, what is asked for data, and what fails, each with each; the others with none at all.
ALL = "<&- >&- 2>&-"
CLOSED = [(command, closed) for command in ("ports", "generate", "url gone") for closed in ("<&-", ">&-", "2>&-", ALL)]


@pytest.mark.parametrize(("command", "closed"), [*CLOSED, ("--help", ALL), ("status", ALL)])
def test_a_stream_that_is_closed_is_no_trouble(deployment: Path, command: str, closed: str) -> None:
    shown = calm(shell(deployment, f"idlehands-deploy {command} {closed}"))
    assert shown.returncode == {"status": 4, "url gone": 2}.get(command, 0)


def test_nothing_is_written_into_a_file_for_a_stream_that_is_closed(deployment: Path) -> None:
    before = snapshot(deployment)
    calm(
        shell(
            deployment, "idlehands-deploy ports >&- ; idlehands-deploy generate 2>&- ; idlehands-deploy url gone 2>&-"
        )
    )
    assert snapshot(deployment) == before


def test_a_working_directory_that_is_deleted_is_no_trouble(tmp_path: Path) -> None:
    shown = calm(shell(tmp_path, "mkdir gone; cd gone; rmdir ../gone; idlehands-deploy ports"))
    assert shown.returncode == 2
    assert f"There is no fleet file at {tmp_path}/.local/share/idlehands-deploy/fleet.yaml." in shown.stderr


def test_init_makes_nothing_when_the_working_directory_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.delenv("IDLEHANDS_DEPLOY_DIR", raising=False)
    # In its place, so that a failure of this test writes nowhere.
    made: list[Path] = []
    monkeypatch.setattr(profiles, "init", lambda session, _: made.append(session.deployment.root))
    with pytest.raises(DeployError) as caught:
        typer.main.get_command(app)(["init"], standalone_mode=False)
    assert caught.value.exit_code == 2
    assert made == []


def test_a_program_without_home_says_how_to_name_a_directory(tmp_path: Path) -> None:
    with pytest.raises(DirectoryError) as caught:
        find_deployment(None, {}, tmp_path, None)
    assert str(caught.value) == "You have no home directory for a deployment.\nGive a directory with -C."
    assert find_deployment(tmp_path, {}, tmp_path, None).root == tmp_path
    assert find_deployment(None, {"XDG_DATA_HOME": "/x"}, tmp_path, None).root.as_posix() == "/x/idlehands-deploy"


@pytest.mark.parametrize("command", ["-C . ports", "-C ~nobody-of-this-name ports", "--help"])
def test_an_unset_home_gives_no_traceback(deployment: Path, command: str) -> None:
    calm(shell(deployment, f"unset HOME; idlehands-deploy {command}"))


def test_a_reader_who_has_seen_enough_of_a_long_table_is_no_trouble(tmp_path: Path) -> None:
    profiles = ", ".join(f"p{number}: {{}}" for number in range(400))
    (tmp_path / "fleet.yaml").write_text(f"{{spacing: 20, profiles: {{{profiles}}}}}\n", encoding="utf-8")
    shown = calm(shell(tmp_path, "idlehands-deploy ports | head -1"))
    assert shown.stdout == "PROFILE  PURPOSE          ADDRESS    PORT\n"
    assert shown.stderr == ""


@pytest.mark.parametrize("command", ["ports", "ports --json", "list", "--version", "--help", "token main"])
def test_a_reader_who_is_gone_before_a_short_answer_is_no_trouble(deployment: Path, command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stdout:
        shown = subprocess.run(
            [sys.executable, "-m", "idlehands_deploy", *command.split()], cwd=deployment, env=clean_environ(deployment),
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, timeout=30,
        )  # fmt: skip
    assert shown.stderr == ""


@pytest.mark.parametrize("names", ["", " main", " new"])
def test_a_fleet_file_that_is_wrong_is_told_by_up_before_an_engine_is_looked_for(tmp_path: Path, names: str) -> None:
    (tmp_path / "fleet.yaml").write_text("profiles: {main: {prot: 1}}\n", encoding="utf-8")
    shown = calm(run(tmp_path, *f"up{names}".split()))
    assert shown.returncode == 2
    assert "profiles.main.prot: unknown key" in shown.stderr


@pytest.mark.parametrize("command", ["up", "up main", "up new", "start", "restart main"])
def test_a_good_fleet_file_and_no_engine_exit_with_4(deployment: Path, command: str) -> None:
    shown = calm(run(deployment, *command.split()))
    assert (shown.returncode, shown.stdout) == (4, "")


def test_without_an_engine_status_says_of_each_profile_that_it_is_unknown_and_exits_with_4(deployment: Path) -> None:
    shown = calm(run(deployment, "status"))
    assert shown.returncode == 4
    assert [line.split()[:2] for line in shown.stdout.splitlines()[1:2]] == [["main", "unknown"]]
    assert "main is unknown: No Docker Engine answers" in shown.stdout
    assert "Error: No Docker Engine answers" in shown.stderr
    said = calm(run(deployment, "status", "--json"))
    check_status(json.loads(said.stdout))
    assert (said.returncode, json.loads(said.stdout)["engine"]["reachable"]) == (4, False)


@pytest.fixture
def named() -> Iterator[None]:
    """The directory of a call is kept for the process."""
    yield
    remember_directory(None)


@pytest.mark.usefixtures("named")
def test_a_command_to_type_repeats_the_directory_of_this_call(tmp_path: Path) -> None:
    remember_directory(None)
    assert written(Remedy("Next: ", ours("up", "main"))) == "Next: idlehands-deploy up main"
    remember_directory(tmp_path)
    assert written(Remedy(ours("up", "a"), ", then: ", ours("url", "a"))) == (
        f"idlehands-deploy -C {tmp_path} up a, then: idlehands-deploy -C {tmp_path} url a"
    )


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize("name", ["my fleet", "it's", "$HOME", "back\\slash", "\\1", "\\g<0>"])
def test_a_directory_of_an_odd_name_can_be_pasted_into_a_shell(tmp_path: Path, name: str) -> None:
    remember_directory(tmp_path / name)
    assert shlex.split(written(Remedy.run("up", "main"))) == [
        "idlehands-deploy",
        "-C",
        str(tmp_path / name),
        "up",
        "main",
    ]


def test_an_error_names_the_directory_that_was_given(tmp_path: Path) -> None:
    root = tmp_path / "my fleet"
    profiles.init(session(root), ["main"])
    shown = run(tmp_path, "-C", str(root), "ports", "gone")
    assert shown.stderr.endswith(f"See them: idlehands-deploy -C '{root}' list\n")


def test_a_name_that_is_nearly_right_is_told_with_the_one_that_may_be_meant(deployment: Path) -> None:
    shown = run(deployment, "ports", "mian")
    assert "mian: no such profile (did you mean main?); there are: main\n" in shown.stderr
