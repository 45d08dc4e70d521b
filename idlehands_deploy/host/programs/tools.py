"""The commands of this host that show a person who holds something, as far as this host has them."""

from __future__ import annotations

import os
import shlex
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# An ordinary user's PATH may lack these.
SYSTEM = ("/usr/sbin", "/sbin")
LISTENERS = {
    "ss": "ss -ltnp 'sport = :{}'",
    "lsof": "lsof -nP -iTCP:{} -sTCP:LISTEN",
    "fuser": "fuser -v {}/tcp",
    "netstat": "netstat -ltnp",
}
HOLDERS = {"fuser": "fuser -v {}", "lsof": "lsof {}", "lslocks": "lslocks"}


def listener_command(port: int) -> str:
    """What shows root the process that listens on a port; empty if there is no such command, or if this is root."""
    found = "" if os.geteuid() == 0 else _first(LISTENERS)
    return f"sudo {found.format(port)}" if found else ""


def holder_command(path: Path) -> str:
    """What shows the process that has locked a file; empty if there is no such command."""
    return _first(HOLDERS).format(shlex.quote(str(path)))


def _first(commands: dict[str, str]) -> str:
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM))
    return next((command for name, command in commands.items() if shutil.which(name, path=path)), "")
