"""The archive for a bug report: redacted texts in, one .tar.gz out."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from idlehands_deploy.errors import UsageError
from idlehands_deploy.host.files import PRIVATE_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

TOP = "idlehands-deploy-bundle"
INDEX = "README.txt"
_HEAD = """\
A report about one host, collected by idlehands-deploy to be attached to a bug report. It was not sent anywhere.

LOOK THROUGH IT BEFORE YOU SHARE IT. Secrets are removed by rules, and rules can miss something.

Removed
  - the contents of all files in secrets/, all keys, tokens and passwords in the gateways' configs, and all values
    of `environment` that may be private: everywhere, also in encoded form
  - texts in the gateways' configs, except a few that are never private: <text, 17 characters>
  - everything that looks like a key, a token, or an id of a session or device: <removed>
  - e-mail addresses, phone numbers, public IP addresses, user names, the name of this host, the path of the
    deployment directory: <e-mail>, <phone>, <address>, <user>, <host>, <deployment>
  - chats, sessions, credentials, browser data and workspaces: never read, only counted

Not removed
  - names of profiles and of other hosts, private IP addresses and ports, version numbers, times
  - the gateways' last log lines, as far as no rule recognises a secret in them

Contents
"""


def write_bundle(path: Path, entries: Mapping[str, str], *, replace: bool = False, made_at: int = 0) -> None:
    """Write texts that are already redacted into an archive that only its owner can read.

    After a crash the archive is complete or does not exist. The same entries give the same bytes.

    Args:
        path: of the .tar.gz.
        entries: text by name in the archive, such as ``main/logs.txt``; an index is added.
        replace: whether an existing file may be replaced.
        made_at: the date of every file in it; seconds since 1970.

    Raises:
        UsageError: the file exists, or it cannot be written.
    """
    texts = {INDEX: index_text(entries)} | dict(sorted(entries.items()))
    try:
        _write(path, _archive(texts, made_at), replace=replace)
    except FileExistsError:
        raise UsageError(f"{path} already exists.", "Choose another file name, or move that file away.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"Cannot write {path}: {reason}.", "Choose a file in a directory that you can write."
        ) from None


def index_text(entries: Mapping[str, str]) -> str:
    """What the archive contains, what was removed, and what to do before sharing it."""
    width = max(map(len, entries), default=0)
    lines = [f"  {name:<{width}}  {_size(text)}" for name, text in sorted(entries.items())]
    return _HEAD + "\n".join(lines) + "\n"


def _size(text: str) -> str:
    lines = text.count("\n")
    return "1 line" if lines == 1 else f"{lines} lines"


def _archive(texts: Mapping[str, str], made_at: int) -> bytes:
    import gzip  # noqa: PLC0415 - only this command pays for it

    buffer = io.BytesIO()
    # By default gzip writes the time and a file name into its header.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=made_at) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, text in texts.items():
            if not _is_inside(name):
                raise ValueError(f"not a valid name in an archive: {name!r}")
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
    except FileExistsError:  # created meanwhile
        raise
    except OSError:
        # Without hard links, the check and the write are two steps.
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        temporary.replace(path)
