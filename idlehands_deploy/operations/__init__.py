"""One function per command: load, look, plan, show or carry out, report.

A module is loaded when a command calls it, so that ``--help`` loads none.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from idlehands_deploy.operations import (
        boot,
        cleanup,
        config,
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
        status,
        watch,
    )
    from idlehands_deploy.operations.config import secrets
    from idlehands_deploy.operations.state import imports, snapshots, upgrade

__all__ = [
    "boot", "cleanup", "config", "containers", "dashboard", "doctor", "generation", "health", "image", "imports",
    "lifecycle", "onboarding", "ports", "profiles", "secrets", "snapshots", "status", "upgrade", "watch",
]  # fmt: skip

_ELSEWHERE = {
    # Beside the config, since both are what a gateway is given.
    "secrets": "idlehands_deploy.operations.config.secrets",
    "imports": "idlehands_deploy.operations.state.imports",
    "snapshots": "idlehands_deploy.operations.state.snapshots",
    "upgrade": "idlehands_deploy.operations.state.upgrade",
}


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(_ELSEWHERE.get(name, f"{__name__}.{name}"))
