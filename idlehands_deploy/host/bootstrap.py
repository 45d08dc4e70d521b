"""A Debian root file system from Debian's packages, for hosts without access to a container registry."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from idlehands_deploy.errors import EngineFailedError
from idlehands_deploy.host.packages import install_packages, run_logged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from idlehands_deploy.progress import Progress

TOOL = "mmdebstrap"
# Ubuntu does not have Debian's package signing keys.
PACKAGES = (TOOL, "debian-archive-keyring")
# What Debian's own slim image leaves out too: 50 MB.
LEFT_OUT = (
    "path-exclude=/usr/share/man/*", "path-exclude=/usr/share/info/*", "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright",
)  # fmt: skip


def bootstrap_debian(archive: Path, suite: str, may_install: Callable[[str], bool], progress: Progress) -> None:
    """Write a minimal Debian as a tar file.

    Args:
        may_install: asked before mmdebstrap is installed.

    Raises:
        EngineFailedError: mmdebstrap is missing and may not be installed, or it failed.
    """
    if shutil.which(TOOL) is None:
        if not may_install(f"{TOOL} (it builds a Debian base image without a registry)"):
            raise EngineFailedError(
                f"No container registry responds, and {TOOL}, which builds a base image without one, is not installed.",
                f"Install it: sudo apt-get install {TOOL}   (or run the command again with --install-engine)",
            )
        install_packages(PACKAGES, progress)
    progress.update("image", f"bootstrapping Debian {suite}")
    slim = [f"--dpkgopt={option}" for option in LEFT_OUT]
    run_logged([TOOL, "--quiet", "--variant=minbase", "--include=ca-certificates", *slim, suite, str(archive)])
