"""Every known secret of this deployment, so that each can be removed wherever it appears."""

from __future__ import annotations

import functools
import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.secret_values import read_content
from idlehands_deploy.errors import DeployError
from idlehands_deploy.fleet.file import read_data
from idlehands_deploy.fleet.rules import VARIABLE_NAME
from idlehands_deploy.gateway.config import read_variables
from idlehands_deploy.gateway.json5_text import parse_json5
from idlehands_deploy.host.file_facts import ANY, Limits, names_in, read_ordinary, walk
from idlehands_deploy.redaction.allowlist import COMPOSE_FILE, FLEET_FILE, GATEWAY_CONFIG, may_be_shown, without_rest
from idlehands_deploy.redaction.shapes import names_a_secret, random_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from idlehands_deploy.deployment.directory import Deployment

# Of one directory: a gateway that fills its state must not hide what is another's.
MOST_FILES = 200
# Characters of one profile's configs that are searched.
MOST_CHARACTERS = 2 << 20
# Of one profile, what its own files have: each is looked for in some 13 forms, and 2,000 in many texts take minutes.
MOST_SECRETS = 1000
# Characters of what may be a secret in a config.
LONGEST_SECRET = 8192
# Directories of a gateway that a report never reads, and that are large.
_UNREAD = frozenset({"browser", "cache", "sessions", "media", "tmp", "workspace", "node_modules"})
# The name of a model or an option (provider/model-4-5): useful in a report, and not secret.
_NAME = re.compile(r"[a-z][a-z0-9]{0,15}(?:[-_/.:][a-z0-9]{1,11})*")
_SHORT, _LONG = 6, 12


def known_secrets(deployment: Deployment, environ: Mapping[str, str]) -> set[str]:
    """The secrets in the deployment's files and in this command's environment.

    Unreadable files are skipped: their content cannot get into a report either.

    Args:
        environ: this command's; only variables with the name of a secret are used.
    """
    found = given_secrets(deployment, environ)
    # A person's own files, which may be links, and go into a report as well.
    fleet = _read(deployment.fleet_file, ANY)
    found.update(_hidden(_parsed(fleet), FLEET_FILE), random_words(fleet), _lines(fleet))
    compose = _read(deployment.compose_file, ANY)
    found.update(_hidden(_parsed(compose), COMPOSE_FILE), random_words(compose), _lines(compose))
    for profile in names_in(deployment.root / "profiles"):
        found.update(_first(_of_profile(deployment.root / "profiles" / profile)))
    return {value.strip() for value in found if value.strip()}


def _first(secrets: Iterable[str]) -> Iterator[str]:
    """As many secrets as one profile may have; a gateway that writes more endangers its own alone."""
    different = dict.fromkeys(secret[:LONGEST_SECRET] for secret in secrets)
    return itertools.islice(different, MOST_SECRETS)


def _of_profile(directory: Path) -> Iterator[str]:
    limits, left = Limits((directory,), links=False), MOST_CHARACTERS
    for path in _files(directory):
        if left < 0:
            return
        if path.name == ".env":
            yield from read_variables(_read(path, limits)).values()
        elif path.suffix in {".json", ".json5"} or ".json." in path.name:
            text = _read(path, limits)
            left -= len(text)
            yield from (*_of_config(_json(text)), *random_words(text), *_lines(text))


def given_secrets(deployment: Deployment, environ: Mapping[str, str]) -> set[str]:
    """The secrets that a person has given as such: in files of their own, in `.env` files and in the environment."""
    found = {value for name, value in environ.items() if names_a_secret(name)}
    for path in _files(deployment.root / "secrets"):
        text = _read(path, Limits(links=False))
        # A gateway gets it without what an editor put before it.
        found |= {text, read_content(path.name, text.encode()).value}
        if not re.fullmatch(VARIABLE_NAME, path.name) or any(random_words(path.name)):
            # A secret's value used as the file name by mistake.
            found.add(path.name)
    for path in (deployment.root / "profiles").glob("*/state/.env"):
        found.update(_first(read_variables(_read(path, Limits((path.parent,), links=False))).values()))
    return {value.strip() for value in found if value.strip()}


def variables_to_hide(environment: Mapping[str, str]) -> Iterator[str]:
    """The values of a container's variables that may be secrets; most variables come from the image."""
    for name, value in environment.items():
        if names_a_secret(name) or "://" in value or any(random_words(value)):
            yield value


def _read(path: Path, limits: Limits) -> str:
    """The text of an ordinary file; empty if it is too large, not a file, or not readable."""
    try:
        return read_ordinary(path, limits) or ""
    except OSError:
        return ""


def _files(directory: Path) -> Iterator[Path]:
    files = (Path(entry.path) for entry in walk(directory, _UNREAD) if not entry.is_dir(follow_symlinks=False))
    yield from itertools.islice(files, MOST_FILES)


def _parsed(text: str) -> object:
    try:
        return read_data(text, "")
    except (ValueError, DeployError):
        return None


def _json(text: str) -> object:
    try:
        return parse_json5(text, limited=False)  # no secret is missed for the sake of speed
    except ValueError:
        return None


def _hidden(value: object, allowed: Iterable[str]) -> Iterator[str]:
    """The texts in one of our files that ``mask`` does not show."""
    for path, text in _texts(value, ()):
        if not _is_shown(path, text, allowed) and not re.fullmatch(r"\d{1,5}", text):
            # Compose doubles every dollar.
            yield from (text, text.replace("$$", "$"))


def _of_config(value: object) -> Iterator[str]:
    for path, text in _texts(value, ()):
        # The name of a variable is not a secret.
        if "${" in text:
            continue
        is_long = len(text) >= _LONG and not _NAME.fullmatch(text) and not text.startswith(("/", "~"))
        # What costs most is asked last: a config may have a million short values.
        is_private = is_long or _may_be_private(path, text)
        if is_private and not _is_shown(path, text, GATEWAY_CONFIG):
            yield text


def _may_be_private(path: tuple[str, ...], text: str) -> bool:
    return (len(text) >= _SHORT or any(map(str.isdigit, text))) and any(map(_names_a_secret, path))


_names_a_secret = functools.lru_cache(maxsize=4096)(names_a_secret)


def _is_shown(path: tuple[str, ...], text: str, allowed: Iterable[str]) -> bool:
    """Whether ``mask`` shows the whole text."""
    return may_be_shown(path, allowed) and ("://" not in text or without_rest(text) == text.rstrip("/"))


def _texts(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        if {"source", "id"} <= set(value):  # a reference to a secret, not its value
            return
        for key, item in value.items():
            yield from _texts(item, (*path, str(key)))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, (*path, "*"))
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield path, str(value)


def _lines(text: str) -> Iterator[str]:
    """For damaged files: the values after names of secrets, line by line."""
    for name, value in re.findall(
        r"(?<![\w.-])([\w.-]{1,80})[\"']?[ \t]*+[:=][ \t]*+[\"']?([^\s\"',{}\[\]]{6,})", text
    ):
        if names_a_secret(name) and any(map(str.isdigit, value)):
            yield value
