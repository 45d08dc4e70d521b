"""`watch` and `history`."""

from __future__ import annotations

from idlehands_deploy.watch.history import history
from idlehands_deploy.watch.loop import WatchOptions, watch

__all__ = ["WatchOptions", "history", "watch"]
