"""The archive for a bug report: redacted texts in, one .tar.gz out."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.directory import PRIVATE_FILE
from idlehands_deploy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

TOP = "idlehands-deploy-bundle"
INDEX = "README.txt"
_HEAD = """\
What idlehands-deploy found on one host, made to be attached to a bug report. Nothing of it was sent anywhere.

LOOK THROUGH IT BEFORE YOU SHARE IT. What is removed follows rules, and no rule knows everything.

Removed
  - the contents of every file below secrets/, every key, token and password of the gateways' configs, and every
    value of `environment` that is not plainly harmless: wherever they stand, also encoded
  - texts in the gateways' configs, but for a few that are the same for everybody: <text, 17 characters>
  - what looks like a key, a token, an id of a session or device: <removed>
  - e-mail addresses, phone numbers, addresses on the internet, user names, this host's name, the path of the
    deployment directory: <e-mail>, <phone>, <address>, <user>, <host>, <deployment>
  - chats, sessions, credentials, browser data and the workspaces: never read for this, only counted

Not removed
  - names of profiles, of other hosts, private addresses and ports, version numbers, times
  - what the gateways wrote into their last log lines and what no rule knows for a secret

Contents
"""


def write_bundle(path: Path, entries: Mapping[str, str], *, replace: bool = False, made_at: int = 0) -> None:
    """Write texts that are already redacted into an archive that only its owner can read.

    After a crash there is the whole archive or none. The same entries give the same bytes.

    Args:
        path: of the .tar.gz.
        entries: text by name in the archive, such as ``main/logs.txt``; an index is added.
        replace: whether a file that is there already may be lost.
        made_at: seconds since 1970 that every file in it is dated.

    Raises:
        UsageError: there is a file of that name already, or it cannot be written.
    """
    texts = {INDEX: index_text(entries)} | dict(sorted(entries.items()))
    try:
        _write(path, _archive(texts, made_at), replace=replace)
    except FileExistsError:
        raise UsageError(f"There is {path} already.", "Name another file, or move that one away.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"Cannot write {path}: {reason}.", "Name a file in a directory that you can write.") from None


def index_text(entries: Mapping[str, str]) -> str:
    """What is in the archive, what was taken out, and what to do before sharing it."""
    width = max(map(len, entries), default=0)
    lines = [f"  {name:<{width}}  {_size(text)}" for name, text in sorted(entries.items())]
    return _HEAD + "\n".join(lines) + "\n"


def _size(text: str) -> str:
    lines = text.count("\n")
    return "1 line" if lines == 1 else f"{lines} lines"


def _archive(texts: Mapping[str, str], made_at: int) -> bytes:
    import gzip  # noqa: PLC0415 - only this command pays for it

    buffer = io.BytesIO()
    # gzip writes the time and a file's name into its head by itself.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=made_at) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, text in texts.items():
            if not _is_inside(name):
                raise ValueError(f"not a name within an archive: {name!r}")
            content = text.encode(errors="replace")
            entry = tarfile.TarInfo(f"{TOP}/{name}")
            entry.size, entry.mtime, entry.mode = len(content), made_at, PRIVATE_FILE
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts


def _write(path: Path, content: bytes, *, replace: bool) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), PRIVATE_FILE)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            temporary.replace(path)
        else:
            _put(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _put(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:  # made since we looked
        raise
    except OSError:
        # A file system without hard links cannot keep what is there and tell so at one stroke.
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        temporary.replace(path)
