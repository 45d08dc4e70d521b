from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pytest
import typer.main
from typer.testing import CliRunner

from idlehands_deploy import __version__
from idlehands_deploy.__main__ import main
from idlehands_deploy.cli import app
from idlehands_deploy.operations import profiles
from tests.support.engine import FakeEngine, with_fakes
from tests.support.helpers import clean_environ, run, session, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ESCAPE = "\x1b"


class Shown(NamedTuple):
    code: object
    stdout: str
    stderr: str


class Call(Protocol):
    def __call__(self, home: Path, *arguments: str) -> Shown: ...


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """The program in this process: starting another would take most of a test's time."""

    def call(home: Path, *arguments: str) -> Shown:
        for name in ("IDLEHANDS_DEPLOY_DIR", "XDG_DATA_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.chdir(home)
        monkeypatch.setattr(sys, "argv", ["idlehands-deploy", *arguments])
        with pytest.raises(SystemExit) as done:
            main()
        return Shown(done.value.code or 0, *capsys.readouterr())

    return call


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands(typer.main.get_command(app)))
# The commands that the documentation promises.
PROMISED = {
    "init", "add", "remove", "list", "ports", "generate", "up", "stop", "start", "restart", "down", "status",
    "logs", "exec", "url", "token", "image",
}  # fmt: skip


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    """A home directory with a deployment of main and rescue in it."""
    root = tmp_path / "fleet"
    profiles.init(session(root), ["main", "rescue"])
    return root


def test_every_promised_command_is_there() -> None:
    assert {path[0] for path in COMMANDS} >= PROMISED
    assert ("image", "build") in COMMANDS


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_a_help_text_for_itself_and_its_options(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    shown = CliRunner().invoke(app, [*path, "--help"])
    assert shown.exit_code == 0
    assert "Usage: " in shown.stdout
    assert command.help
    assert [option.name for option in command.params if not getattr(option, "help", None)] == []


def test_help_and_version_are_plain_text_in_a_pipe(tmp_path: Path) -> None:
    shown = run(tmp_path, "--help", TERM="xterm-256color")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert ESCAPE not in shown.stdout
    assert "Exit codes: 0 done, 2 usage or fleet file, 3 port conflict, 4 engine" in shown.stdout
    version = run(tmp_path, "--version")
    assert (version.returncode, version.stdout) == (0, f"idlehands-deploy {__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    ["bogus", "ports --bogus", "add", "add new --port many", "up --timeout 0", "url", "image bogus"],
)
def test_wrong_usage_exits_with_2_and_a_message_on_stderr(tmp_path: Path, arguments: str) -> None:
    shown = CliRunner().invoke(app, ["-C", str(tmp_path), *arguments.split()])
    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert "Error: " in shown.stderr
    assert snapshot(tmp_path) == {}


def test_without_a_fleet_file_the_error_says_how_to_create_one(call: Call, tmp_path: Path) -> None:
    shown = call(tmp_path, "ports")
    expected = tmp_path / ".local" / "share" / "idlehands-deploy" / "fleet.yaml"
    assert (shown.code, shown.stdout) == (2, "")
    assert shown.stderr == (
        f"Deployment directory: {expected.parent} (your default, since there is no fleet.yaml here)\n"
        f"Error: There is no fleet file at {expected}.\n"
        "Begin with a gateway: idlehands-deploy up main   (or name another directory with -C)\n"
    )
    assert snapshot(tmp_path) == {}


def test_up_without_an_engine_exits_with_4_and_writes_nothing(tmp_path: Path) -> None:
    shown = run(tmp_path, "up", "rescue", TERM="xterm-256color")
    assert (shown.returncode, shown.stdout) == (4, "")
    assert shown.stderr == (
        f"Deployment directory: {tmp_path}/.local/share/idlehands-deploy (your default, since there is no fleet.yaml "
        "here)\n"
        "Error: No Docker Engine answers at /nonexistent.sock.\n"
        "Start it: sudo systemctl start docker   (then: docker info)\n"
    )
    assert snapshot(tmp_path) == {}


def test_without_an_engine_no_other_command_changes_anything(deployment: Path) -> None:
    before = snapshot(deployment)
    calls = [
        "up",
        "up new",
        "stop",
        "start",
        "restart rescue",
        "down",
        "logs",
        "exec main x",
        "remove rescue",
    ]
    code = (
        "import sys\n"
        "from idlehands_deploy.__main__ import main\n"
        f"for arguments in {calls!r}:\n"
        "    sys.argv = ['x', *arguments.split()]\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit as done:\n"
        "        print(arguments, done.code, file=sys.stderr)\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], env=clean_environ(deployment.parent), cwd=deployment,
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert shown.stdout == ""
    for arguments in calls:
        assert f"\n{arguments} 4\n" in shown.stderr
    assert snapshot(deployment) == before


def test_a_broken_fleet_file_exits_with_2_and_a_port_conflict_with_3(call: Call, deployment: Path) -> None:
    fleet_file = deployment / "fleet.yaml"
    text = fleet_file.read_text(encoding="utf-8")
    fleet_file.write_text(text.replace("main: {}", "main: {prot: 1}"), encoding="utf-8")
    line = next(number for number, said in enumerate(text.splitlines(), 1) if "main: {}" in said)
    shown = call(deployment, "ports")
    assert (shown.code, shown.stdout) == (2, "")
    assert shown.stderr == (
        f"Error: {fleet_file} has 1 problem:\n"
        f"  profiles.main.prot: unknown key; did you mean port? (line {line})\n"
        "Edit the file and run the command again.\n"
    )
    fleet_file.write_text(text.replace("main: {}", "main: {port: 19789}"), encoding="utf-8")
    assert call(deployment, "ports").code == 3


def test_an_unknown_profile_is_reported_with_the_known_ones(call: Call, deployment: Path) -> None:
    shown = call(deployment, "ports", "main", "a", "b")
    assert (shown.code, shown.stdout) == (2, "")
    assert shown.stderr == (
        "Error: a: no such profile; there are: main, rescue\n"
        "b: no such profile; there are: main, rescue\n"
        "See them: idlehands-deploy list\n"
    )


def test_ports_prints_an_aligned_plain_table_in_a_pipe(deployment: Path) -> None:
    shown = run(deployment, "ports", "rescue", "main", TERM="xterm-256color")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == (
        "PROFILE  PURPOSE          ADDRESS    PORT\n"
        "rescue   gateway          127.0.0.1  19789\n"
        "rescue   browser control  127.0.0.1  19791\n"
        "rescue   cdp openclaw     127.0.0.1  19800\n"
        "main     gateway          127.0.0.1  18789\n"
        "main     browser control  127.0.0.1  18791\n"
        "main     cdp openclaw     127.0.0.1  18800\n"
    )


def test_ports_json_holds_the_same_ports(call: Call, deployment: Path) -> None:
    shown = call(deployment, "ports", "--json", "rescue")
    assert json.loads(shown.stdout) == [
        {
            "profile": "rescue",
            "base": 19789,
            "published": [
                {"purpose": "gateway", "host_ip": "127.0.0.1", "port": 19789},
                {"purpose": "browser control", "host_ip": "127.0.0.1", "port": 19791},
                {"purpose": "cdp openclaw", "host_ip": "127.0.0.1", "port": 19800},
            ],
            "overrides": [],
        }
    ]


def test_list_shows_the_profiles_of_the_fleet_file(deployment: Path) -> None:
    table = CliRunner().invoke(app, ["-C", str(deployment), "list"])
    assert table.stdout == (
        "PROFILE  PORT   RESCUES  SECRETS\n"
        "main     18789  -        -\n"
        "rescue   19789  -        -\n"
    )  # fmt: skip
    as_json = CliRunner().invoke(app, ["-C", str(deployment), "list", "--json"])
    assert json.loads(as_json.stdout)[1] == {"profile": "rescue", "port": 19789, "rescues": [], "secrets": []}


def test_url_cdp_prints_an_address_a_line_with_the_token(call: Call, deployment: Path) -> None:
    fleet = deployment / "fleet.yaml"
    fleet.write_text("profiles:\n  main: {browser: {profiles: {work: }}}\n  rescue: {publish: {cdp: open}}\n")
    call(deployment, "generate")
    key = (deployment / "secrets" / "main" / "IDLEHANDS_CDP_TOKEN").read_text().strip()
    both = [f"ws://127.0.0.1:18800/?token={key}", f"ws://127.0.0.1:18801/?token={key}"]
    assert call(deployment, "url", "--cdp", "main").stdout.splitlines() == both
    assert json.loads(call(deployment, "url", "--cdp", "main", "--json").stdout) == {
        "profile": "main", "cdp": dict(zip(("openclaw", "work"), both, strict=True))
    }  # fmt: skip
    assert call(deployment, "url", "--cdp", "rescue").stdout == "ws://127.0.0.1:19800/\n"


@pytest.mark.parametrize(
    ("wanted", "arguments", "said"),
    [
        ("false", ["--cdp"], "The CDP ports of main are not published."),
        ("true", ["--cdp", "--pair"], "--pair and --cdp are two things to print."),
    ],
)
def test_url_cdp_without_an_address_to_print_says_why(
    call: Call, deployment: Path, wanted: str, arguments: list[str], said: str
) -> None:
    (deployment / "fleet.yaml").write_text(f"profiles: {{main: {{publish: {{cdp: {wanted}}}}}}}\n")
    shown = call(deployment, "url", *arguments, "main")
    assert (shown.code, shown.stdout) == (2, "")
    assert said in shown.stderr


def test_url_cdp_without_a_token_says_what_makes_one(call: Call, deployment: Path) -> None:
    (deployment / "secrets" / "main" / "IDLEHANDS_CDP_TOKEN").unlink()
    shown = call(deployment, "url", "--cdp", "main")
    assert (shown.code, shown.stdout) == (2, "")
    assert shown.stderr.splitlines()[-1].startswith("Make it: ")


def test_url_and_token_print_nothing_but_the_data(call: Call, deployment: Path) -> None:
    token_file = deployment / "secrets" / "rescue" / "IDLEHANDS_GATEWAY_TOKEN"
    token = token_file.read_text(encoding="ascii").strip()
    shown = call(deployment, "token", "rescue")
    assert (shown.stdout, shown.stderr) == (f"{token}\n", "")
    shown = call(deployment, "url", "rescue")
    assert shown.stdout == f"http://127.0.0.1:19789/#token={token}\n"
    assert token not in shown.stderr


def test_init_uses_the_working_directory_and_reports_on_stderr(call: Call, tmp_path: Path) -> None:
    shown = call(tmp_path, "init")
    assert (shown.code, shown.stdout) == (0, "")
    assert shown.stderr.endswith(f"Made {tmp_path / 'fleet.yaml'}. Next: idlehands-deploy up\n")


def test_add_shows_the_new_ports_as_data(call: Call, deployment: Path) -> None:
    shown = call(deployment, "add", "third", "--rescues", "main")
    assert (shown.code, shown.stderr) == (0, "")
    assert shown.stdout.splitlines()[1] == "third    gateway          127.0.0.1  20789"


def test_generate_reports_what_it_wrote_and_check_exits_with_2_if_stale(call: Call, deployment: Path) -> None:
    compose_file = deployment / "compose.yaml"
    assert call(deployment, "generate").stderr == f"{compose_file} is up to date.\n"
    compose_file.unlink()
    stale = call(deployment, "generate", "--check")
    assert (stale.code, stale.stdout) == (2, "")
    assert stale.stderr.startswith(f"Error: {compose_file} is stale:\n--- compose.yaml\n")
    assert not compose_file.exists()
    done = call(deployment, "generate")
    assert (done.code, done.stdout, done.stderr) == (0, "", f"Wrote {compose_file}.\n")


def test_purge_says_its_plan_asks_and_a_pipe_answers_no(
    call: Call, deployment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_fakes(monkeypatch, FakeEngine(None))
    before = snapshot(deployment)
    shown = call(deployment, "remove", "rescue", "--purge")
    assert (shown.code, shown.stdout) == (2, "")
    assert shown.stderr == (
        "rescue: profile taken out of fleet.yaml\n"
        "profiles/rescue: deleted for good, because --purge was given\n"
        "secrets/rescue: deleted for good, because --purge was given\n"
        "Error: rescue was not removed: nothing was changed.\nTo delete its files without being asked, add --yes.\n"
    )
    assert snapshot(deployment) == before


def test_the_help_loads_no_slow_library() -> None:
    heavy = "{'pydantic', 'ruamel.yaml', 'yaml', 'json5'}"
    code = f"import sys, idlehands_deploy.cli; print(sorted({heavy} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout == "[]\n"


@pytest.mark.parametrize("arguments", ["--help", "ports", "generate", "add third"])
def test_commands_without_an_engine_load_neither_docker_nor_requests(deployment: Path, arguments: str) -> None:
    code = (
        "import sys\n"
        "from idlehands_deploy.__main__ import main\n"
        f"sys.argv = ['x', '-C', {str(deployment)!r}, *{arguments.split()!r}]\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as done:\n"
        "    print(done.code, sorted({'docker', 'requests', 'psutil', 'rich'} & set(sys.modules)))\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], env=clean_environ(deployment.parent),
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert shown.stdout.splitlines()[-1] == "0 []"


def test_no_message_about_a_fleet_file_shows_the_value_of_a_variable(tmp_path: Path) -> None:
    text = "profiles: {main: {environment: {A: &x hidden-first, B: &x hidden-second}}}\n"
    (tmp_path / "fleet.yaml").write_text(text, encoding="utf-8")
    shown = run(tmp_path, "ports")
    assert "hidden" not in shown.stdout + shown.stderr
