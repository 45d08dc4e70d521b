"""The engine's answers as our own types."""

from __future__ import annotations

from typing import Any

import pytest

from idlehands_deploy.engine.reading import container_facts, gateway_address


@pytest.mark.parametrize(
    ("ipam", "address"),
    [
        ({"Config": [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}]}, "172.17.0.1"),
        ({"Config": [{"Subnet": "10.9.0.0/24", "Gateway": "10.9.0.7"}]}, "10.9.0.7"),
        ({"Config": [{"Subnet": "172.17.0.0/16"}]}, "172.17.0.1"),
        ({"Config": [{"Subnet": "fd00::/64"}, {"Subnet": "172.17.0.0/16"}]}, "172.17.0.1"),
        ({"Config": []}, ""),
        ({"Config": None}, ""),
        ({}, ""),
    ],
)
def test_the_host_s_address_in_a_network_is_its_gateway_or_the_first(ipam: dict[str, Any], address: str) -> None:
    assert gateway_address(ipam) == address


def detail(files: str | None = None, **network: object) -> dict[str, Any]:
    """A running container as the engine describes it."""
    labels = {} if files is None else {"com.docker.compose.project.config_files": files}
    return {
        "Id": "1", "Image": "sha256:1", "Created": "2026-11-22T00:00:00Z", "RestartCount": 0, "Mounts": [],
        "HostConfig": {}, "Config": {"Labels": labels, "Image": "x"},
        "NetworkSettings": {"Networks": {"main": network} if network else {}},
        "State": {
            "Status": "running", "Running": True, "Restarting": False, "ExitCode": 0, "OOMKilled": False, "Pid": 7,
            "StartedAt": "2026-11-22T00:00:00Z",
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("files", "others"),
    [
        ("/srv/bots/compose.yaml", ()),
        ("/srv/bots/compose.yaml,/srv/bots/compose.override.yaml", ("compose.override.yaml",)),
        ("/srv/bots/compose.yaml,/home/ann/nas.yaml,/x/y.yml", ("nas.yaml", "y.yml")),
        ("-", ("standard input",)),
        ("", ()),
        (None, ()),
    ],
)
def test_the_files_that_a_container_was_made_from_beside_ours_are_known(
    files: str | None, others: tuple[str, ...]
) -> None:
    assert container_facts(detail(files)).other_files == others


def test_the_network_of_a_container_is_known_by_its_subnet() -> None:
    facts = container_facts(detail(IPAddress="192.168.224.2", IPPrefixLen=20))
    assert (facts.subnet, facts.is_connected) == ("192.168.224.0/20", True)
    assert container_facts(detail(IPAddress="", IPPrefixLen=0)).subnet == ""
    assert container_facts(detail()).subnet == ""
