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
        imports,
        lifecycle,
        onboarding,
        ports,
        profiles,
        snapshots,
        status,
        watch,
    )
    from idlehands_deploy.operations.config import secrets

__all__ = [
    "boot", "cleanup", "config", "containers", "dashboard", "doctor", "generation", "health", "image", "imports",
    "lifecycle", "onboarding", "ports", "profiles", "secrets", "snapshots", "status", "watch",
]  # fmt: skip

# Beside the config, since both are what a gateway is given.
_ELSEWHERE = {"secrets": "idlehands_deploy.operations.config.secrets"}


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(_ELSEWHERE.get(name, f"{__name__}.{name}"))
