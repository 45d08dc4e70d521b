"""Imports of native gateways into a deployment without an engine."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.deployment.session import Session
from idlehands_deploy.errors import DeployError, EngineUnreachableError, UsageError
from idlehands_deploy.importing import importer as importing
from idlehands_deploy.importing import undo as import_undo
from tests.support.helpers import Quiet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.importing.importer import Imported
    from idlehands_deploy.remedies import Remedy
    from tests.support.natives import Everything


NEW_STATE = "/home/idlehands/.idlehands"
BASE = "name: test\nbase_port: {base}\nspacing: 20\nprofiles: {{}}\n"


class WithoutEngine(Session):
    """A session on a host without an engine; a real failure would leave a socket to the garbage collector."""

    def engine(self) -> Engine:
        raise EngineUnreachableError("No engine.", "Start it.")


def session(root: Path) -> Session:
    return WithoutEngine(Deployment(root), {}, Quiet(), lambda _: False)


def bring(root: Path, state: Path, name: str = "rescue", port: int | None = None, *, adopt: bool = False) -> Imported:
    return importing.import_native(session(root), name, state, port, adopt=adopt)


class Recorded(Quiet):
    """Progress whose lines are kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str | Remedy) -> None:
        self.lines.append(str(text))

    def update(self, subject: str, text: str) -> None:
        self.lines.append(f"{subject}: {text}")


def undo(root: Path, name: str = "rescue") -> list[str]:
    """Undo an import; returns the messages."""
    told = Recorded()
    import_undo.undo(WithoutEngine(Deployment(root), {}, told, lambda _: False), name, confirm=lambda _: True)
    return told.lines


def asked(root: Path, name: str = "rescue") -> str:
    """The question of an undo; the answer is no."""
    with pytest.raises(UsageError, match="nothing was changed") as caught:
        import_undo.undo(session(root), name, confirm=lambda _: False)
    return caught.value.what.partition("nothing was changed. ")[2]


def refused(root: Path, state: Path, name: str = "rescue", *, adopt: bool = False) -> str:
    with pytest.raises(DeployError) as caught:
        bring(root, state, name, adopt=adopt)
    assert caught.value.exit_code == 7
    return str(caught.value)


def config(root: Path, name: str = "rescue") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "profiles" / name / "state" / "idlehands.json").read_text())
    return found


def token(root: Path, name: str = "rescue") -> str:
    return (root / "secrets" / name / "IDLEHANDS_GATEWAY_TOKEN").read_text().strip()


@contextmanager
def failing(module: Any, name: str, error: BaseException) -> Iterator[None]:
    """The next call of a function fails, as at an interruption or on a full disk."""
    with pytest.MonkeyPatch.context() as patch:

        def fail(*_: object, **__: object) -> None:
            raise error

        patch.setattr(module, name, fail)
        yield


def killed_at(root: Path, state: Path, function: str, *arguments: str) -> None:
    """Run the command, and kill its process when it calls a function of ``import_files``."""
    script = (
        "import os, sys\n"
        "from idlehands_deploy.importing import files as import_files\n"
        f"import_files.{function} = lambda *_, **__: os.kill(os.getpid(), 9)\n"
        "from idlehands_deploy.__main__ import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", script, "-C", str(root), "import", "rescue", "--from", str(state), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -9, done.stderr


def alike(found: Everything, wanted: Everything) -> bool:
    """Whether both are equal except for databases, whose bytes may differ; other tests compare their rows."""
    ours, theirs = (
        {path: item for path, item in snapshot.items() if ".sqlite" not in path} for snapshot in (found, wanted)
    )
    return ours == theirs and found.keys() == wanted.keys()
