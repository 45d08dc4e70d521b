from __future__ import annotations

import gc
import socket
import warnings
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.deployment.session import Session
from idlehands_deploy.engine import client, connection
from idlehands_deploy.engine.connection import connect
from idlehands_deploy.errors import EngineForbiddenError, EngineUnreachableError, UsageError
from tests.support.helpers import Quiet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(autouse=True)
def docker_s_sockets() -> Iterator[None]:
    """docker-py leaves the sockets of failed connections to the garbage collector."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.parametrize("host", ["tcp://192.0.2.1:2375", "ssh://user@example.invalid"])
def test_an_engine_on_another_machine_is_refused_without_asking_it(host: str) -> None:
    with pytest.raises(UsageError) as caught:
        connect({"DOCKER_HOST": host})
    assert str(caught.value) == (
        f"The Docker Engine at {host} is on another machine, "
        "but the gateways' files are on this one.\n"
        "Run idlehands-deploy on that machine, or use this one's engine: unset DOCKER_HOST, docker context use default"
    )


def test_without_a_default_socket_there_is_no_engine_and_one_can_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "docker.sock"
    # A host without an engine cannot be had where the tests run beside one.
    monkeypatch.setattr(connection, "DEFAULT_SOCKET", f"unix://{path}")
    with pytest.raises(EngineUnreachableError) as caught:
        connect({"DOCKER_CONTEXT": "default"})
    assert str(caught.value) == (
        f"No Docker Engine is running here: {path} does not exist.\n"
        "Add --install-engine to `idlehands-deploy up NAME` to install and start one. "
        "If one is installed, start it: sudo systemctl start docker"
    )
    assert caught.value.exit_code == 4


def test_a_missing_socket_in_docker_host_means_that_its_engine_does_not_answer(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with pytest.raises(EngineUnreachableError) as caught:
        connect({"DOCKER_HOST": f"unix://{path}"})
    assert str(caught.value) == (
        f"No Docker Engine answers at {path}.\nStart it: sudo systemctl start docker   (then: docker info)"
    )


def test_a_socket_without_a_listener_means_that_the_engine_is_down(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with pytest.raises(EngineUnreachableError) as caught:
        connect({"DOCKER_HOST": f"unix://{path}"})
    assert str(caught.value) == (
        f"No Docker Engine answers at {path}.\nStart it: sudo systemctl start docker   (then: docker info)"
    )


def test_a_socket_without_permission_is_reported_with_the_group_to_join(ordinary_user: Path) -> None:
    path = ordinary_user / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0)
        with pytest.raises(EngineUnreachableError) as caught:
            connect({"DOCKER_HOST": f"unix://{path}"})
    assert str(caught.value) == (
        f"You may not use the Docker Engine at {path}: permission denied.\n"
        "Add yourself to its group and log in again: sudo usermod -aG docker $USER"
    )


def test_a_context_that_does_not_exist_is_reported() -> None:
    with pytest.raises(UsageError, match=r"^There is no Docker context 'idlehands-nowhere'\.\n"):
        connect({"DOCKER_CONTEXT": "idlehands-nowhere"})


def test_an_engine_without_permission_exits_with_4_and_no_installation_is_offered(
    ordinary_user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ordinary_user / "docker.sock"
    offers: list[str] = []

    def agree(what: str) -> bool:
        offers.append(what)
        return True

    # The host's own socket may be open to whoever runs the tests.
    monkeypatch.setattr(connection, "DEFAULT_SOCKET", f"unix://{path}")
    assert client  # imported before the user changes
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
