"""Every secret that this deployment is known to hold, so that each can be removed wherever it stands."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.errors import DeployError
from idlehands_deploy.fleet.file import read_data
from idlehands_deploy.fleet.rules import VARIABLE_NAME
from idlehands_deploy.gateway.config import parse_json5, read_variables
from idlehands_deploy.redaction.allowlist import COMPOSE_FILE, FLEET_FILE, GATEWAY_CONFIG, may_be_shown, without_rest
from idlehands_deploy.redaction.shapes import names_a_secret, random_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from idlehands_deploy.deployment.directory import Deployment

# What a file of secrets or a config can be; larger ones hold something else.
LARGEST = 1 << 20
MOST_FILES = 200
# Where a gateway keeps what nobody reads for a report, and a lot of it.
_UNREAD = frozenset({"browser", "cache", "sessions", "media", "tmp", "workspace", "node_modules"})
# As a model or an option is called (provider/model-4-5): of use in a report, and no secret.
_NAME = re.compile(r"[a-z][a-z0-9]{0,15}(?:[-_/.:][a-z0-9]{1,11})*")
_SHORT, _LONG = 6, 12


def known_secrets(deployment: Deployment, environ: Mapping[str, str]) -> set[str]:
    """What stands in the deployment's files and in this command's own environment.

    What cannot be read is left out: it cannot get into a report from there either.

    Args:
        environ: of this command; only what is named like a secret.
    """
    found = {value for name, value in environ.items() if names_a_secret(name)}
    for path in _files(deployment.root / "secrets"):
        found.add(read_plain(path) or "")
        if not re.fullmatch(VARIABLE_NAME, path.name) or any(random_words(path.name)):
            # Pasted where only its name belongs.
            found.add(path.name)
    fleet = read_plain(deployment.fleet_file) or ""
    found.update(_hidden(_parsed(fleet), FLEET_FILE), random_words(fleet), _lines(fleet))
    compose = read_plain(deployment.compose_file) or ""
    found.update(_hidden(_parsed(compose), COMPOSE_FILE), random_words(compose), _lines(compose))
    for path in _files(deployment.root / "profiles"):
        if path.name == ".env":
            found.update(read_variables(read_plain(path) or "").values())
        elif path.suffix in {".json", ".json5"} or ".json." in path.name:
            text = read_plain(path) or ""
            found.update(_of_config(_parsed(text)), random_words(text), _lines(text))
    return {value.strip() for value in found if value.strip()}


def variables_to_hide(environment: Mapping[str, str]) -> Iterator[str]:
    """The values of a container's variables that can be secrets; most are the image's own."""
    for name, value in environment.items():
        if names_a_secret(name) or "://" in value or any(random_words(value)):
            yield value


def read_plain(path: Path) -> str | None:
    """An ordinary file's text; None for one that is large, no file or out of reach.

    A gateway owns its state and could have put a link or a pipe there, which root must not follow or wait for.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            return None
        return stream.read(LARGEST).decode(errors="replace")


def _files(directory: Path) -> Iterator[Path]:
    found = 0
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if name not in _UNREAD)
        for name in sorted(names):
            found += 1
            if found > MOST_FILES:
                return
            yield Path(folder) / name


def _parsed(text: str) -> object:
    try:
        return parse_json5(text) if text.lstrip()[:1] in {"{", "["} else read_data(text, "")
    except (ValueError, DeployError):
        return None


def _hidden(value: object, allowed: Iterable[str]) -> Iterator[str]:
    """The texts of a file of ours that its outline does not show."""
    for path, text in _texts(value, ()):
        if not _is_shown(path, text, allowed) and not re.fullmatch(r"\d{1,5}", text):
            # Compose doubles every dollar.
            yield from (text, text.replace("$$", "$"))


def _of_config(value: object) -> Iterator[str]:
    for path, text in _texts(value, ()):
        # A variable's name has no value of its own.
        if "${" in text or _is_shown(path, text, GATEWAY_CONFIG):
            continue
        private = any(map(names_a_secret, path)) and (len(text) >= _SHORT or any(map(str.isdigit, text)))
        if private or (len(text) >= _LONG and not _NAME.fullmatch(text) and not text.startswith(("/", "~"))):
            yield text


def _is_shown(path: tuple[str, ...], text: str, allowed: Iterable[str]) -> bool:
    """Whether an outline shows a text, and the whole of it."""
    return may_be_shown(path, allowed) and ("://" not in text or without_rest(text) == text.rstrip("/"))


def _texts(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        if {"source", "id"} <= set(value):  # where a secret is to be had from, and not the secret
            return
        for key, item in value.items():
            yield from _texts(item, (*path, str(key)))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, (*path, "*"))
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield path, str(value)


def _lines(text: str) -> Iterator[str]:
    """What a damaged file seems to say: the values of names that smell of secrets, line by line."""
    for name, value in re.findall(r"([\w.-]+)[\"']?[ \t]*[:=][ \t]*[\"']?([^\s\"',{}\[\]]{6,})", text):
        if names_a_secret(name) and any(map(str.isdigit, value)):
            yield value
