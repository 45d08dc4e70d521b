"""Whether plain Compose in the deployment directory does the same as this tool: its files, and its variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.additions import other_compose_files, read_environment_file
from idlehands_deploy.engine.compose import Compose, clean
from idlehands_deploy.errors import DeployError
from idlehands_deploy.findings import Finding
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.targets.override import ENVIRONMENT_FILE, UNSEEN_VARIABLES, VARIABLES, WHAT, unseen_variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.errors import Problem
    from idlehands_deploy.fleet.model import Fleet

IGNORED = "this tool ignores it, but `docker compose` in this directory uses it"
REMOVE_LINE = Remedy("remove that line")


def examine_compose(session: Session, fleet: Fleet) -> list[Finding]:
    """What makes plain Compose do something else than this tool."""
    problems = other_compose_files(session.deployment, fleet.profiles)
    unseen = unseen_variables(read_environment_file(session.deployment))
    return [
        *_refused(problems),
        *(Finding("warning", f"{ENVIRONMENT_FILE}:{name}", why, IGNORED, REMOVE_LINE) for name, why in unseen),
        *_set_variables(session.environ),
        *([] if problems else _differences(session, fleet)),
    ]


def _refused(problems: Sequence[Problem]) -> Iterator[Finding]:
    """The findings for files that `up` refuses; the first problem of each file is about the whole."""
    why = "containers depend on who started them, and `up` is refused until then"
    keys = Remedy("move its content to fleet.yaml, then delete it; where each key goes: ", ours("up", "--dry-run"))
    for path, problem, _ in problems:
        if problem.startswith(WHAT):
            yield Finding("error", path, WHAT, why, keys)
        elif path.startswith(ENVIRONMENT_FILE):
            yield Finding("error", path, problem.rpartition(";")[0], why, REMOVE_LINE)


def _set_variables(environ: Mapping[str, str]) -> Iterator[Finding]:
    for variable in (*VARIABLES, *UNSEEN_VARIABLES):
        if environ.get(variable):
            yield Finding(
                "note", variable, "is set in your environment", IGNORED,
                Remedy(f"before you use docker compose here: unset {variable}"),
            )  # fmt: skip


def _differences(session: Session, fleet: Fleet) -> Iterator[Finding]:
    """What else makes Compose read another document, whatever it is: found by asking Compose itself."""
    compose = Compose(session.deployment.root, fleet.name, session.environ)
    try:
        ours_read = compose.document()
        plain = compose.plain_document(clean(session.environ))
    except DeployError:  # another check tells that Compose is missing, or that the document is wrong
        return
    if plain.error:
        # Its words may quote a value, which may be a secret.
        line = re.search(r"\bline (\d+)", plain.error)
        yield Finding(
            "warning", ENVIRONMENT_FILE, f"stops `docker compose`{f' at line {line[1]}' if line else ''}",
            "this tool ignores the file, but plain `docker compose` cannot be used in this directory",
            Remedy("correct the file, or move it to another directory"),
        )  # fmt: skip
    elif plain.text != ours_read:
        yield Finding(
            "warning", ENVIRONMENT_FILE, "makes `docker compose` do something else than this tool", IGNORED,
            Remedy("move the file to another directory; see the difference: docker compose config"),
        )  # fmt: skip
    elif not any(session.environ.get(variable) for variable in VARIABLES):
        theirs = compose.plain_document(session.environ)
        if theirs.error or theirs.text != ours_read:
            yield Finding(
                "note", "your environment", "has variables of Compose that change or stop it",
                "this tool ignores them, but `docker compose` in this directory uses them",
                Remedy("look for them: env | grep ^COMPOSE_"),
            )  # fmt: skip
