"""Servers of models on a person's own machine: how each kind lists its models, and how a gateway is told of it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from idlehands_deploy.fleet.addresses import HOST, HOST_ADDRESS, endpoint, is_loopback, url_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from idlehands_deploy.gateway.config import GatewayConfig


class Kind(NamedTuple):
    """A kind of server.

    Attributes:
        choice: its name in the gateway's onboarding (2026.9.6, `onboard --help`).
        port: where it usually listens; 0 if there is no usual port.
        path: of its list of models.
        listed: the key of that list, and that of a model's name in it.
        base: what follows the address in the gateway's config.
    """

    name: str
    choice: str
    port: int
    path: str
    listed: tuple[str, str]
    base: str


OLLAMA = Kind("Ollama", "ollama", 11434, "/api/tags", ("models", "name"), "")
LM_STUDIO = Kind("LM Studio", "lmstudio", 1234, "/api/v1/models", ("models", "key"), "/v1")
OTHER = Kind("an OpenAI-compatible server", "custom-api-key", 0, "/v1/models", ("data", "id"), "/v1")
# In the order in which a server is asked: the first two answer the last path as well.
KINDS = (OLLAMA, LM_STUDIO, OTHER)
USUAL_PORTS = tuple(kind.port for kind in KINDS if kind.port)


@dataclass(frozen=True)
class ModelServer:
    """A server of models on this host.

    Attributes:
        addresses: where it listens.
        models: the names of its models; empty if it does not say.
    """

    kind: Kind
    port: int
    addresses: frozenset[str]
    models: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Its address for a gateway's config."""
        return f"http://{HOST}:{self.port}{self.kind.base}"

    @property
    def is_on_loopback_alone(self) -> bool:
        """Whether only this host's own programs reach it."""
        return all(ipaddress.ip_address(address).is_loopback for address in self.addresses)

    @property
    def is_everywhere(self) -> bool:
        """Whether it listens at every address of this host."""
        return any(ipaddress.ip_address(address).is_unspecified for address in self.addresses)

    @property
    def default_model(self) -> str:
        """The first model that is not for embeddings; empty if there is none."""
        return next((name for name in self.models if "embed" not in name.lower()), "")

    def __str__(self) -> str:
        return f"{self.kind.name} (port {self.port})"


def identify(
    port: int, addresses: frozenset[str], ask: Callable[[str, int, str], Mapping[str, Any]]
) -> ModelServer | None:
    """Find out which kind of server listens on a port; None if it lists no models in any known form.

    Args:
        ask: gets the JSON object at an address, port and path; empty if there is none.
    """
    host = _reachable(addresses)
    for kind in KINDS:
        listing, name = kind.listed
        models = ask(host, port, kind.path).get(listing)
        if isinstance(models, list) and all(isinstance(model, dict) and name in model for model in models):
            return ModelServer(kind, port, addresses, tuple(str(model[name]) for model in models))
    return None


class ConfigModel(NamedTuple):
    """The address of a model server in a gateway's config.

    Attributes:
        is_default: whether agents use one of its models unless they are told otherwise.
    """

    key: str
    url: str
    is_default: bool


def config_models(config: GatewayConfig | None) -> Iterator[ConfigModel]:
    """The addresses of model servers in a config."""
    if config is None:
        return
    model = config.get("agents", "defaults", "model")
    primary = model.get("primary") if isinstance(model, dict) else model
    for name, provider in config.mappings("models", "providers"):
        for key in ("baseUrl", "baseURL"):
            if isinstance(url := provider.get(key), str) and url:
                is_default = str(primary).partition("/")[0] == name
                yield ConfigModel(f"models.providers.{name}.{key}", config.reveal(url), is_default)


def host_port(url: str) -> int | None:
    """The port of this host that an address in a config names, or was meant to name; None for another host's."""
    host = url_host(url)
    if not is_loopback(host) and host not in {HOST, HOST_ADDRESS}:
        return None
    found = endpoint(url, loopback=HOST)
    return found[1] if found else None


def _reachable(addresses: frozenset[str]) -> str:
    """An address at which this host itself reaches a listener."""
    if any(ipaddress.ip_address(address).is_unspecified for address in addresses):
        return "127.0.0.1"
    return min(addresses, key=lambda address: (not ipaddress.ip_address(address).is_loopback, address))
