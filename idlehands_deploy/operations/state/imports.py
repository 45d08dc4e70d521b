"""`import` and its undo."""

from __future__ import annotations

from idlehands_deploy.importing.importer import import_native
from idlehands_deploy.importing.plan import prepare_import
from idlehands_deploy.importing.undo import undo

__all__ = ["import_native", "prepare_import", "undo"]
