from __future__ import annotations

import socket
from types import SimpleNamespace

import psutil
import pytest

from idlehands_deploy.host.network import reach
from idlehands_deploy.host.network.reach import Address, Login, find_login, outside_addresses

ROUTES = (
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth1\t00000000\t0101A8C0\t3\t0\t0\t0\t00000000\n"
)
TEMPORARY = "20010db8000000000000000000000099 02 40 00 01     eth1\n"
STABLE = "20010db8000000000000000000000005 02 40 00 00     eth1\n"


def test_this_host_has_no_loopback_address_for_others() -> None:
    assert not {"127.0.0.1", "::1"} & {address.host for address in outside_addresses()}


def test_others_use_the_addresses_of_real_interfaces_and_those_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    four = {"lo": ["127.0.0.1"], "docker0": ["172.17.0.1"], "br-0123456789ab": ["172.18.0.1"], "br0": ["10.9.9.9"],
            "eth0": ["192.168.2.5"], "eth1": ["192.168.1.5"], "wlan0": ["192.168.3.5"]}  # fmt: skip
    six = {"lo": ["::1"], "eth1": ["fe80::5%eth1", "2001:db8::99", "2001:db8::5"]}
    found = {
        name: [SimpleNamespace(family=socket.AF_INET, address=address) for address in four.get(name, [])]
        + [SimpleNamespace(family=socket.AF_INET6, address=address) for address in six.get(name, [])]
        for name in four | six
    }
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: found)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: {name: SimpleNamespace(isup=name != "wlan0") for name in found})
    files = {"/proc/net/route": ROUTES.splitlines(), "/proc/net/if_inet6": (TEMPORARY + STABLE).splitlines()}
    monkeypatch.setattr(reach, "_lines", lambda path: files.get(path, []))
    assert outside_addresses() == [
        Address("192.168.1.5", "eth1"), Address("2001:db8::5", "eth1"),
        Address("10.9.9.9", "br0"), Address("192.168.2.5", "eth0"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("environ", "login"),
    [
        ({}, Login("me", "192.168.1.5")),
        ({"SUDO_USER": "anna"}, Login("anna", "192.168.1.5")),
        ({"SSH_CONNECTION": "10.0.0.9 40000 10.0.0.5 2222"}, Login("me", "10.0.0.5", 2222)),
        ({"SSH_CONNECTION": "fe80::9%eth0 40000 fe80::5%eth0 22"}, Login("me", "192.168.1.5")),
        ({"SSH_CONNECTION": "127.0.0.1 40000 127.0.0.1 22"}, Login("me", "192.168.1.5")),
        ({"SSH_CONNECTION": "odd"}, Login("me", "192.168.1.5")),
    ],
)
def test_a_person_logs_in_as_they_did(environ: dict[str, str], login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "_user_name", lambda: "me")
    assert find_login(environ, [Address("192.168.1.5", "eth0")]) == login


def test_a_host_without_an_address_is_called_by_its_name() -> None:
    assert find_login({}, []).host == socket.gethostname()
