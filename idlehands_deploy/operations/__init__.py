"""The pipelines behind the commands: load, plan, show or apply, report.

A pipeline is loaded when a command calls it, so that ``--help`` pays for none.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from idlehands_deploy.deployment import session
    from idlehands_deploy.doctor import examine as doctor
    from idlehands_deploy.importing import importer as importing
    from idlehands_deploy.importing import undo as import_undo
    from idlehands_deploy.operations import (
        booting,
        bundling,
        checking,
        editing,
        images,
        inspection,
        lifecycle,
        onboarding,
    )
    from idlehands_deploy.planning import ending
    from idlehands_deploy.watch import history
    from idlehands_deploy.watch import loop as watching

__all__ = [
    "booting",
    "bundling",
    "checking",
    "doctor",
    "editing",
    "ending",
    "history",
    "images",
    "import_undo",
    "importing",
    "inspection",
    "lifecycle",
    "onboarding",
    "session",
    "watching",
]
# Where each pipeline lives.
_HOMES = {
    "booting": "operations.booting",
    "bundling": "operations.bundling",
    "checking": "operations.checking",
    "doctor": "doctor.examine",
    "editing": "operations.editing",
    "ending": "planning.ending",
    "history": "watch.history",
    "images": "operations.images",
    "import_undo": "importing.undo",
    "importing": "importing.importer",
    "inspection": "operations.inspection",
    "lifecycle": "operations.lifecycle",
    "onboarding": "operations.onboarding",
    "session": "deployment.session",
    "watching": "watch.loop",
}


def __getattr__(name: str) -> ModuleType:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"idlehands_deploy.{_HOMES[name]}")
