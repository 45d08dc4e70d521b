"""`watch` and `history`."""

from __future__ import annotations

from idlehands_deploy.watch.history import history
from idlehands_deploy.watch.loop import Watching, watch

__all__ = ["Watching", "history", "watch"]
