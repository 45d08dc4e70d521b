"""A native gateway becomes a profile with all its data, and is moved back."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.natives import everything, make_native
from tests.support.site import IMAGE, free_base, measure, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

    from tests.support.site import Site

pytestmark = pytest.mark.engine

# On a bare machine the gateway's software is in the image alone; its files lie where they would without one.
USER = (1000, 1000) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


@dataclass
class Native:
    """A gateway of nobody's deployment, with its state in a home directory of this host."""

    home: Path
    engine: docker.DockerClient
    port: int
    token: str
    container: Any = None

    @property
    def state(self) -> Path:
        return self.home / ".idlehands-rescue"

    def start(self) -> None:
        """Run it until it is ready."""
        environment = {"HOME": str(self.home), "IDLEHANDS_STATE_DIR": str(self.state)}
        self.container = self.engine.containers.run(
            IMAGE, ["idlehands", "--profile", "rescue", "gateway"], environment=environment, detach=True, init=True,
            entrypoint=["env", "-u", "IDLEHANDS_CONFIG_PATH", "-u", "IDLEHANDS_WORKSPACE_DIR"],
            volumes={str(self.home): {"bind": str(self.home)}}, user=f"{USER[0]}:{USER[1]}", network_mode="host",
        )  # fmt: skip
        until("a ready native gateway", self._is_ready, 90)

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        """Run the gateway's own command beside it."""
        command = ["sh", "-c", 'printf %s "$0" | "$@"', stdin, "env", "-u", "IDLEHANDS_CONFIG_PATH",
                   "-u", "IDLEHANDS_WORKSPACE_DIR", "idlehands", "--profile", "rescue", *arguments]  # fmt: skip
        code, output = self.container.exec_run(command)
        assert code == 0, f"{arguments}: {output.decode()}"
        text: str = output.decode()
        return text

    def remove(self) -> None:
        if self.container is not None:
            self.container.remove(force=True, v=True)
        self.container = None

    def _is_ready(self) -> bool | None:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).ok or None
        except requests.RequestException:
            return None


@pytest.fixture
def native(engine: docker.DockerClient, tmp_path: Path) -> Iterator[Native]:
    """A gateway that has learnt something: it runs."""
    found = Native(tmp_path / "ada", engine, free_base() + 50, secrets.token_hex(16))
    found.state.mkdir(parents=True)
    (found.state / "workspace").mkdir()
    (found.state / "workspace" / "MEMORY.md").write_text("the door code")
    (found.home / "notes").mkdir()
    gateway = {"mode": "local", "port": found.port, "bind": "loopback", "auth": {"mode": "token", "token": found.token}}
    browser = {"headless": True, "profiles": {"work": {"cdpPort": found.port + 12}}}
    text = f"// by hand\n{json.dumps({'gateway': gateway, 'browser': browser})[:-1]},}}\n"
    (found.state / "idlehands.json").write_text(text)
    for path in (found.home, *found.home.rglob("*")):
        os.chown(path, *USER)
    try:
        found.start()
        found("cron", "add", "--every", "6h", "--name", "water the plants", "--message", "now", "--disabled")
        found("agents", "add", "writer", "--non-interactive", "--workspace", str(found.home / "notes"))
        key = f"sk-{secrets.token_hex(24)}"  # must look like one
        found("models", "auth", "--agent", "main", "paste-api-key", "--provider", "openai", stdin=key)
        found("gateway", "call", "sessions.create", "--params", json.dumps({"agentId": "main", "label": "holidays"}))
        yield found
    finally:
        found.remove()


@pytest.mark.full
def test_a_native_gateway_is_imported_with_jobs_agents_credentials_and_sessions_and_the_import_undone(
    site: Site, native: Native
) -> None:
    refused = site.run("import", "rescue", "--from", str(native.state))
    assert refused.code == 7
    assert "has state/openclaw.sqlite" in refused.err
    assert not (site.root / "profiles").exists()

    native.container.kill()  # the harder case: its lease stays
    native.container.wait()
    before = everything(native.home)
    site.ok("import", "rescue", "--from", str(native.state))
    assert everything(native.home) == before
    assert site.token("rescue") == native.token

    # It would wait for a lease of its own for four minutes and more.
    assert site.ok("up", "rescue").seconds < 150
    _knows_all(lambda *arguments: site.ok("exec", "rescue", *arguments).out)
    port = site.port("rescue")
    assert site.get(port + 2, "/", native.token).status_code == 200
    asked = site.ok("exec", "rescue", "config", "get", "browser.profiles.work.cdpPort").out
    assert asked.split()[-1] == str(port + 12)
    assert (site.root / "profiles" / "rescue" / "workspace" / "MEMORY.md").read_text() == "the door code"

    assert site.run("import", "rescue", "--undo", "--yes").code == 7
    site.ok("down", "rescue")
    site.ok("import", "rescue", "--undo", "--yes")
    assert everything(native.home) == before
    assert list((site.root / "profiles").iterdir()) == []


@pytest.mark.full
def test_an_adopted_gateway_goes_back_with_what_it_has_learnt_in_its_container(site: Site, native: Native) -> None:
    native.container.stop(timeout=60)
    native.remove()
    config = (native.state / "idlehands.json").read_bytes()
    site.ok("import", "rescue", "--from", str(native.state), "--adopt")
    assert not native.state.exists()
    assert site.port("rescue") == native.port
    site.ok("up", "rescue")
    site.ok("exec", "rescue", "cron", "add", "--every", "7h", "--name", "feed the cat", "--message", "x", "--disabled")
    site.ok("down", "rescue")
    site.ok("import", "rescue", "--undo", "--yes")
    assert (native.state / "idlehands.json").read_bytes() == config
    native.start()
    _knows_all(native)
    assert "feed the cat" in native("cron", "list", "--all")


def _knows_all(ask: Callable[..., str]) -> None:
    assert "water the plants" in ask("cron", "list", "--all")
    assert "openai" in ask("models", "auth", "list", "--agent", "main")
    sessions = json.loads(_json(ask("gateway", "call", "sessions.list", "--params", "{}")))["sessions"]
    assert "holidays" in {item.get("label") for item in sessions}
    agents = {item["id"]: item for item in json.loads(_json(ask("agents", "list", "--json")))}
    assert set(agents) == {"main", "writer"}


def _json(output: str) -> str:
    """A command's answer without what it says before."""
    return output[min(index for index in (output.find("{"), output.find("[")) if index >= 0) :]


@measure
@pytest.mark.alone
@pytest.mark.parametrize(("files", "size"), [(16_000, 64 << 10), (8, 128 << 20)], ids=["many", "big"])
@pytest.mark.full
def test_a_gigabyte_is_imported_at_the_speed_of_cp(
    make_site: Callable[[], Site], tmp_path: Path, files: int, size: int
) -> None:
    state = make_native(tmp_path / "ada")
    content = os.urandom(size)
    for number in range(files):
        path = state / "agents" / "main" / "sessions" / str(number % 100) / f"{number}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    started, imported, copied = [], [], []
    for turn in range(3):
        site = make_site()
        site.write("profiles: {main: {}}\n")
        started.append(site.ok("ports").seconds)
        imported.append(site.ok("import", "rescue", "--from", str(state)).seconds)
        began = time.monotonic()
        subprocess.run(["cp", "-a", state, tmp_path / f"copy-{turn}"], check=True)
        copied.append(time.monotonic() - began)
        shutil.rmtree(tmp_path / f"copy-{turn}")
        shutil.rmtree(site.root / "profiles")
    # Beside the copy stands what any command takes to start, and what an import looks at: processes and databases.
    assert min(imported) < 1.5 * min(copied) + 2 * min(started) + 0.5
