"""Files that plain Compose applies beside the generated one, and where their content belongs in the fleet file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from idlehands_deploy.errors import Problem
from idlehands_deploy.targets.compose import read_services

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

# In the order in which Compose looks for them; it applies the first.
OVERRIDE_FILES = (
    "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
)  # fmt: skip
WHAT = "`docker compose` applies it, and this tool does not"
# Compose reads variables from it.
ENVIRONMENT_FILE = ".env"
# Which of them change what plain Compose makes of this directory.
VARIABLES = {
    "COMPOSE_FILE": "makes `docker compose` use other files than this tool",
    "COMPOSE_PROJECT_NAME": "makes `docker compose` make second containers, on the same files",
}
# Which change something of it that `docker compose config` does not show.
UNSEEN_VARIABLES = {
    "COMPOSE_COMPATIBILITY": "makes `docker compose` name containers in another way than this tool",
    "COMPOSE_REMOVE_ORPHANS": "makes `docker compose up` remove containers that have no profile",
    "DOCKER_DEFAULT_PLATFORM": "makes `docker compose` look for an image for another processor",
}
# Keys of a service, and the fleet file's for the same.
KEYS = {
    "volumes": "volumes", "devices": "devices", "group_add": "groups", "dns": "dns", "labels": "labels",
    "environment": "environment", "secrets": "secrets", "ports": "port", "mem_limit": "resources.memory",
    "cpus": "resources.cpus", "pids_limit": "resources.pids", "shm_size": "resources.shm",
    "stop_grace_period": "stop_grace_period",
}  # fmt: skip
TOP_LEVEL = {"image": "image", "user": "user"}


def override_problems(name: str, text: str, profiles: Container[str]) -> Iterator[Problem]:
    """Why an override file is refused, and what to do with each key in it.

    It is not applied: it could undo the port plan and the container's safety unseen, and its services follow no
    `rename` and no `remove`.
    """
    yield Problem(name, f"{WHAT}; move its content to fleet.yaml, then delete it")
    for service, settings in read_services(text).items():
        where = f"{name}:services.{service}"
        if service not in profiles:
            yield Problem(where, "is no profile; give it a Compose project of its own, in another directory")
            continue
        for key in settings:
            yield Problem(f"{where}.{key}", _place(service, key))


def environment_problems(text: str) -> Iterator[Problem]:
    """The variables in Compose's file of variables that make it do something else than this tool."""
    for variable, why in VARIABLES.items():
        if _sets(text, variable):
            yield Problem(f"{ENVIRONMENT_FILE}:{variable}", f"{why}; remove it")


def unseen_variables(text: str) -> Iterator[tuple[str, str]]:
    """The variables in that file that do so without a trace in the document, each with what it does."""
    for variable, why in UNSEEN_VARIABLES.items():
        if _sets(text, variable):
            yield variable, why


def _sets(text: str, variable: str) -> bool:
    return bool(re.search(rf"^\ufeff?[ \t]*(export[ \t]+)?{variable}[ \t]*[=:][ \t]*\S", text, re.MULTILINE))


def _place(profile: str, key: str) -> str:
    if key in KEYS:
        return f"write it as profiles.{profile}.{KEYS[key]} in fleet.yaml"
    if key in TOP_LEVEL:
        return f"write it as {TOP_LEVEL[key]} in fleet.yaml, for every profile"
    return "fleet.yaml has no key for it"
