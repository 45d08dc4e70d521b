"""systemd units: one per profile, which starts its engine at boot, and one for the watch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from idlehands_deploy.targets.unit_words import plain, quoted
from idlehands_deploy.targets.watch_limits import watch_limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ENGINE_UNIT = "docker.service"


def unit_name(project: str, profile: str) -> str:
    """The name of a profile's unit."""
    # Neither name can contain a dot, so units of `bots` and `bots-eu` never have the same name.
    return f"idlehands-{project}.{profile}.target"


def unit_text(project: str, profile: str, directory: Path, *, user: bool) -> str:
    """The unit's text.

    It starts no container: with `restart: unless-stopped` the engine restarts the containers that were up, and not
    those that a person stopped.

    Args:
        user: whether it is for a user's service manager.
    """
    where = plain(directory)
    return f"""\
# Written by `idlehands-deploy install {profile}`; `idlehands-deploy uninstall {profile}` removes it.
[Unit]
Description=IdleHands gateway {profile} of {project} in {where}
Requires={ENGINE_UNIT}
After={ENGINE_UNIT}

[Install]
WantedBy={"default.target" if user else "multi-user.target"}
"""


def unit_directory(text: str) -> str:
    """The deployment directory that a unit's text names; empty if there is none."""
    line = next((line for line in text.splitlines() if line.startswith("Description=")), "")
    return line.partition(" of ")[2].partition(" in ")[2].replace("%%", "%")


def watch_unit_name(project: str) -> str:
    """The name of the unit for a deployment's watch."""
    return f"idlehands-{project}.watch.service"


def watch_unit_text(
    project: str, directory: Path, command: Sequence[str], environ: Mapping[str, str], run_as: str, *, user: bool
) -> str:
    """The text of the watch's unit; the watch also runs while the engine is down.

    A stop waits for a running restart, because a gateway may take 330 s to finish its work.

    Args:
        command: the command line of the watch.
        environ: variables that it needs.
        run_as: the user that runs it; empty for the service manager's own.
        user: whether it is for a user's service manager.
    """
    more = [f"Environment={quoted(f'{name}={value}')}" for name, value in environ.items()]
    more += [f"User={run_as}"] if run_as else []
    lines = "".join(f"{line}\n" for line in more)
    limits = watch_limits(directory, command, environ, user=user, is_root=not (user or run_as))
    return f"""\
# Written by `idlehands-deploy install --watch`; `idlehands-deploy uninstall --watch` removes it.
[Unit]
Description=Watch of the IdleHands gateways of {project} in {plain(directory)}
After={ENGINE_UNIT}
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={" ".join(quoted(word).replace("$", "$$") for word in command)}
{lines}Restart=always
RestartSec=10
KillMode=mixed
TimeoutStopSec=360
{limits}
[Install]
WantedBy={"default.target" if user else "multi-user.target"}
"""


def watched_directory(text: str) -> str:
    """The deployment directory in the text of a watch's unit; empty if there is none."""
    found = re.search(r'"-C" "((?:[^"\\]|\\.)*)"', text)
    written = found[1].replace("$$", "$").replace("%%", "%") if found else ""
    return re.sub(r"\\(.)", lambda escaped: {"n": "\n", "r": "\r"}.get(escaped[1], escaped[1]), written)
