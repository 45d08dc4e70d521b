from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.engine.facts import PortHolder
from idlehands_deploy.errors import PortConflictError
from idlehands_deploy.fleet.model import Fleet, parse_fleet
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.planning.guards.port_conflicts import refuse_taken_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def on(port: int, bind: str = "127.0.0.1") -> Fleet:
    gateway = {"port": port, "publish": {"control": False, "cdp": False}}
    return parse_fleet({"bind": bind, "profiles": {"main": gateway}}, "fleet.yaml")


def refuse(fleet: Fleet, holders: Mapping[int, Sequence[PortHolder]]) -> None:
    refuse_taken_ports(fleet, plan_ports(fleet), ["main"], holders)


def test_a_port_of_another_process_is_refused_by_its_name_and_number(taken: int) -> None:
    with pytest.raises(PortConflictError) as caught:
        refuse(on(taken), {})
    lines = str(caught.value).splitlines()
    assert lines[0] == "Ports that the plan needs are taken:"
    assert lines[1].startswith(f"  127.0.0.1:{taken} (gateway of main): held by ")
    assert lines[1].endswith(f" (pid {os.getpid()})")
    assert lines[2:] == ["Stop what holds them, or give the profile another `port` in fleet.yaml."]
    assert caught.value.exit_code == 3


def test_a_port_of_another_container_is_refused_by_its_name(taken: int) -> None:
    with pytest.raises(PortConflictError, match=r"held by container other-main-1\n"):
        refuse(on(taken), {taken: [PortHolder("other-main-1", "other", "main")]})


def test_a_port_that_the_profile_s_own_container_holds_is_its_own(taken: int) -> None:
    refuse(on(taken), {taken: [PortHolder("idlehands-main-1", "idlehands", "main")]})


def test_an_address_that_this_host_does_not_have_is_told_as_that() -> None:
    with pytest.raises(PortConflictError, match=r"this host has no such address; see `bind` in fleet\.yaml"):
        refuse(on(30000, "192.0.2.1"), {})


def test_a_free_port_is_no_conflict(taken: int) -> None:
    fleet = on(taken)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]
    refuse(on(free), {})
    refuse_taken_ports(fleet, plan_ports(fleet), [], {})
