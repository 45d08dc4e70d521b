"""Debian's and Ubuntu's own packages, installed when a person said so and never otherwise."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.errors import EngineFailedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.progress import Progress


def is_debian(os_release: str) -> bool:
    """Whether an os-release text is that of Debian, Ubuntu or a child of theirs."""
    values = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    words = f"{values.get('ID', '')} {values.get('ID_LIKE', '')}".replace('"', "").replace("'", "").split()
    return not {"debian", "ubuntu"}.isdisjoint(words)


def as_root(command: Sequence[str]) -> list[str]:
    """The command as root would run it: through sudo for anybody else.

    Raises:
        UsageError: there is no sudo.
    """
    if os.geteuid() == 0:
        return list(command)
    if shutil.which("sudo") is None:
        raise UsageError("Installing needs root, and there is no sudo here.", f"As root: {' '.join(command)}")
    return ["sudo", *command]


def install_packages(names: Sequence[str], progress: Progress) -> None:
    """Install packages with apt-get.

    Raises:
        UsageError: this is neither Debian nor Ubuntu, or there is no way to become root.
        EngineFailedError: apt-get failed.
    """
    release = Path("/etc/os-release")
    if not release.exists() or not is_debian(release.read_text(encoding="utf-8")):
        raise UsageError(
            f"This is not Debian or Ubuntu, so {', '.join(names)} cannot be installed for you.",
            "Install a Docker Engine as your distribution does it, start it, and run the command again.",
        )
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # A machine just booted, or a second call of ours, may hold dpkg's lock.
    install = ["apt-get", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", *names]
    for command in (["apt-get", "update"], install):
        progress.update("packages", " ".join(command))
        run_logged(as_root(command), environ)


def run_logged(command: Sequence[str], environ: dict[str, str] | None = None) -> None:
    """Run a command to its end; its output only matters if it fails.

    Raises:
        EngineFailedError: it failed, with its last lines.
    """
    done = subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        said = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-10:])
        raise EngineFailedError(f"{' '.join(command[:3])} … failed:\n{said}", f"Try it by hand: {' '.join(command)}")
