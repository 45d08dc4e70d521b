"""The systemd unit by which a profile sees to it that its engine starts with the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ENGINE_UNIT = "docker.service"


def unit_name(project: str, profile: str) -> str:
    """What a profile's unit is called."""
    # A dot, which neither name may hold: `bots` and `bots-eu` never meet, whatever their profiles are called.
    return f"idlehands-{project}.{profile}.target"


def unit_text(project: str, profile: str, directory: Path, *, user: bool) -> str:
    """The unit's text.

    It starts no container: `restart: unless-stopped` lets the engine bring back what was up, and leave what a
    person has stopped.

    Args:
        user: whether it is for a user's own service manager.
    """
    # A per cent sign and a line break are systemd's own.
    where = str(directory).replace("%", "%%").replace("\n", " ")
    return f"""\
# Written by `idlehands-deploy install {profile}`; `idlehands-deploy uninstall {profile}` takes it away.
[Unit]
Description=IdleHands gateway {profile} of {project} in {where}
Requires={ENGINE_UNIT}
After={ENGINE_UNIT}

[Install]
WantedBy={"default.target" if user else "multi-user.target"}
"""
