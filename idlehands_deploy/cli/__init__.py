"""The command line: each command calls one operation and shows its result."""

from __future__ import annotations

from idlehands_deploy.cli.app import app, progress

# In the order of the help page.
from idlehands_deploy.cli import gateways, status, deployment, state, health, watch, doctor, boot, images, destroy  # isort: skip

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
    "state",
    "status",
    "watch",
]
