"""The program in a broken environment: it never shows a traceback, and always says what to do next."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import typer.main

from idlehands_deploy.cli import app
from idlehands_deploy.errors import DeployError
from idlehands_deploy.operations import profiles
from tests.support.helpers import check_status, clean_environ, run, session, snapshot

if TYPE_CHECKING:
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
def deployment(tmp_path: Path) -> Path:
    """A home directory that is a deployment of main."""
    profiles.init(session(tmp_path), ["main"])
    return tmp_path


@pytest.mark.parametrize(
    "host", ["tcp://[::1", "tcp://127.0.0.1:99999", "tcp://127.0.0.1:many", "nonsense", "tcp://", "ftp://x"]
)
def test_an_invalid_docker_host_exits_with_2_and_is_named(deployment: Path, host: str) -> None:
    shown = calm(run(deployment, "status", DOCKER_HOST=host))
    assert shown.returncode == 2, shown.stderr
    assert "DOCKER_HOST" in shown.stderr


@pytest.mark.parametrize("meta", ["", "{", "[]", "null", '{"Endpoints": 1}'])
def test_a_docker_context_with_a_corrupt_file_exits_with_2_and_a_message(deployment: Path, meta: str) -> None:
    path = deployment / ".docker" / "contexts" / "meta" / hashlib.sha256(b"mine").hexdigest() / "meta.json"
    path.parent.mkdir(parents=True)
    path.write_text(meta, encoding="utf-8")
    shown = calm(run(deployment, "status", DOCKER_HOST="", DOCKER_CONTEXT="mine"))
    assert shown.returncode == 2, shown.stderr
    assert shown.stderr.startswith("Error: ")


@pytest.mark.parametrize("current", [1, ["x"], {"a": 1}])
def test_a_current_context_of_a_wrong_type_exits_with_2_and_a_message(deployment: Path, current: object) -> None:
    config = deployment / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"currentContext": current}), encoding="utf-8")
    shown = calm(run(deployment, "status", DOCKER_HOST=""))
    assert shown.returncode == 2, shown.stderr
    assert shown.stderr.startswith("Error: ")


# A command with messages, one with data and one that fails, each without one stream and without any.
ALL = "<&- >&- 2>&-"
CLOSED = [(command, closed) for command in ("ports", "generate", "url gone") for closed in ("<&-", ">&-", "2>&-", ALL)]


@pytest.mark.parametrize(("command", "closed"), [*CLOSED, ("--help", ALL), ("status", ALL)])
def test_a_closed_stream_causes_no_traceback(deployment: Path, command: str, closed: str) -> None:
    shown = calm(shell(deployment, f"idlehands-deploy {command} {closed}"))
    assert shown.returncode == {"status": 4, "url gone": 2}.get(command, 0)


def test_output_for_a_closed_stream_is_written_into_no_file(deployment: Path) -> None:
    before = snapshot(deployment)
    calm(
        shell(
            deployment, "idlehands-deploy ports >&- ; idlehands-deploy generate 2>&- ; idlehands-deploy url gone 2>&-"
        )
    )
    assert snapshot(deployment) == before


def test_a_deleted_working_directory_causes_no_traceback(tmp_path: Path) -> None:
    shown = calm(shell(tmp_path, "mkdir gone; cd gone; rmdir ../gone; idlehands-deploy ports"))
    assert shown.returncode == 2
    assert f"There is no fleet file at {tmp_path}/.local/share/idlehands-deploy/fleet.yaml." in shown.stderr


def test_init_creates_nothing_if_the_working_directory_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.delenv("IDLEHANDS_DEPLOY_DIR", raising=False)
    # Replaced, so that a failure of this test writes nothing.
    made: list[Path] = []
    monkeypatch.setattr(profiles, "init", lambda session, _: made.append(session.deployment.root))
    with pytest.raises(DeployError) as caught:
        typer.main.get_command(app)(["init"], standalone_mode=False)
    assert caught.value.exit_code == 2
    assert made == []


@pytest.mark.parametrize("command", ["-C . ports", "-C ~nobody-of-this-name ports", "--help"])
def test_an_unset_home_causes_no_traceback(deployment: Path, command: str) -> None:
    calm(shell(deployment, f"unset HOME; idlehands-deploy {command}"))


def test_a_reader_that_closes_the_pipe_early_causes_no_traceback(tmp_path: Path) -> None:
    names = [f"p{number}" for number in range(400)]
    profiles = ", ".join(f"{name}: {{}}" for name in names)
    (tmp_path / "fleet.yaml").write_text(f"{{spacing: 20, profiles: {{{profiles}}}}}\n", encoding="utf-8")
    # With names, so that the table has no native gateways of this host.
    shown = calm(shell(tmp_path, f"idlehands-deploy ports {' '.join(names)} | head -1"))
    assert shown.stdout == "PROFILE  PURPOSE          ADDRESS    PORT\n"
    assert shown.stderr == ""


@pytest.mark.parametrize("command", ["ports", "ports --json", "list", "--version", "--help", "token main"])
def test_a_pipe_that_is_closed_from_the_start_causes_no_message(deployment: Path, command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stdout:
        shown = subprocess.run(
            [sys.executable, "-m", "idlehands_deploy", *command.split()], cwd=deployment, env=clean_environ(deployment),
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, timeout=30,
        )  # fmt: skip
    assert shown.stderr == ""


@pytest.mark.parametrize("command", ["list", "ports --json", "--help", "doctor", "url gone"])
def test_a_full_standard_output_is_one_sentence(deployment: Path, command: str) -> None:
    shown = calm(shell(deployment, f"idlehands-deploy {command} >/dev/full"))
    assert shown.returncode == 2
    assert shown.stderr.count("Error: ") == 1


@pytest.mark.parametrize(("command", "code"), [("generate", 0), ("list", 0), ("status", 4), ("url gone", 2)])
def test_a_full_standard_error_changes_no_exit_code(deployment: Path, command: str, code: int) -> None:
    assert calm(shell(deployment, f"idlehands-deploy {command} 2>/dev/full")).returncode == code


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_character_that_the_terminal_lacks_is_written_as_its_number(deployment: Path, encoding: str) -> None:
    (deployment / "fleet.yaml").write_text("profiles: {main: {volumes: ['/no/\u2603:/x']}}\n", encoding="utf-8")
    shown = calm(shell(deployment, "idlehands-deploy doctor", PYTHONIOENCODING=encoding))
    assert shown.returncode == 6
    assert "/no/\\u2603 does not exist on this host" in shown.stdout


def test_a_path_that_the_locale_cannot_name_is_one_sentence(deployment: Path) -> None:
    (deployment / "fleet.yaml").write_text("profiles: {main: {volumes: ['/no/\u2603:/x']}}\n", encoding="utf-8")
    ascii_alone = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    shown = calm(shell(deployment, "idlehands-deploy doctor", **ascii_alone))
    assert shown.returncode == 2
    assert shown.stderr == (
        "Error: A text has characters that your locale cannot write.\nSet another: export LC_ALL=C.UTF-8\n"
    )


@pytest.mark.parametrize("home", ["/proc", "/dev/null", "relative", ""])
@pytest.mark.parametrize("command", ["list", "init", "status"])
def test_a_home_that_holds_nothing_is_one_sentence(tmp_path: Path, home: str, command: str) -> None:
    directory = "-C /proc/none" if command == "init" else ""
    shown = calm(shell(tmp_path, f"HOME={home} idlehands-deploy {directory} {command}"))
    assert shown.returncode == 2
    assert shown.stderr.count("Error: ") == 1


@pytest.mark.parametrize("names", ["", " main", " new"])
def test_up_reports_a_wrong_fleet_file_before_it_looks_for_an_engine(tmp_path: Path, names: str) -> None:
    (tmp_path / "fleet.yaml").write_text("profiles: {main: {prot: 1}}\n", encoding="utf-8")
    shown = calm(run(tmp_path, *f"up{names}".split()))
    assert shown.returncode == 2
    assert "profiles.main.prot: unknown key" in shown.stderr


@pytest.mark.parametrize("command", ["up", "up main", "up new", "start", "restart main"])
def test_a_valid_fleet_file_without_an_engine_exits_with_4(deployment: Path, command: str) -> None:
    shown = calm(run(deployment, *command.split()))
    assert (shown.returncode, shown.stdout) == (4, "")


def test_without_an_engine_status_shows_each_profile_as_unknown_and_exits_with_4(deployment: Path) -> None:
    shown = calm(run(deployment, "status"))
    assert shown.returncode == 4
    assert [line.split()[:2] for line in shown.stdout.splitlines()[1:2]] == [["main", "unknown"]]
    assert "main is unknown: No Docker Engine answers" in shown.stdout
    assert "Error: No Docker Engine answers" in shown.stderr
    said = calm(run(deployment, "status", "--json"))
    check_status(json.loads(said.stdout))
    assert (said.returncode, json.loads(said.stdout)["engine"]["reachable"]) == (4, False)


def test_the_command_in_an_error_repeats_the_directory_of_the_call(tmp_path: Path) -> None:
    root = tmp_path / "my fleet"
    profiles.init(session(root), ["main"])
    shown = run(tmp_path, "-C", str(root), "ports", "gone")
    assert shown.stderr.endswith(f"See them: idlehands-deploy -C '{root}' list\n")


def test_a_misspelled_name_is_reported_with_the_nearest_one(deployment: Path) -> None:
    shown = run(deployment, "ports", "mian")
    assert "mian: no such profile (did you mean main?); there are: main\n" in shown.stderr
