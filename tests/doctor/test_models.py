"""What keeps gateways from the models on this host, and the one change that helps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.doctor.checks.models import NamedModel, Surroundings, check_models, out_of_reach
from idlehands_deploy.gateway.model_servers import LM_STUDIO, OLLAMA, OTHER, ConfigModel, Kind, ModelServer
from idlehands_deploy.health.model_servers import Outcome, Way
from tests.support.helpers import brief

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.findings import Finding

BRIDGE = "172.17.0.1"
LAN = "192.168.1.9"
HERE = Surroundings({BRIDGE, LAN})
KEY = "models.providers.ollama.baseUrl"


def way(outcome: Outcome = "refused", address: str = BRIDGE) -> Way:
    return Way(outcome, address, "172.20.0.0/16")


def server(kind: Kind = OLLAMA, *addresses: str, port: int = 0) -> ModelServer:
    return ModelServer(kind, port or kind.port, frozenset(addresses or {"127.0.0.1"}), ("a",))


def fix(found: ModelServer, how: Way | None = None, here: Surroundings = HERE) -> str:
    trouble = out_of_reach(found, how or way(), here)
    assert trouble
    return str(trouble[2])


def test_what_a_container_can_connect_to_is_in_reach() -> None:
    for addresses in (("127.0.0.1",), (BRIDGE,), ("0.0.0.0",)):
        assert out_of_reach(server(OLLAMA, *addresses), way("open"), HERE) is None


@pytest.mark.parametrize("loopback", ["127.0.0.1", "::1", "127.0.0.2"])
@pytest.mark.parametrize("outcome", ["refused", "dropped", "unknown"])
def test_a_server_on_loopback_alone_is_out_of_reach_and_why(loopback: str, outcome: Outcome) -> None:
    trouble = out_of_reach(server(OLLAMA, loopback), way(outcome), HERE)
    assert trouble
    what, why, _ = trouble
    assert what == "Ollama (port 11434) listens only on this host's own loopback"
    assert why == "a container has a loopback of its own, so that no gateway reaches it"


def test_each_kind_has_its_own_change_which_leads_to_the_bridge_and_never_to_every_address() -> None:
    with_unit = replace(HERE, has_ollama_unit=True)
    changes = {
        "a service": fix(server(), here=with_unit),
        "by hand": fix(server()),
        "elsewhere": fix(server(OLLAMA, port=4711)),
        "LM Studio": fix(server(LM_STUDIO)),
        "other": fix(server(OTHER, port=8080)),
    }
    assert "printf '[Service]\\nEnvironment=OLLAMA_HOST=172.17.0.1\\n' | sudo tee" in changes["a service"]
    assert changes["by hand"] == "stop it, then: OLLAMA_HOST=172.17.0.1 ollama serve"
    assert changes["elsewhere"] == "stop it, then: OLLAMA_HOST=172.17.0.1:4711 ollama serve"
    assert changes["LM Studio"] == "lms server stop && lms server start --port 1234 --bind 172.17.0.1"
    assert changes["other"] == "let it listen on 172.17.0.1, for most servers with: --host 172.17.0.1"
    assert not [change for change in changes.values() if "0.0.0.0" in change]


def test_a_firewall_that_drops_gets_a_rule_for_the_gateways_alone() -> None:
    found = server(OLLAMA, BRIDGE)
    assert fix(found, way("dropped")) == ("let TCP from 172.20.0.0/16 to 172.17.0.1 port 11434 through the firewall")
    assert fix(found, way("dropped"), replace(HERE, has_ufw=True)) == (
        "sudo ufw allow proto tcp from 172.20.0.0/16 to 172.17.0.1 port 11434"
    )
    assert "then let it through the firewall" in fix(server(), way("dropped"))


def test_a_server_at_another_address_alone_is_out_of_reach_only_if_refused() -> None:
    trouble = out_of_reach(server(OLLAMA, LAN), way(), HERE)
    assert trouble
    assert trouble[0] == f"Ollama (port 11434) listens on {LAN}, and not on {BRIDGE}"
    assert out_of_reach(server(OLLAMA, LAN), way("unknown"), HERE) is None
    assert out_of_reach(server(OLLAMA, BRIDGE), way("unknown"), HERE) is None


def test_an_engine_with_a_network_of_its_own_is_not_told_of_an_address_that_this_host_lacks() -> None:
    said = fix(server(), here=Surroundings({LAN}))
    assert "network of its own" in said
    assert "OLLAMA_HOST" not in said


def test_without_a_known_address_a_gateway_must_be_up_first() -> None:
    assert fix(server(), way("unknown", "")) == "bring a gateway up, then look again: idlehands-deploy doctor"


def found(
    servers: Sequence[ModelServer], *urls: str, outcome: Outcome = "refused", is_default: bool = True
) -> list[Finding]:
    named = [NamedModel("main", f"config:{KEY}", ConfigModel(KEY, url, is_default), way(outcome)) for url in urls]
    return list(check_models(servers, named, {one.port: way(outcome) for one in servers}, HERE))


def test_a_server_that_no_config_names_is_only_a_note() -> None:
    assert brief(found([server()])) == ["note port 11434: Ollama (port 11434) listens only on this host's own loopback"]
    assert found([server(OLLAMA, BRIDGE)], outcome="open") == []
    assert found([server(OTHER, port=8080)]) == []


def test_a_loopback_address_in_a_config_is_the_container_itself() -> None:
    findings = found([server(OLLAMA, BRIDGE)], "http://127.0.0.1:11434", outcome="open")
    assert brief(findings) == [f"error config:{KEY}: 127.0.0.1 is the container itself, not this host"]
    assert str(findings[0].fix) == f"idlehands-deploy config set main {KEY} http://host.docker.internal:11434"


def test_a_server_that_a_config_names_is_an_error_while_it_is_out_of_reach() -> None:
    assert brief(found([server()], "http://localhost:11434")) == [
        f"error config:{KEY}: localhost is the container itself, not this host",
        f"error config:{KEY}: Ollama (port 11434) listens only on this host's own loopback",
    ]
    assert brief(found([server()], "http://host.docker.internal:11434/")) == [
        f"error config:{KEY}: Ollama (port 11434) listens only on this host's own loopback"
    ]
    assert found([server(OLLAMA, BRIDGE)], "http://host.docker.internal:11434", outcome="open") == []


def test_a_named_port_without_a_listener_is_an_error_for_the_default_model_and_a_warning_for_another() -> None:
    (finding,) = found([], "http://host.docker.internal:11434")
    assert brief([finding]) == [f"error config:{KEY}: nothing listens on port 11434 of this host"]
    (other,) = found([], "http://host.docker.internal:11434", is_default=False)
    assert other == finding._replace(level="warning")


def test_an_address_elsewhere_is_nobody_s_business() -> None:
    assert found([], "http://192.168.1.50:11434", "https://api.example.org/v1") == []


def test_a_server_that_other_machines_reach_is_a_note() -> None:
    (finding,) = found([server(OLLAMA, "::")], "http://host.docker.internal:11434", outcome="open")
    assert brief([finding]) == ["note port 11434: Ollama (port 11434) listens at every address of this host"]
    assert str(finding.fix) == "stop it, then: OLLAMA_HOST=172.17.0.1 ollama serve"
