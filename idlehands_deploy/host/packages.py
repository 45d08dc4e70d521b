"""Install packages of Debian and Ubuntu, and only if the person asked for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.errors import EngineFailedError, UsageError
from idlehands_deploy.host.programs.start import starting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.progress import Progress


def is_debian(os_release: str) -> bool:
    """Whether an os-release text is from Debian, Ubuntu or a derivative."""
    values = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    words = f"{values.get('ID', '')} {values.get('ID_LIKE', '')}".replace('"', "").replace("'", "").split()
    return not {"debian", "ubuntu"}.isdisjoint(words)


def as_root(command: Sequence[str]) -> list[str]:
    """The command with root rights: with sudo unless this user is root.

    Raises:
        UsageError: there is no sudo.
    """
    if os.geteuid() == 0:
        return list(command)
    if shutil.which("sudo") is None:
        raise UsageError("Installing packages needs root, and sudo is not installed.", f"As root: {' '.join(command)}")
    return ["sudo", *command]


def install_packages(names: Sequence[str], progress: Progress) -> None:
    """Install packages with apt-get.

    Raises:
        UsageError: this is neither Debian nor Ubuntu, or sudo is missing.
        EngineFailedError: apt-get failed.
    """
    if not is_debian(_os_release()):
        raise UsageError(
            f"This is not Debian or Ubuntu, so {', '.join(names)} cannot be installed automatically.",
            "Install a Docker Engine the way your distribution documents it, start it, and run the command again.",
        )
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # After a boot, or during a second run of this tool, dpkg may be locked.
    install = ["apt-get", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", *names]
    for command in (["apt-get", "update"], install):
        progress.update("packages", " ".join(command))
        run_logged(as_root(command), environ)


def _os_release() -> str:
    try:
        return Path("/etc/os-release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def run_logged(command: Sequence[str], environ: dict[str, str] | None = None) -> None:
    """Run a command; its output is shown only if it fails.

    Raises:
        EngineFailedError: it failed; the message has its last lines.
    """
    with starting(command[0]):
        done = subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", check=False,
        )  # fmt: skip
    if done.returncode:
        said = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-10:])
        raise EngineFailedError(f"{' '.join(command[:3])} … failed:\n{said}", f"Run it by hand: {' '.join(command)}")
