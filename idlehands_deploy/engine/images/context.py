"""The image's build context, as it is packed."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

# The build context, which is also in the wheel.
CONTEXT = (".dockerignore", "Dockerfile", "build", "rootfs")
# What the image runs. The scripts of the build are given to a shell.
PROGRAMS = "rootfs/usr/local/bin/"


def context_directory() -> Path:
    """The image's build context: in the wheel, or in the checkout from which the package runs."""
    package = Path(__file__).parents[2]
    packed = package / "_images" / "gateway"
    return packed if packed.is_dir() else package.parent / "images" / "gateway"


class ContextFile(NamedTuple):
    """A file of the build context as it is packed, whatever a checkout or a package's installation made of it.

    A umask takes permissions from a checkout, a zip file and some file systems take the executable bits, and git may
    write other line ends: in the image nobody could read a script, or run it.
    """

    name: str
    content: bytes

    @property
    def is_program(self) -> bool:
        """Whether it is executable, by its place."""
        return self.name.startswith(PROGRAMS)


def context_files(context: Path) -> list[ContextFile]:
    """The files of the build context."""
    paths = (path for name in CONTEXT for path in (context / name, *(context / name).rglob("*")))
    return [
        ContextFile(path.relative_to(context).as_posix(), _with_our_line_ends(path.read_bytes()))
        for path in sorted(path for path in paths if path.is_file())
    ]


def context_digest(context: Path) -> str:
    """A digest of every file's name, mode and content, as packed; equal contexts build equal images."""
    digest = hashlib.sha256()
    for file in context_files(context):
        digest.update(f"{file.name}\0{file.is_program}\0{len(file.content)}\0".encode())
        digest.update(file.content)
    return digest.hexdigest()


def pack(files: Sequence[ContextFile]) -> bytes:
    """A build context as a tar file; the same files always give the same bytes."""
    directories = {parent.as_posix() for file in files for parent in PurePosixPath(file.name).parents[:-1]}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in sorted(directories):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for file in files:
            entry = tarfile.TarInfo(file.name)
            entry.size, entry.mode = len(file.content), 0o755 if file.is_program else 0o644
            archive.addfile(entry, io.BytesIO(file.content))
    return packed.getvalue()


def _with_our_line_ends(content: bytes) -> bytes:
    return content if b"\0" in content else content.replace(b"\r\n", b"\n")
