from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.host.gateway_processes import GatewayProcess, gateway_processes
from idlehands_deploy.isolation.native_scan import find_natives, user_homes
from tests.support.helpers import run
from tests.support.site import root_only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idlehands_deploy.isolation.claims import Native

# A process with a gateway's name and a port; a real gateway is too slow for these tests.
DOUBLE = """
import ctypes, socket, sys
ctypes.CDLL(None).prctl(15, b"openclaw-gateway", 0, 0, 0)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def running(**environ: str) -> Iterator[tuple[int, int]]:
    """A process with a gateway's name: its pid and port."""
    with subprocess.Popen(
        [sys.executable, "-c", DOUBLE], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())
        process.communicate()


def natives(home: Path, *processes: GatewayProcess) -> list[Native]:
    return find_natives([home], processes, home / "etc/systemd/system")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("name", [".openclaw", ".idlehands", ".openclaw-rescue", ".idlehands-ops"])
def test_a_state_directory_with_a_config_is_a_gateway_on_the_default_port(tmp_path: Path, name: str) -> None:
    write(tmp_path / name / f"{name[1:].partition('-')[0]}.json", "{}")
    (found,) = natives(tmp_path)
    assert (found.place, found.base, found.running) == (f"~/{name}", 18789, False)


@pytest.mark.parametrize("name", [".openclawx", "openclaw", ".openclaw-", ".clawdbot", ".openclaw-fleet.bak"])
def test_a_directory_with_another_name_is_no_gateway(tmp_path: Path, name: str) -> None:
    write(tmp_path / name / "openclaw.json", "{}")
    assert natives(tmp_path) == []


def test_a_state_directory_without_a_config_is_no_gateway(tmp_path: Path) -> None:
    (tmp_path / ".openclaw/agents").mkdir(parents=True)
    assert natives(tmp_path) == []


def test_port_and_workspace_come_from_the_config(tmp_path: Path) -> None:
    write(
        tmp_path / ".openclaw-ops/openclaw.json", "{gateway: {port: 20000}, agents: {defaults: {workspace: '~/work'}}}"
    )
    (found,) = natives(tmp_path)
    assert (found.base, found.port_place) == (20000, "~/.openclaw-ops/openclaw.json:gateway.port")
    assert found.workspace == tmp_path / "work"


def test_the_dev_profile_has_a_port_of_its_own(tmp_path: Path) -> None:
    write(tmp_path / ".openclaw-dev/openclaw.json", "{}")
    assert [found.base for found in natives(tmp_path)] == [19001]


@pytest.mark.parametrize(
    "unit",
    [
        'ExecStart=/usr/bin/node "/opt/my gateway.mjs" gateway --port 19789\nEnvironment=OPENCLAW_PROFILE=rescue\n',
        "ExecStart=/usr/bin/node x.mjs --profile rescue gateway --port=19789\n",
        "ExecStart=node x gateway\nEnvironment=OPENCLAW_PROFILE=rescue OPENCLAW_GATEWAY_PORT=19789\n",
        'ExecStart=node x gateway\nEnvironment="IDLEHANDS_PROFILE=rescue" "IDLEHANDS_GATEWAY_PORT=19789"\n',
    ],
)
def test_a_unit_overrides_the_config(tmp_path: Path, unit: str) -> None:
    write(tmp_path / ".openclaw-rescue/openclaw.json", "{gateway: {port: 20000}}")
    write(tmp_path / ".config/systemd/user/openclaw-gateway-rescue.service", f"[Service]\n{unit}")
    (found,) = natives(tmp_path)
    assert (found.place, found.base) == ("~/.openclaw-rescue", 19789)
    assert found.port_place == "~/.config/systemd/user/openclaw-gateway-rescue.service"


def test_a_unit_of_the_system_names_its_own_state(tmp_path: Path) -> None:
    state = tmp_path / "var/lib/bot"
    write(state / "openclaw.json", "{}")
    unit = f"[Service]\nEnvironment=OPENCLAW_STATE_DIR={state}\nExecStart=node x gateway --port 21000\n"
    write(tmp_path / "etc/systemd/system/openclaw-gateway.service", unit)
    (found,) = natives(tmp_path)
    assert (found.state, found.base) == (state, 21000)


def test_a_process_overrides_unit_and_config(tmp_path: Path) -> None:
    write(tmp_path / ".openclaw/openclaw.json", "{gateway: {port: 20000}}")
    write(tmp_path / ".config/systemd/user/openclaw-gateway.service", "ExecStart=node x gateway --port 21000\n")
    (found,) = natives(tmp_path, GatewayProcess(4711, {"HOME": str(tmp_path)}, (22000, 22002)))
    assert (found.base, found.running, found.port_place) == (22000, True, "process 4711")


def test_one_gateway_with_a_linked_state_is_found_once(tmp_path: Path) -> None:
    write(tmp_path / "disk/state/openclaw.json", "{}")
    (tmp_path / ".openclaw").symlink_to(tmp_path / "disk/state")
    assert len(natives(tmp_path)) == 1


@pytest.mark.parametrize("text", ["{", "[]", '{gateway: {port: "x"}}', "{gateway: []}"])
def test_a_config_without_a_valid_port_leaves_the_default_port(tmp_path: Path, text: str) -> None:
    write(tmp_path / ".openclaw/openclaw.json", text)
    assert [found.base for found in natives(tmp_path)] == [18789]


def test_a_gateway_claims_its_base_port_its_control_port_and_its_whole_range(tmp_path: Path) -> None:
    write(tmp_path / ".openclaw/openclaw.json", "{}")
    (found,) = natives(tmp_path)
    assert found.ports == {18789, 18791, 18799, *range(18800, 18900)}


def test_a_running_process_is_seen_with_its_port_and_variables(tmp_path: Path) -> None:
    with running(HOME=str(tmp_path)) as (pid, port):
        (found,) = [process for process in gateway_processes() if process.pid == pid]
    assert found.listening == (port,)
    assert found.environ["HOME"] == str(tmp_path)


def test_there_are_no_homes_without_the_home_variable(tmp_path: Path) -> None:
    assert user_homes({}, tmp_path / "home") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into others' homes")
def test_root_sees_the_gateways_of_other_users_by_their_full_path(tmp_path: Path) -> None:
    write(tmp_path / "root/.openclaw/openclaw.json", "{}")
    write(tmp_path / "home/bob/.openclaw/openclaw.json", "{gateway: {port: 20000}}")
    write(
        tmp_path / "home/ann/.config/systemd/user/openclaw-gateway.service", "ExecStart=node x gateway --port 21000\n"
    )
    homes = user_homes({"HOME": str(tmp_path / "root")}, tmp_path / "home")
    found = find_natives(homes, [], tmp_path / "none")
    assert {native.place: native.base for native in found} == {
        "~/.openclaw": 18789,
        f"{tmp_path}/home/bob/.openclaw": 20000,
        f"{tmp_path}/home/ann/.openclaw": 21000,
    }


def test_a_new_profile_never_lands_on_a_native_gateway(tmp_path: Path) -> None:
    write(tmp_path / ".openclaw/openclaw.json", "{}")
    write(tmp_path / ".openclaw-rescue/openclaw.json", "{gateway: {port: 19700}}")
    made = run(tmp_path, "init", "main", "rescue")
    assert made.returncode == 0, made.stderr
    shown = run(tmp_path, "ports")
    # Ignores other gateways on this host.
    assert [line.split()[:4] for line in shown.stdout.splitlines() if " gateway " in line and line[0] != "/"] == [
        ["main", "gateway", "127.0.0.1", "20789"],
        ["rescue", "gateway", "127.0.0.1", "21789"],
        ["~/.openclaw", "gateway", "native", "18789"],
        ["~/.openclaw-rescue", "gateway", "native", "19700"],
    ]


def test_a_profile_that_was_there_first_keeps_its_port(tmp_path: Path) -> None:
    assert run(tmp_path, "init", "main", "rescue").returncode == 0
    before = (tmp_path / "compose.yaml").read_text()
    write(tmp_path / ".openclaw/openclaw.json", "{}")
    write(tmp_path / ".openclaw-rescue/openclaw.json", "{gateway: {port: 19789}}")
    assert run(tmp_path, "generate").returncode == 0
    assert (tmp_path / "compose.yaml").read_text() == before


def test_a_running_native_gateway_is_shown_with_its_real_port(tmp_path: Path) -> None:
    assert run(tmp_path, "init").returncode == 0
    write(tmp_path / ".openclaw/openclaw.json", "{}")
    with running(HOME=str(tmp_path)) as (pid, port):
        shown = run(tmp_path, "ports").stdout
    assert f"~/.openclaw gateway native {port} running, set by process {pid}" in " ".join(shown.split())


def test_ports_names_conflicting_gateways(tmp_path: Path) -> None:
    assert run(tmp_path, "init").returncode == 0
    write(tmp_path / ".openclaw/openclaw.json", "{}")
    shown = run(tmp_path, "ports")
    assert shown.returncode == 0
    assert "fleet.yaml:base_port: 18789 (gateway of main) is gateway of ~/.openclaw (native)" in shown.stderr
    assert "idlehands-deploy doctor" in shown.stderr


@pytest.mark.parametrize(
    ("listening", "variables", "base"),
    [
        ((3978, 18789, 18791), {}, 18789),
        ((18789,), {}, 18789),
        ((), {"OPENCLAW_GATEWAY_PORT": "20000"}, 20000),
        ((3978, 20000), {"IDLEHANDS_GATEWAY_PORT": "20000"}, 20000),
        ((3978, 4000), {}, 18789),
    ],
)
def test_the_base_port_of_a_process_is_distinguished_from_its_other_ports(
    tmp_path: Path, listening: tuple[int, ...], variables: dict[str, str], base: int
) -> None:
    (found,) = natives(tmp_path, GatewayProcess(4711, {"HOME": str(tmp_path), **variables}, listening))
    assert found.base == base


def test_every_spelling_of_home_lines_and_variables_in_a_unit_is_read(tmp_path: Path) -> None:
    write(tmp_path / "env", "# mine\nOPENCLAW_GATEWAY_PORT='21000'\n")
    unit = f"[Service]\nEnvironment=\\\n  OPENCLAW_STATE_DIR=%h/bot\nEnvironmentFile=-{tmp_path}/env\n"
    write(tmp_path / ".config/systemd/user/openclaw-gateway.service", unit)
    (found,) = natives(tmp_path)
    assert (found.state, found.base, found.installed) == (tmp_path / "bot", 21000, True)


def test_an_invalid_port_in_a_unit_is_ignored(tmp_path: Path) -> None:
    write(tmp_path / ".config/systemd/user/openclaw-gateway.service", "ExecStart=node x gateway --port 99999\n")
    assert [found.base for found in natives(tmp_path)] == [18789]


def test_a_loop_of_links_is_no_gateway(tmp_path: Path) -> None:
    (tmp_path / ".openclaw").symlink_to(tmp_path / ".openclaw")
    assert natives(tmp_path) == []


def test_a_native_gateway_that_nothing_starts_is_only_a_note(tmp_path: Path) -> None:
    assert run(tmp_path, "init").returncode == 0
    write(tmp_path / ".openclaw/openclaw.json", "{}")
    found = json.loads(run(tmp_path, "doctor", "--json").stdout)["findings"]
    assert [item["level"] for item in found if item["place"] == "fleet.yaml:base_port"] == ["note"]


def test_a_main_that_avoids_a_native_gateway_s_port_says_why(tmp_path: Path) -> None:
    write(tmp_path / ".openclaw/openclaw.json", "{}")
    assert "main is on 19789: 18789 is that of a native gateway" in run(tmp_path, "init").stderr


@root_only
def test_root_reads_for_a_user_nothing_that_belongs_to_somebody_else(tmp_path: Path) -> None:
    write(tmp_path / "secret.json", '{"gateway": {"port": 20100}}')
    write(tmp_path / "secret.env", "OPENCLAW_GATEWAY_PORT=20200\n")
    home = tmp_path / "home"
    write(
        home / ".config/systemd/user/openclaw-gateway-a.service", f"[Service]\nEnvironmentFile={tmp_path}/secret.env\n"
    )
    (home / ".openclaw").mkdir()
    (home / ".openclaw" / "openclaw.json").symlink_to(tmp_path / "secret.json")
    (found,) = natives(home)
    assert found.base == 20200
    for path in (home, *home.rglob("*")):
        os.chown(path, 4321, 4321, follow_symlinks=False)
    (found,) = natives(home)
    assert found.base == 18789
    assert found.config is not None
    assert found.config.unreadable == "it belongs to uid 0"
