"""Commands that leave nothing behind."""

from __future__ import annotations

from idlehands_deploy.operations.cleanup import destroy, prune

__all__ = ["destroy", "prune"]
