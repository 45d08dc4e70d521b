"""`config edit`."""

from __future__ import annotations

import shlex
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.errors import Problem, UsageError
from idlehands_deploy.gateway.json5_text import FlawError, parse_config
from idlehands_deploy.host.programs.editor import find_editor, run_editor
from idlehands_deploy.operations.config.change import Saved, effect_of
from idlehands_deploy.operations.config.check import check_drafts, find_look
from idlehands_deploy.operations.config.files import ConfigFiles
from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session


def edit(session: Session, name: str, file: str | None, again: Callable[[Sequence[Problem]], bool]) -> Saved | None:
    """Edit a copy of a config, and save it once the gateway would accept it.

    Args:
        file: one that the config includes; None for the config itself.
        again: shown what is wrong with the copy; returns whether to edit it again, or else to discard it.

    Returns:
        None if it was discarded.

    Raises:
        UsageError: there is no editor, or it failed; nothing was saved.
        StateRefusedError: somebody else changed the file meanwhile; nothing was saved, and the copy is kept.
    """
    files = ConfigFiles.of(session, name)
    path = files.find(file)
    before = files.read(path)
    editor = find_editor(session.environ)
    if editor is None:
        raise UsageError("No editor is installed here.", "Name one in $EDITOR, such as: export EDITOR=nano")
    copy = Path(tempfile.mkdtemp(prefix=f"{name}-config-")) / path.name
    copy.write_bytes(before.content)
    kept = Remedy(f"Your copy is kept: {shlex.quote(str(copy))}")
    look = find_look(session)
    while True:
        session.progress.close()
        if why := run_editor(editor, copy, session.environ):
            raise UsageError(f"{why}: nothing was saved.", kept)
        content = copy.read_bytes()
        if content == before.content:
            shutil.rmtree(copy.parent)
            return Saved(None)
        problems, is_asked = _problems(files, look, path, content)
        if not problems:
            break
        session.progress.close()
        if not again(problems):
            shutil.rmtree(copy.parent)
            return None
    began = time.time()
    if not files.save(path, content.decode(), before):
        compare = shlex.join(["diff", str(path), str(copy)])
        raise files.changed_meanwhile(path, kept.then(f"\nCompare the two: {compare}"))
    shutil.rmtree(copy.parent)
    return Saved(path, effect_of(look, name, began), is_asked=is_asked)


def _problems(files: ConfigFiles, look: Look | None, path: Path, content: bytes) -> tuple[Sequence[Problem], bool]:
    """What is wrong with an edited file, and whether the gateway itself was asked."""
    try:
        text = content.decode()
        parse_config(text)
    except UnicodeDecodeError:
        return [Problem(files.inside(path), "is not UTF-8 text")], False
    except FlawError as error:
        return [Problem(files.inside(path), str(error))], False
    found = check_drafts(files, look, {path: text})
    return found.problems, found.is_its_own
