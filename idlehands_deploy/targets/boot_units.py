"""systemd units: by which a profile sees to it that its engine starts with the host, and that of the watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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
    where = _plain(directory)
    return f"""\
# Written by `idlehands-deploy install {profile}`; `idlehands-deploy uninstall {profile}` takes it away.
[Unit]
Description=IdleHands gateway {profile} of {project} in {where}
Requires={ENGINE_UNIT}
After={ENGINE_UNIT}

[Install]
WantedBy={"default.target" if user else "multi-user.target"}
"""


def watch_unit_name(project: str) -> str:
    """What the unit of a deployment's watch is called."""
    return f"idlehands-{project}.watch.service"


def watch_unit_text(
    project: str, directory: Path, command: Sequence[str], environ: Mapping[str, str], run_as: str, *, user: bool
) -> str:
    """The text of a watch's unit, which goes on while the engine is away.

    Its end waits for a restart that is under way, since a gateway may take 330 s to finish its work.

    Args:
        command: that watches.
        environ: variables that it needs.
        run_as: a user of the host; empty for the service manager's own.
        user: whether it is for a user's own service manager.
    """
    more = [f"Environment={_quoted(f'{name}={value}')}" for name, value in environ.items()]
    more += [f"User={run_as}"] if run_as else []
    lines = "".join(f"{line}\n" for line in more)
    return f"""\
# Written by `idlehands-deploy install --watch`; `idlehands-deploy uninstall --watch` takes it away.
[Unit]
Description=Watch over the IdleHands gateways of {project} in {_plain(directory)}
After={ENGINE_UNIT}
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={" ".join(_quoted(word).replace("$", "$$") for word in command)}
{lines}Restart=always
RestartSec=10
KillMode=mixed
TimeoutStopSec=360

[Install]
WantedBy={"default.target" if user else "multi-user.target"}
"""


def _plain(directory: Path) -> str:
    """A path in a unit's text: a per cent sign and a line break are systemd's own."""
    return str(directory).replace("%", "%%").replace("\n", " ")


def _quoted(word: str) -> str:
    """A word as systemd reads it; of a command line it reads ``$`` too."""
    for mark, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("%", "%%")):
        word = word.replace(mark, written)
    return f'"{word}"'
