"""The modules of the package."""

from __future__ import annotations

from tests.support.helpers import PACKAGE

MODULES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}
