"""The command line: each command calls one operation and shows its result."""

from __future__ import annotations

# In the order of the help page.
from idlehands_deploy.cli import (
    boot,
    deployment,
    destroy,
    doctor,
    gateways,
    health,
    images,
    secrets,
    state,
    status,
    watch,
)  # isort: skip
from idlehands_deploy.cli.app import app, progress

__all__ = [
    "app",
    "boot",
    "deployment",
    "destroy",
    "doctor",
    "gateways",
    "health",
    "images",
    "progress",
    "secrets",
    "state",
    "status",
    "watch",
]
