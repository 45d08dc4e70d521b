"""The pipelines behind the commands: load, plan, show or apply, report.

A pipeline is loaded when a command calls it, so that ``--help`` pays for none.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from idlehands_deploy.operations import (
        booting,
        bundling,
        checking,
        doctor,
        editing,
        ending,
        history,
        images,
        import_undo,
        importing,
        inspection,
        lifecycle,
        onboarding,
        session,
        watching,
    )

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


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
