"""Whatever docker-py raises, and whatever an engine responds, a caller of ours gets a result or one of our errors."""

from __future__ import annotations

import inspect
import json
import socket
import ssl
from typing import TYPE_CHECKING, Any

import docker.errors
import pytest
import urllib3.exceptions
from docker.credentials.errors import StoreError

from idlehands_deploy.engine.client import Engine
from idlehands_deploy.engine.facts import ContainerFacts
from idlehands_deploy.engine.leftovers import Leftovers
from idlehands_deploy.engine.one_off import OneOff
from idlehands_deploy.errors import DeployError, EngineFailedError, EngineUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

FACTS = ContainerFacts("1", "main", "running", None, None, False, 0, "2026-11-22T00:00:00Z", "/srv")
# An argument for each parameter of a method, by its name.
ARGUMENTS: dict[str, Any] = {
    "project": "p", "service": "s", "container": "c", "command": ["true"], "seconds": 1, "facts": FACTS,
    "within": 1, "lines": 1, "since": 1.0, "end": "x", "reference": "x:1", "archive": "/x.tar", "repository": "x",
    "tag": "x:1", "context": b"", "arguments": {}, "labels": {}, "on_line": lambda _: None, "image": "x",
    "names": ["n"], "before": None, "on": True, "on_change": lambda _: None, "on_lost": lambda: None,
    "task": OneOff("x", ["true"], "1:1", {}, {}),
}  # fmt: skip
METHODS = [
    (kind, name)
    for kind in (Engine, Leftovers)
    for name, method in inspect.getmembers(kind, inspect.isfunction)
    if not name.startswith("_")
]
RAISED = [
    docker.errors.APIError("x"), docker.errors.NotFound("x"), docker.errors.DockerException("x"),
    docker.errors.StreamParseError("x"), docker.errors.InvalidConfigFile("x"), StoreError("x"),
    urllib3.exceptions.ProtocolError("x"), urllib3.exceptions.ReadTimeoutError(None, "x", "x"),  # type: ignore[arg-type]
    json.JSONDecodeError("x", "x", 0), UnicodeDecodeError("utf-8", b"x", 0, 1, "x"), RecursionError("x"),
    KeyError("x"), TypeError("x"), AttributeError("x"), IndexError("x"), ValueError("x"),
    ConnectionResetError("x"), BrokenPipeError("x"), TimeoutError("x"), socket.gaierror("x"), ssl.SSLError("x"),
    OSError(28, "No space left on device"), PermissionError(13, "Permission denied"),
]  # fmt: skip
RESPONSES: list[Any] = [
    None, [], {}, 7, "x", b"x", [7], [None], [{}], ["x"], [{"Id": 1}], {"Id": 1}, {"Id": "1", "State": None},
    {"Images": 7}, {"Config": {"Env": 7}}, {"IPAM": {"Config": [{"Subnet": "x"}]}}, [{"Ports": [{"PublicPort": 1}]}],
]  # fmt: skip


class Client:
    """A client of docker-py of which every request ends in the same way."""

    def __init__(self, request: Callable[..., Any]) -> None:
        self._request = request
        self.base_url = "http+docker://localhost"

    @property
    def api(self) -> Client:
        return self

    images = api

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self._request


def code_of(kind: type, name: str, request: Callable[..., Any]) -> int:
    """The exit code of a call's error of ours; 0 for a result."""
    owner = kind(Client(request))
    method = getattr(owner, name)
    wanted = inspect.signature(method).parameters
    try:
        method(**{parameter: ARGUMENTS[parameter] for parameter in wanted})
    except DeployError as error:
        return error.exit_code
    return 0


@pytest.mark.parametrize(("kind", "name"), METHODS)
def test_each_error_of_another_s_library_becomes_one_of_ours(kind: type, name: str) -> None:
    for error in RAISED:

        def request(*_: object, error: Exception = error, **__: object) -> Any:
            raise error

        assert code_of(kind, name, request) in {0, 4, 5}, error


@pytest.mark.parametrize(("kind", "name"), METHODS)
def test_each_response_that_is_none_of_an_engine_becomes_an_error_of_ours(kind: type, name: str) -> None:
    for response in RESPONSES:

        def request(*_: object, response: Any = response, **__: object) -> Any:
            return response

        assert code_of(kind, name, request) in {0, 4, 5}, response


def test_a_response_that_cannot_be_read_and_none_at_all_are_different_errors() -> None:
    with pytest.raises(EngineFailedError, match=r"^The Docker Engine sent a response that cannot be read \(KeyError\)"):
        Engine(Client(lambda *_, **__: {})).facts()  # type: ignore[arg-type]

    def gone(*_: object, **__: object) -> Any:
        raise ConnectionResetError

    with pytest.raises(EngineUnreachableError, match=r"^The Docker Engine no longer answers\."):
        Engine(Client(gone)).facts()  # type: ignore[arg-type]
