"""The command line: each command calls one operation and shows its result."""

from __future__ import annotations

from idlehands_deploy.cli.app import app, progress

# In the order of the help page.
from idlehands_deploy.cli import gateways, status, deployment, config, state, health, watch, doctor, boot, images  # isort: skip

__all__ = [
    "app",
    "boot",
    "config",
    "deployment",
    "doctor",
    "gateways",
    "health",
    "images",
    "progress",
    "state",
    "status",
    "watch",
]
