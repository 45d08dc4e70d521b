"""`config show`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idlehands_deploy.errors import ConfigError, Problem
from idlehands_deploy.operations.config.files import ConfigFiles
from idlehands_deploy.redaction.config_text import redact_config
from idlehands_deploy.redaction.known_secrets import given_secrets
from idlehands_deploy.redaction.redactor import Redactor
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from idlehands_deploy.deployment.session import Session


@dataclass(frozen=True)
class ConfigText:
    """One file of a config.

    Attributes:
        place: its path on this host.
    """

    place: str
    text: str


def show(session: Session, name: str, *, raw: bool) -> list[ConfigText]:
    """A gateway's config and the files that it includes, as they are written.

    Args:
        raw: with their secrets.
    """
    files = ConfigFiles.of(session, name)
    redactor = Redactor(given_secrets(session.deployment, session.environ))
    for flaw in files.config.flaws:
        session.progress.say(f"{files.main}: {flaw}")
    return [
        ConfigText(str(path), text if raw else redact_config(text, redactor))
        for path in (files.main, *files.config.includes)
        for text in [files.text(path)]
    ]


def effective(session: Session, name: str, *, raw: bool) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """A gateway's config as one value, with the files that it includes merged in.

    Raises:
        ConfigError: a file of it cannot be parsed.
    """
    files = ConfigFiles.of(session, name)
    if files.config.flaws:
        problems = [Problem(str(files.main), flaw) for flaw in files.config.flaws]
        raise ConfigError(
            f"The config of {name} cannot be parsed:", problems, Remedy("Mend it: ", ours("config", "edit", name))
        )
    files.text(files.main)
    values = files.config.values
    return values if raw else Redactor(given_secrets(session.deployment, session.environ)).value(values)
