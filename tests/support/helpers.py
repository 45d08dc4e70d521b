"""What several test files need: fleets from text, sessions without a terminal, and the real program."""

from __future__ import annotations

import json
import os
import stat
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import jsonschema
import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.deployment.session import Session
from idlehands_deploy.errors import FleetError
from idlehands_deploy.fleet.file import parse_text
from tests.support.program import call

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable

    from idlehands_deploy.findings import Finding
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.remedies import Remedy

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "idlehands_deploy"
NOBODY = 65534
NO_ENGINE = "unix:///nonexistent.sock"
# Whose a profile's files are, as a fleet file says it.
USER = "1000:1000" if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"


def check_status(said: object) -> None:
    """See that a status for scripts is what its schema says, and holds nothing that the schema does not name."""
    strict = json.loads((ROOT / "docs" / "status.schema.json").read_text().replace(
        '"additionalProperties": true', '"additionalProperties": false'
    ))  # fmt: skip
    jsonschema.validate(said, strict)


class Quiet:
    """Progress that nobody reads."""

    def say(self, text: str | Remedy) -> None:
        pass

    def update(self, subject: str, text: str) -> None:
        pass

    def close(self) -> None:
        pass


@cache
def fleet(text: str) -> Fleet:
    return parse_text(dedent(text), "fleet.yaml")


def problems(text: str) -> str:
    """The ``path: problem`` lines that a fleet file is refused with."""
    with pytest.raises(FleetError) as caught:
        fleet(text)
    return "\n".join(map(str, caught.value.problems))


def session(root: Path) -> Session:
    return Session(Deployment(root), {}, Quiet(), lambda _: False)


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def brief(findings: Iterable[Finding]) -> list[str]:
    return [f"{finding.level} {finding.place}: {finding.what}" for finding in findings]


def snapshot(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file and directory with its mode, owner and content; empty if there is no directory."""
    return {
        str(path.relative_to(root)): (
            path.lstat().st_mode,
            path.lstat().st_uid,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(root.rglob("*"))
    }


def clean_environ(home: Path, **more: str) -> dict[str, str]:
    """An environment without an engine and without the person's own settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "DOCKER_HOST": NO_ENGINE,
        "PYTHONPATH": str(ROOT),  # this checkout, whichever is installed
        **more,
    }


def run(home: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a person's script does: in a pipe, in an empty home directory."""
    return call(arguments, home, clean_environ(home, **environ))
