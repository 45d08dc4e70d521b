"""One function per command: load, look, plan, show or carry out, report.

A module is loaded when a command calls it, so that ``--help`` loads none.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from idlehands_deploy.importing import commands as imports
    from idlehands_deploy.operations import (
        boot,
        containers,
        dashboard,
        doctor,
        generation,
        health,
        image,
        lifecycle,
        onboarding,
        ports,
        profiles,
        secrets,
        status,
    )
    from idlehands_deploy.watch import commands as watch

__all__ = [
    "boot", "containers", "dashboard", "doctor", "generation", "health", "image", "imports", "lifecycle", "onboarding",
    "ports", "profiles", "secrets", "status", "watch",
]  # fmt: skip

# These commands are a package of their own.
_ELSEWHERE = {"imports": "idlehands_deploy.importing.commands", "watch": "idlehands_deploy.watch.commands"}


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(_ELSEWHERE.get(name, f"{__name__}.{name}"))
