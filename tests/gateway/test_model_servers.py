"""Model servers on this host: what each kind is known by, and the addresses in a gateway's config."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.gateway.config import read_config
from idlehands_deploy.gateway.model_servers import (
    LM_STUDIO,
    OLLAMA,
    OTHER,
    Kind,
    ModelServer,
    config_models,
    host_port,
    identify,
)
from idlehands_deploy.gateway.onboarding import local_arguments
from tests.support import model_server

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOPBACK = frozenset({"127.0.0.1"})


@pytest.mark.parametrize(
    ("lists", "kind", "models"),
    [
        (model_server.OLLAMA, OLLAMA, ("scripted-1:latest",)),
        (model_server.LM_STUDIO, LM_STUDIO, ("author/scripted-1",)),
        (model_server.OPENAI, OTHER, ("embed-1", "scripted-1")),
        # Another program's list under LM Studio's path has another form.
        ({"/api/v1/models": {"data": [{"id": "a"}]}, "/v1/models": {"data": [{"id": "a"}]}}, OTHER, ("a",)),
        ({"/api/tags": {"models": []}}, OLLAMA, ()),
    ],
)
def test_a_server_is_known_by_its_list_of_models(lists: Mapping[str, Any], kind: Kind, models: tuple[str, ...]) -> None:
    found = identify(4711, LOOPBACK, lambda _, __, path: lists.get(path, {}))
    assert found == ModelServer(kind, 4711, LOOPBACK, models)


@pytest.mark.parametrize("body", [{}, {"data": 1}, {"data": ["a"]}, {"data": [{"name": "a"}]}, {"models": {"a": 1}}])
def test_another_web_server_is_none(body: dict[str, Any]) -> None:
    assert identify(80, LOOPBACK, lambda *_: body) is None


@pytest.mark.parametrize(
    ("addresses", "asked"),
    [
        ({"127.0.0.1"}, "127.0.0.1"),
        ({"::1"}, "::1"),
        ({"0.0.0.0"}, "127.0.0.1"),
        ({"::"}, "127.0.0.1"),
        ({"172.17.0.1", "127.0.0.1"}, "127.0.0.1"),
        ({"172.17.0.1"}, "172.17.0.1"),
    ],
)
def test_a_server_is_asked_where_this_host_reaches_it(addresses: set[str], asked: str) -> None:
    hosts: list[str] = []

    def ask(host: str, _: int, __: str) -> dict[str, Any]:
        hosts.append(host)
        return {}

    identify(80, frozenset(addresses), ask)
    assert set(hosts) == {asked}


def test_the_first_model_that_is_not_for_embeddings_is_the_default() -> None:
    assert ModelServer(OTHER, 1, LOOPBACK, ("nomic-embed-text", "llama")).default_model == "llama"
    assert ModelServer(OTHER, 1, LOOPBACK, ("Qwen3-Embedding",)).default_model == ""


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        (OLLAMA, "http://host.docker.internal:4711"),
        (LM_STUDIO, "http://host.docker.internal:4711/v1"),
        (OTHER, "http://host.docker.internal:4711/v1"),
    ],
)
def test_the_onboarding_gets_the_address_that_containers_use(kind: Kind, url: str) -> None:
    arguments = local_arguments(ModelServer(kind, 4711, LOOPBACK), "a")
    assert arguments[:4] == ["--custom-base-url", url, "--custom-model-id", "a"]
    assert ("--custom-compatibility" in arguments) == (kind == OTHER)


CONFIG = """{models: {providers: {
    ollama: {baseUrl: 'http://127.0.0.1:11434'},
    mine: {baseURL: '${WHERE}'},
    odd: {baseUrl: 7}, none: {}, not: 'a mapping',
}}, agents: {defaults: {model: {primary: 'mine/a'}}}}"""


def test_every_address_of_a_model_in_a_config_is_found() -> None:
    config = read_config(Path("c"), "c", lambda _: CONFIG, mounts={}, environ={"WHERE": "http://10.0.0.2:1/v1"})
    assert list(config_models(config)) == [
        ("models.providers.ollama.baseUrl", "http://127.0.0.1:11434", False),
        ("models.providers.mine.baseURL", "http://10.0.0.2:1/v1", True),
    ]
    assert list(config_models(None)) == []


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://127.0.0.1:11434", 11434),
        ("http://localhost:1234/v1", 1234),
        ("http://[::1]:8080/v1", 8080),
        ("http://0.0.0.0:8080", 8080),
        ("http://host.docker.internal:11434", 11434),
        ("http://${HOST_GATEWAY_ADDRESS}:11434/v1", 11434),
        ("http://localhost/v1", 80),
        ("http://192.168.1.9:11434", None),
        ("https://api.example.org/v1", None),
        ("http://${WHERE}:1/v1", None),
        ("http://127.0.0.1:notaport", None),
        ("", None),
    ],
)
def test_the_port_of_this_host_is_read_from_an_address(url: str, port: int | None) -> None:
    assert host_port(url) == port
