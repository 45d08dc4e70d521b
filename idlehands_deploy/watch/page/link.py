"""The link of the page that a watch serves: in a file for its owner, since a service's log is read by others."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from idlehands_deploy.errors import NotReadyError
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.files import PRIVATE_FILE, read_text, write_atomic
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.watch.journal import ALIVE, last_run, make_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.deployment.directory import Deployment


@contextmanager
def kept_link(deployment: Deployment, link: str) -> Iterator[None]:
    """Keep the link while the page is served.

    Raises:
        DirectoryError: it cannot be written.
    """
    path = deployment.page_link_file
    try:
        make_directory(path.parent)
        found = path.parent.stat()
    except OSError as error:
        raise unusable("write", path.parent, error) from None
    path.unlink(missing_ok=True)  # an old one may have another owner or mode
    write_atomic(path, f"{link}\n", PRIVATE_FILE, (found.st_uid, found.st_gid))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def read_link(deployment: Deployment) -> str:
    """The link of the page that a watch serves now.

    Raises:
        NotReadyError: no watch serves one.
        DirectoryError: the file cannot be read.
    """
    link = read_text(deployment.page_link_file)
    if link is None or time.time() - last_run(deployment.journal_file) > 2 * ALIVE:
        raise NotReadyError(
            "No watch serves a page here.",
            Remedy(
                "Serve one until Ctrl-C: ",
                ours("dashboard"),
                "   (with the watch: ",
                ours("watch", "--dashboard", "127.0.0.1:18700"),
                ")",
            ),
        )
    return link.strip()
