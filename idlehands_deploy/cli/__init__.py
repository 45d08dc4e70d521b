"""The command line: each command calls one operation and shows its result."""

from __future__ import annotations

from idlehands_deploy.cli import (
    boot,
    config,
    dashboard,
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
)
from idlehands_deploy.cli.app import app, progress

__all__ = [
    "app",
    "boot",
    "config",
    "dashboard",
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
