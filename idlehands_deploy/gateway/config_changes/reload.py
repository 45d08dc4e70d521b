"""What a running gateway does about an edit of its config, as its log tells it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from idlehands_deploy.contract import ENTRYPOINT
from idlehands_deploy.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

# `seen`: it has read the edit and says no more. `unseen`: it has not read it yet.
Effect = Literal["applied", "restarts", "waits", "off", "refused", "starts", "seen", "unseen"]

# How the gateway (2026.9.6) words it; it looks a second after the last write. Later lines of one edit come first here.
_WORDS: tuple[tuple[str, Effect], ...] = (
    # The container's own, which held the gateway back until its config changed.
    (rf"{ENTRYPOINT}starting the gateway again", "starts"),
    (r"config change requires gateway restart \((?P<what>.*?)\) — deferring until (?P<more>.*?) complete", "waits"),
    (r"config change requires gateway restart \((?P<what>.*?)\)", "restarts"),
    (r"config reload skipped \(invalid config\): (?P<what>.*)", "refused"),
    (r"config reload disabled \(gateway\.reload\.mode=off\)", "off"),
    (r"config hot reload applied \((?P<what>.*)\)", "applied"),
    (r"config change applied \(dynamic reads: (?P<what>.*)\)", "applied"),
    (r"config change detected; evaluating reload \((?P<what>.*)\)", "seen"),
)


@dataclass(frozen=True)
class Reload:
    """The effect of an edit.

    Attributes:
        what: the keys that it is about, or why it was refused.
        more: what it waits for.
    """

    effect: Effect = "unseen"
    what: str = ""
    more: str = ""

    @property
    def is_final(self) -> bool:
        """Whether the gateway has said what it does."""
        return self.effect not in {"seen", "unseen"}


def read_reload(lines: Sequence[str]) -> Reload:
    """The effect of an edit, from the lines that a gateway has logged since."""
    text = "\n".join(line for line in lines if "[reload]" in line or line.startswith(ENTRYPOINT))
    for pattern, effect in _WORDS:
        if found := list(re.finditer(pattern, text)):
            groups = found[-1].groupdict()
            return Reload(effect, plain(groups.get("what") or ""), plain(groups.get("more") or ""))
    return Reload()
