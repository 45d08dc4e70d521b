"""Find the engine that the environment names, and turn its errors into ours."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import docker
from docker.context import ContextAPI
from docker.context.config import get_current_context_name
from docker.errors import APIError, DockerException, TLSParameterError
from docker.utils import kwargs_from_env
from docker.utils.config import find_config_file
from urllib3.exceptions import HTTPError

from idlehands_deploy.engine.compose import is_socket
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
# docker-py's address of every socket.
SOCKET_URL = "http+docker://localhost"
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
# An engine under load answers late; a stopped one refuses connections at once. Seconds.
TIMEOUT = 30
# The errors of requests are OSErrors; a streamed response can raise urllib3's own.
UNANSWERED = (DockerException, OSError, HTTPError)
# docker-py checks no types: this is what it, and what reads its values, raise over text that is something else than
# expected. Too deep a nesting, a broken stream and a failed credential helper are RuntimeErrors.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RuntimeError)
# Of a client that connects to nothing.
ANY_VERSION = "1.44"


def connect(environ: Mapping[str, str]) -> docker.DockerClient:
    """Connect to the engine of ``DOCKER_HOST``, of the current Docker context, or of the default socket.

    Raises:
        EngineUnreachableError: no engine answers there.
        UsageError: it is on another machine, which cannot mount this machine's directories; or its address, its
            context or Docker's client configuration is not valid.
    """
    settings = _endpoint(environ)
    host = local_address(environ)
    try:
        client = docker.DockerClient(version="auto", timeout=TIMEOUT, **settings)
        client.ping()
    except (*UNANSWERED, *UNREADABLE) as error:
        _check_client_config()
        if isinstance(error, ValueError):
            raise _invalid_address(host, error) from None
        raise _unreachable(host, error) from None
    return client


def is_default(environ: Mapping[str, str]) -> bool:
    """Whether the engine is this host's default one, which this tool can install."""
    return str(_endpoint(environ)["base_url"]) == DEFAULT_SOCKET


def local_address(environ: Mapping[str, str]) -> str:
    """The engine's address on this machine, even if no engine listens there.

    Raises:
        UsageError: it is on another machine, or its address or context is not valid.
    """
    host = str(_endpoint(environ)["base_url"])
    _check_local(host)
    return host


@contextmanager
def translated(client: docker.DockerClient) -> Iterator[None]:
    """Turn docker-py's errors into ours.

    Raises:
        EngineUnreachableError: the engine does not answer any more.
        EngineFailedError: it refused the request, or its response is none of a Docker Engine.
    """
    try:
        yield
    except APIError as error:
        reason = str(error.explanation or error)
        raise EngineFailedError(f"The engine refused: {reason}", "See its log: journalctl -u docker -n 50") from None
    except UNREADABLE as error:
        raise EngineFailedError(
            f"The Docker Engine sent a response that cannot be read ({type(error).__name__}).",
            "See what answers there: docker version   (in its place may be a proxy, or another program)",
        ) from error
    except UNANSWERED as error:
        raise _unreachable(client.api.base_url, error) from None


def _endpoint(environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        if host := environ.get("DOCKER_HOST"):
            kept = {"DOCKER_HOST": host} if is_socket(host) else dict(environ)
            return dict(kwargs_from_env(environment=kept))
        name = environ.get("DOCKER_CONTEXT") or get_current_context_name()
        if name == "default":
            return {"base_url": DEFAULT_SOCKET}
        context = ContextAPI.get_context(name)
    except TLSParameterError:
        place = environ.get("DOCKER_CERT_PATH") or "~/.docker"
        raise UsageError(
            f"The certificates for your Docker Engine cannot be used: {place} must hold ca.pem, cert.pem and key.pem.",
            "Correct or unset DOCKER_CERT_PATH and DOCKER_TLS_VERIFY.",
        ) from None
    except Exception as error:  # noqa: BLE001 - docker-py raises bare exceptions for files that it cannot read
        # The words of the others are about docker-py's own code.
        reason = f": {error}" if isinstance(error, (*UNANSWERED, ValueError)) and str(error) else ""
        raise UsageError(
            f"The settings for your Docker Engine are not valid{reason}.",
            "Correct or unset DOCKER_HOST and DOCKER_CONTEXT, or: docker context use default",
        ) from None
    if context is None:
        raise UsageError(f"There is no Docker context {name!r}.", "List the contexts: docker context ls")
    return {"base_url": context.Host, "tls": context.TLSConfig or False}


def _check_local(host: str) -> None:
    try:
        parts = urlsplit(host)
    except ValueError as error:
        raise _invalid_address(host, error) from None
    if parts.scheme in {"unix", "npipe", "http+unix"} or parts.hostname in LOCAL_HOSTS:
        return
    raise UsageError(
        f"The Docker Engine at {host} is on another machine, but the gateways' files are on this one.",
        "Run idlehands-deploy on that machine, or use this one's engine: unset DOCKER_HOST, docker context use default",
    )


def _check_client_config() -> None:
    """See that docker-py can use Docker's client configuration, which holds nothing that this tool needs.

    Raises:
        UsageError: it cannot.
    """
    try:
        docker.APIClient(base_url=DEFAULT_SOCKET, version=ANY_VERSION)  # it connects to nothing yet
    except Exception:  # noqa: BLE001 - whatever it is, it is about that file
        raise UsageError(
            f"Docker's client configuration is not valid: {find_config_file()!s}.",
            "Correct the file, or use another directory of configuration: export DOCKER_CONFIG=DIRECTORY",
        ) from None


def _invalid_address(host: str, error: ValueError) -> UsageError:
    return UsageError(f"{host} is not the address of a Docker Engine: {error}.", "Correct or unset DOCKER_HOST.")


def _unreachable(host: str, error: Exception) -> EngineUnreachableError:
    if host == SOCKET_URL:
        return EngineUnreachableError("The Docker Engine no longer answers.", "Start it: sudo systemctl start docker")
    path = host.removeprefix("http+").removeprefix("unix://")
    if "Permission denied" in str(error):
        return EngineForbiddenError(
            f"You may not use the Docker Engine at {path}: permission denied.",
            "Add yourself to its group and log in again: sudo usermod -aG docker $USER",
        )
    if host == DEFAULT_SOCKET and not os.path.exists(path):  # noqa: PTH110 - a socket, not a file to open
        return EngineUnreachableError(
            f"No Docker Engine is running here: {path} does not exist.",
            Remedy(
                "Add --install-engine to `",
                ours("up", "NAME"),
                "` to install and start one. If one is installed, start it: sudo systemctl start docker",
            ),
        )
    return EngineUnreachableError(
        f"No Docker Engine answers at {path}.", "Start it: sudo systemctl start docker   (then: docker info)"
    )
