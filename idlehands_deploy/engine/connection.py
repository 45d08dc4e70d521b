"""Find the engine that the person means, and tell its failures from ours."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import docker
from docker.context import ContextAPI
from docker.context.config import get_current_context_name
from docker.errors import APIError, DockerException
from docker.utils import kwargs_from_env
from urllib3.exceptions import HTTPError

from idlehands_deploy.errors import (
    EngineFailedError,
    EngineForbiddenError,
    EngineUnreachableError,
    UsageError,
)
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_SOCKET = "unix:///var/run/docker.sock"
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
# An engine under load answers late; one that is gone refuses at once.
TIMEOUT = 30
# What requests raises is an OSError; urllib3's own errors come through where an answer is streamed.
UNANSWERED = (DockerException, OSError, HTTPError)


def connect(environ: Mapping[str, str]) -> docker.DockerClient:
    """Connect to the engine of ``DOCKER_HOST``, of the current Docker context, or of the default socket.

    Raises:
        EngineUnreachableError: nothing answers there.
        UsageError: it is on another machine, where this machine's directories cannot be mounted; or what
            names it makes no sense.
    """
    settings = _endpoint(environ)
    host = local_address(environ)
    try:
        client = docker.DockerClient(version="auto", timeout=TIMEOUT, **settings)
        client.ping()
    except ValueError as error:
        raise UsageError(f"{host} is no engine's address: {error}.", "Mend or unset DOCKER_HOST.") from None
    except UNANSWERED as error:
        raise _unreachable(host, error) from None
    return client


def is_default(environ: Mapping[str, str]) -> bool:
    """Whether the engine that is meant is this host's own, which could be installed here."""
    return str(_endpoint(environ)["base_url"]) == DEFAULT_SOCKET


def local_address(environ: Mapping[str, str]) -> str:
    """Where on this machine the engine that is meant listens, whether it does or not.

    Raises:
        UsageError: it is on another machine, or what names it makes no sense.
    """
    host = str(_endpoint(environ)["base_url"])
    _check_local(host)
    return host


@contextmanager
def translated(client: docker.DockerClient) -> Iterator[None]:
    """Turn docker-py's failures into ours.

    Raises:
        EngineUnreachableError: the engine went away.
        EngineFailedError: it refused.
    """
    try:
        yield
    except APIError as error:
        reason = str(error.explanation or error)
        raise EngineFailedError(f"The engine refused: {reason}", "See its log: journalctl -u docker -n 50") from None
    except UNANSWERED as error:
        raise _unreachable(client.api.base_url, error) from None


def _endpoint(environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        if environ.get("DOCKER_HOST"):
            return dict(kwargs_from_env(environment=dict(environ)))
        name = environ.get("DOCKER_CONTEXT") or get_current_context_name()
        if name == "default":
            return {"base_url": DEFAULT_SOCKET}
        context = ContextAPI.get_context(name)
    except Exception as error:  # noqa: BLE001 - docker-py raises bare exceptions for files that it cannot read
        raise UsageError(
            f"What names your Docker Engine cannot be used: {error}.",
            "Mend or unset DOCKER_HOST and DOCKER_CONTEXT, or: docker context use default",
        ) from None
    if context is None:
        raise UsageError(f"There is no Docker context {name!r}.", "See which there are: docker context ls")
    return {"base_url": context.Host, "tls": context.TLSConfig or False}


def _check_local(host: str) -> None:
    try:
        parts = urlsplit(host)
    except ValueError as error:
        raise UsageError(f"{host} is no address of a Docker Engine: {error}.", "Mend or unset DOCKER_HOST.") from None
    if parts.scheme in {"unix", "npipe", "http+unix"} or parts.hostname in LOCAL_HOSTS:
        return
    raise UsageError(
        f"The Docker Engine at {host} is on another machine, and the gateways' files are on this one.",
        "Run idlehands-deploy on that machine, or unset DOCKER_HOST / `docker context use default`.",
    )


def _unreachable(host: str, error: Exception) -> EngineUnreachableError:
    path = host.removeprefix("http+").removeprefix("unix://")
    if "Permission denied" in str(error):
        return EngineForbiddenError(
            f"You may not use the Docker Engine at {path}: permission denied.",
            "Join its group and log in again: sudo usermod -aG docker $USER",
        )
    if host == DEFAULT_SOCKET and not os.path.exists(path):  # noqa: PTH110 - a socket, not a file to open
        return EngineUnreachableError(
            f"No Docker Engine is running here: there is no {path}.",
            Remedy(
                "Add --install-engine to `",
                ours("up", "NAME"),
                "` to install and start one, or start the one you have: sudo systemctl start docker",
            ),
        )
    return EngineUnreachableError(
        f"No Docker Engine answers at {path}.", "Start it: sudo systemctl start docker   (then: docker info)"
    )
