"""systemd: whether a unit starts at boot, and the units that this tool installs."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from idlehands_deploy.errors import EngineFailedError, UsageError
from idlehands_deploy.host.programs.start import starting
from idlehands_deploy.remedies import Remedy, ours

SYSTEM_UNITS = Path("/etc/systemd/system")
# Under the home directory.
USER_UNITS = ".config/systemd/user"
# The output of `systemctl is-enabled` for a unit that starts at boot; `enabled-runtime` lasts only until the next boot.
STARTS = {"enabled", "generated"}
LINGERING = Path("/var/lib/systemd/linger")


@dataclass(frozen=True)
class Systemd:
    """The service manager that runs the engine: the system's, or a user's.

    Attributes:
        user: whether it is a user's, as with a rootless engine.
        units: the directory for the administrator's units.
    """

    user: bool
    units: Path

    @classmethod
    def of(cls, address: str, home: Path) -> Systemd:
        """The service manager that runs the engine at an address.

        Raises:
            UsageError: systemd is not running.
        """
        user = "/run/user/" in address
        if shutil.which("systemctl") is None or not Path("/run/systemd/system").is_dir():
            raise UsageError(
                "systemd is not running on this host.",
                "Make its service manager start the engine at boot: the engine then restarts each gateway that was up.",
            )
        return cls(user, home / USER_UNITS if user else SYSTEM_UNITS)

    @property
    def waits_for(self) -> str | None:
        """The user who must log in before it starts; None if it starts at boot."""
        person = name_of(os.geteuid())
        return person if self.user and not (LINGERING / person).exists() else None

    def starts_at_boot(self, unit: str) -> bool:
        """Whether this unit starts with the host, or with the user's service manager."""
        return self._run("is-enabled", unit, check=False).strip() in STARTS

    def load_state(self, unit: str) -> str:
        """The load state of a unit: `loaded`, `not-found`, `masked`, or an error.

        Raises:
            EngineFailedError: systemd does not respond.
        """
        return self._run("show", "--property", "LoadState", "--value", unit).strip()

    def matching(self, pattern: str) -> list[str]:
        """The administrator's units whose names match a shell pattern."""
        return sorted(path.name for path in self.units.glob(pattern))

    def install(self, name: str, text: str, *, start: bool = False) -> None:
        """Write a unit and enable it.

        Args:
            start: also start it now, or restart it if it runs.

        Raises:
            UsageError: this user may not.
            EngineFailedError: systemd refused.
        """
        path = self.units / name
        try:
            self.units.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f".{name}.new")
            new.write_text(text, encoding="utf-8")
            new.chmod(0o644)  # whatever the umask: systemd warns about units that not everybody may read
            new.replace(path)
        except OSError as error:
            raise _forbidden("install", path, error) from None
        self._run("daemon-reload")
        self._run("enable", name)
        if start:
            self._run("restart", name)

    def uninstall(self, name: str) -> bool:
        """Disable and delete a unit; returns whether there was one.

        Raises:
            UsageError: this user may not.
            EngineFailedError: systemd refused.
        """
        path = self.units / name
        if not path.exists():
            return False
        if not os.access(self.units, os.W_OK):
            raise _forbidden("uninstall", path, PermissionError(13, "Permission denied"))
        # With --now, or the unit would stay loaded without a file. Stopping a target stops nothing that it requires.
        self._run("disable", "--now", name)
        try:
            path.unlink()
        except OSError as error:
            raise _forbidden("uninstall", path, error) from None
        self._run("daemon-reload")
        return True

    def _run(self, *arguments: str, check: bool = True) -> str:
        command = ["systemctl", *(["--user"] if self.user else []), *arguments]
        with starting(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if check and done.returncode:
            raise EngineFailedError(
                f"`{' '.join(command)}` failed: {done.stderr.strip() or done.stdout.strip()}",
                "Fix the problem, then run the command again.",
            )
        return done.stdout


def unit_texts(name: str, home: Path) -> dict[Path, str]:
    """The texts of a unit in the places for the administrator's and a user's units, by path."""
    paths = (SYSTEM_UNITS / name, home / USER_UNITS / name)
    return {path: text for path in paths if (text := _text(path))}


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def may_use(socket: Path, uid: int) -> bool:
    """Whether a user may connect to a socket on this host."""
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
    """A user's name; the uid if there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _forbidden(command: str, path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"Cannot write {path}: {error.strerror}.", Remedy("Run this as root: ", ours(command, as_root=True))
    )
