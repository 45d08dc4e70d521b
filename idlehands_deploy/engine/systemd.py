"""systemd, where it runs: whether a unit starts at boot, and units of our own."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.errors import EngineFailedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

SYSTEM_UNITS = Path("/etc/systemd/system")
# What `systemctl is-enabled` says of a unit that something starts at boot.
STARTS = {"enabled", "enabled-runtime", "generated"}


@dataclass(frozen=True)
class Systemd:
    """The service manager that the engine belongs to: the system's, or one user's own.

    Attributes:
        user: whether it is a user's, as with a rootless engine.
        units: where its administrator's units lie.
    """

    user: bool
    units: Path

    @classmethod
    def of(cls, environ: Mapping[str, str], home: Path) -> Systemd:
        """The one that runs the engine which is meant.

        Raises:
            UsageError: no systemd runs here.
        """
        user = "/run/user/" in environ.get("DOCKER_HOST", "")
        if shutil.which("systemctl") is None or not Path("/run/systemd/system").is_dir():
            raise UsageError(
                "No systemd runs on this host.",
                "Let its own service manager start the engine at boot: that brings back each gateway that was up.",
            )
        return cls(user, home / ".config/systemd/user" if user else SYSTEM_UNITS)

    def starts_at_boot(self, unit: str) -> bool:
        """Whether something starts this unit when the host, or the user's session, begins."""
        return self._run("is-enabled", unit, check=False).strip() in STARTS

    def knows(self, unit: str) -> bool:
        """Whether there is such a unit."""
        return bool(self._run("cat", unit, check=False))

    def install(self, name: str, text: str) -> None:
        """Write a unit and enable it; nothing is started.

        Raises:
            UsageError: this user may not.
            EngineFailedError: systemd refused.
        """
        path = self.units / name
        try:
            self.units.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f".{name}.new")
            new.write_text(text, encoding="utf-8")
            new.replace(path)
        except OSError as error:
            raise _forbidden(path, error) from None
        self._run("daemon-reload")
        self._run("enable", name)

    def uninstall(self, name: str) -> bool:
        """Disable and delete a unit; says whether there was one.

        Raises:
            UsageError: this user may not.
            EngineFailedError: systemd refused.
        """
        path = self.units / name
        if not path.exists():
            return False
        if not os.access(self.units, os.W_OK):
            raise _forbidden(path, PermissionError(13, "Permission denied"))
        self._run("disable", name)
        try:
            path.unlink()
        except OSError as error:
            raise _forbidden(path, error) from None
        self._run("daemon-reload")
        return True

    def _run(self, *arguments: str, check: bool = True) -> str:
        command = ["systemctl", *(["--user"] if self.user else []), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if check and done.returncode:
            raise EngineFailedError(
                f"`{' '.join(command)}` failed: {done.stderr.strip() or done.stdout.strip()}",
                "Mend what it names, then run this again.",
            )
        return done.stdout


def _forbidden(path: Path, error: OSError) -> UsageError:
    return UsageError(f"Cannot write {path}: {error.strerror}.", "Run this as root: sudo idlehands-deploy install")
