"""The groups of the help page, and its width."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from idlehands_deploy.show.layout.wrapping import terminal_width

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# In the order of the page. A command that is in no group would be on the page as one of OTHERS.
GROUPS = {
    "Every day": ("up", "status", "open", "url", "logs", "stop", "start", "restart", "down", "upgrade"),
    "Set up": ("init", "add", "onboard", "import", "secret", "config", "rename", "remove", "image", "destroy"),
    "Look": ("list", "ports", "history", "dashboard", "token"),
    "Repair": ("doctor", "snapshots", "rollback", "exec", "shell"),
    "Automate": ("health", "watch", "install", "uninstall", "generate"),
}
OTHERS = "Commands"
# The shortest line that Typer writes on its own.
NARROW = 52


def page_width() -> dict[str, int]:
    """Typer's setting by which no help page is wider than the terminal."""
    columns = terminal_width(sys.stdout)
    return {"terminal_width": columns - 2} if columns < NARROW else {}


def write_commands(formatter: Any, commands: Mapping[str, Any]) -> None:  # noqa: ANN401 - Typer's own formatter
    """Write commands in their groups, each with a whole sentence."""
    visible = {name: command for name, command in commands.items() if not command.hidden}
    widest = max(map(len, visible), default=0)
    for title, names in _grouped(visible):
        with formatter.section(title):
            formatter.write_dl([(name.ljust(widest), visible[name].get_short_help_str(limit=1000)) for name in names])


def _grouped(visible: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    left = dict.fromkeys(visible)
    if "up" in visible:  # the program itself, not one of its commands that have commands of their own
        for title, names in GROUPS.items():
            if there := [name for name in names if name in left]:
                yield title, there
            for name in there:
                del left[name]
    if left:
        yield OTHERS, list(left)
