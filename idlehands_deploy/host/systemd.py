"""systemd, where it runs: whether a unit starts at boot, and units of our own."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from idlehands_deploy.errors import EngineFailedError, UsageError
from idlehands_deploy.remedies import Remedy, ours

SYSTEM_UNITS = Path("/etc/systemd/system")
# What `systemctl is-enabled` says of a unit that something starts at boot; `enabled-runtime` ends with this one.
STARTS = {"enabled", "generated"}
LINGERING = Path("/var/lib/systemd/linger")


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
    def of(cls, address: str, home: Path) -> Systemd:
        """The one that runs the engine which listens at an address.

        Raises:
            UsageError: no systemd runs here.
        """
        user = "/run/user/" in address
        if shutil.which("systemctl") is None or not Path("/run/systemd/system").is_dir():
            raise UsageError(
                "No systemd runs on this host.",
                "Let its own service manager start the engine at boot: that brings back each gateway that was up.",
            )
        return cls(user, home / ".config/systemd/user" if user else SYSTEM_UNITS)

    @property
    def waits_for(self) -> str | None:
        """The user without whose login it does not begin; None if it begins at boot."""
        person = pwd.getpwuid(os.geteuid()).pw_name
        return person if self.user and not (LINGERING / person).exists() else None

    def starts_at_boot(self, unit: str) -> bool:
        """Whether something starts this unit whenever the host, or the user's service manager, begins."""
        return self._run("is-enabled", unit, check=False).strip() in STARTS

    def load_state(self, unit: str) -> str:
        """What systemd makes of a unit's files: `loaded`, `not-found`, `masked`, or what is wrong with them.

        Raises:
            EngineFailedError: systemd does not answer.
        """
        return self._run("show", "--property", "LoadState", "--value", unit).strip()

    def matching(self, pattern: str) -> list[str]:
        """The units among its administrator's whose names match a shell pattern."""
        return sorted(path.name for path in self.units.glob(pattern))

    def install(self, name: str, text: str, *, start: bool = False) -> None:
        """Write a unit and enable it.

        Args:
            start: start it now too, anew if it runs.

        Raises:
            UsageError: this user may not.
            EngineFailedError: systemd refused.
        """
        path = self.units / name
        try:
            self.units.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f".{name}.new")
            new.write_text(text, encoding="utf-8")
            new.chmod(0o644)  # whatever the umask: systemd complains of units that not everybody may read
            new.replace(path)
        except OSError as error:
            raise _forbidden("install", path, error) from None
        self._run("daemon-reload")
        self._run("enable", name)
        if start:
            self._run("restart", name)

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
            raise _forbidden("uninstall", path, PermissionError(13, "Permission denied"))
        # A target that is stopped stops nothing that it required; one that is not stays loaded without a file.
        self._run("disable", "--now", name)
        try:
            path.unlink()
        except OSError as error:
            raise _forbidden("uninstall", path, error) from None
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


def may_use(socket: Path, uid: int) -> bool:
    """Whether a user may speak to what listens on a socket of this host."""
    try:
        found, person = socket.stat(), pwd.getpwuid(uid)
    except (OSError, KeyError):
        return False
    if found.st_uid == uid:
        return bool(found.st_mode & stat.S_IWUSR)
    if found.st_gid in os.getgrouplist(person.pw_name, person.pw_gid):
        return bool(found.st_mode & stat.S_IWGRP)
    return bool(found.st_mode & stat.S_IWOTH)


def name_of(uid: int) -> str:
    """What this host calls a user; the number where it knows none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _forbidden(command: str, path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"Cannot write {path}: {error.strerror}.", Remedy("Run this as root: ", ours(command, as_root=True))
    )
