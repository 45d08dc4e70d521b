"""The lock of the gateway's npm tree, in the build context: each package of it with its version and its hash."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "build/lock/package.json"
LOCK = "build/lock/package-lock.json"


def lock_digest(context: Path, package: str, version: str) -> str | None:
    """The SHA-256 of the lock; None if it is that of another package or version."""
    manifest = json.loads((context / MANIFEST).read_text(encoding="utf-8"))
    if manifest["dependencies"] != {package: version}:
        return None
    return hashlib.sha256((context / LOCK).read_bytes().replace(b"\r\n", b"\n")).hexdigest()
