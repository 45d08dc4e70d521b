"""The build context is the same bytes from every checkout, and the launcher runs in each."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.engine.images.build import CA_FILE
from idlehands_deploy.engine.images.context import ContextFile, context_digest, context_files, pack
from tests.support.helpers import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
CONTEXT = ROOT / "images" / "gateway"
SCRIPTS = ("idlehands-deploy", "install-venv.sh", "run-tests")


def git(directory: Path, *arguments: str, umask: int = 0o022) -> None:
    # Without the person's own settings.
    environ = {"PATH": os.environ["PATH"], "HOME": str(directory), "GIT_CONFIG_NOSYSTEM": "1"}
    author = ("-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false")
    subprocess.run(
        ["git", *author, *arguments],
        cwd=directory, env=environ, check=True, capture_output=True, umask=umask, timeout=60,
    )  # fmt: skip


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the files that matter here."""
    root = tmp_path_factory.mktemp("repository")
    shutil.copytree(ROOT / "images", root / "images", ignore=shutil.ignore_patterns(CA_FILE, "__pycache__"))
    for name in (".gitattributes", *SCRIPTS):
        shutil.copy(ROOT / name, root)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "All")
    return root


@pytest.fixture
def clone(repository: Path, tmp_path: Path) -> Callable[..., Path]:
    def make(*options: str, umask: int = 0o022) -> Path:
        git(tmp_path, "clone", "--quiet", *options, str(repository), "clone", umask=umask)
        return tmp_path / "clone"

    return make


def with_windows_line_ends(root: Path) -> None:
    for path in root.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def without_modes(root: Path) -> None:
    for path in root.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def executable(root: Path) -> None:
    for path in root.rglob("*"):
        path.chmod(0o777)


SPOILED: dict[str, Callable[[Path], None]] = {
    "windows' line ends": with_windows_line_ends, "no executable bits": without_modes, "all executable": executable,
}  # fmt: skip


@pytest.mark.parametrize("umask", [0o077, 0o027, 0o002])
def test_a_umask_changes_neither_the_context_nor_its_digest(clone: Callable[..., Path], umask: int) -> None:
    context = clone(umask=umask) / "images" / "gateway"
    assert pack(context_files(context)) == pack(context_files(CONTEXT))
    assert context_digest(context) == context_digest(CONTEXT)


@pytest.mark.parametrize("setting", ["core.autocrlf=true", "core.eol=crlf", "core.fileMode=false"])
def test_settings_of_git_change_neither_the_context_nor_a_script(clone: Callable[..., Path], setting: str) -> None:
    root = clone("--config", setting)
    assert pack(context_files(root / "images" / "gateway")) == pack(context_files(CONTEXT))
    for name in SCRIPTS:
        assert (root / name).read_bytes() == (ROOT / name).read_bytes()
    assert os.access(root / "idlehands-deploy", os.X_OK)


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_copy_that_lost_line_ends_or_modes_packs_the_same(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    context = tmp_path / "context"
    shutil.copytree(CONTEXT, context)
    spoil(context)
    assert pack(context_files(context)) == pack(context_files(CONTEXT))
    assert context_digest(context) == context_digest(CONTEXT)


def test_every_packed_file_can_be_read_by_all_belongs_to_root_and_has_no_time() -> None:
    files = [*context_files(CONTEXT), ContextFile(CA_FILE, b"certificates")]
    with tarfile.open(fileobj=io.BytesIO(pack(files))) as archive:
        entries = archive.getmembers()
        certificates = archive.extractfile(CA_FILE)
        assert certificates is not None
        assert certificates.read() == b"certificates"
    assert {(entry.uid, entry.gid, entry.mtime) for entry in entries} == {(0, 0, 0)}
    assert {entry.mode for entry in entries if entry.isdir()} == {0o755}
    assert {entry.mode for entry in entries if entry.isfile()} == {0o644, 0o755}
    programs = {entry.name for entry in entries if entry.isfile() and entry.mode == 0o755}
    assert programs == {f"rootfs/usr/local/bin/idlehands{part}" for part in ("", "-entrypoint", "-healthcheck")}


def test_what_the_image_starts_by_itself_is_packed_as_a_program() -> None:
    """As the repository holds it, so that the rule by place cannot forget a new one."""
    executable_here = {
        str(path.relative_to(CONTEXT)) for path in (CONTEXT / "rootfs").rglob("*")
        if path.is_file() and path.stat().st_mode & 0o100
    }  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(pack(context_files(CONTEXT)))) as archive:
        packed = {entry.name for entry in archive if entry.isfile() and entry.mode & 0o100}
    assert packed == executable_here
