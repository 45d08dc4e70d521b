"""What the system and other libraries raise on a host that lacks something becomes a result, or an error of ours."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import filelock
import psutil
import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.deployment.locks import locked
from idlehands_deploy.engine import compose
from idlehands_deploy.engine.compose import Compose
from idlehands_deploy.errors import DirectoryError, EngineFailedError, UsageError
from idlehands_deploy.host import gateway_processes
from idlehands_deploy.host.file_lock import file_locked
from idlehands_deploy.host.network.reach import outside_addresses
from idlehands_deploy.host.network.sockets import own_addresses, process_on
from idlehands_deploy.host.packages import run_logged
from idlehands_deploy.host.systemd import Systemd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REFUSALS = [FileNotFoundError(2, "No such file"), PermissionError(13, "Permission denied"), OSError(8, "Exec format")]


def raising(error: Exception) -> Callable[..., object]:
    def call(*_: object, **__: object) -> object:
        raise error

    return call


@pytest.mark.parametrize("error", REFUSALS)
def test_a_program_that_cannot_be_started_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    monkeypatch.setattr(subprocess, "Popen", raising(error))
    monkeypatch.setattr(os, "execve", raising(error))
    plain = Compose(tmp_path, "x", {})
    starts: list[Callable[[], object]] = [
        lambda: plain.run("ps"), lambda: plain.attach("ps"), lambda: plain.become("ps"),
        lambda: plain.plain_document({}), lambda: run_logged(["apt-get", "update"]),
        lambda: Systemd(user=False, units=tmp_path).load_state("x"),
    ]  # fmt: skip
    for start in starts:
        with pytest.raises(EngineFailedError, match=f" cannot be run: {error.strerror}") as caught:
            start()
        assert caught.value.exit_code == 5


@pytest.mark.parametrize("content", ["", "#!/nonexistent\n", "\0"])
def test_a_compose_that_is_damaged_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    binary = tmp_path / "docker-compose"
    binary.write_text(content, encoding="utf-8")
    binary.chmod(0o755)
    monkeypatch.setattr(compose, "find_binary", lambda: str(binary))
    with pytest.raises(EngineFailedError, match=f"^{binary} cannot be run: "):
        Compose(tmp_path, "x", {}).run("ps")


@pytest.mark.parametrize("error", [psutil.AccessDenied(1), psutil.NoSuchProcess(1), PermissionError(13, "x")])
def test_a_host_that_hides_its_network_and_processes_has_none(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    for name in ("net_if_addrs", "net_if_stats", "net_connections", "process_iter", "Process"):
        monkeypatch.setattr(psutil, name, raising(error))
    monkeypatch.setattr(gateway_processes, "_pids_on_linux", lambda: [1])
    assert own_addresses() == frozenset()
    assert outside_addresses() == []
    assert process_on(1) is None
    assert gateway_processes.gateway_processes() == []
    assert gateway_processes._pids_elsewhere() == []


@pytest.mark.parametrize(
    "error", [NotImplementedError("no flock"), OSError(37, "No locks available"), PermissionError(13, "Permission")]
)
def test_a_file_system_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(filelock.FileLock, "acquire", raising(error))
    with pytest.raises(DirectoryError, match=r"^Cannot write ") as caught, locked(Deployment(tmp_path)):
        pytest.fail("locked")
    assert caught.value.exit_code == 2


def test_a_lock_that_another_holds_is_the_caller_s_own_error(tmp_path: Path) -> None:
    def held() -> UsageError:
        return UsageError("It is held.", "Wait.")

    with (
        filelock.FileLock(tmp_path / "lock"), pytest.raises(UsageError, match="It is held"),
        file_locked(tmp_path / "lock", 0, held),
    ):  # fmt: skip
        pytest.fail("locked")
