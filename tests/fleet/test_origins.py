from __future__ import annotations

from typing import Any

import pytest

from idlehands_deploy.fleet.access import find_access
from idlehands_deploy.fleet.origins import allowed_origins, is_accepted, trusted_proxies
from idlehands_deploy.fleet.ports import PublishedPort, plan_ports
from tests.support.helpers import fleet, problems

OWN = ["http://localhost:18789", "http://127.0.0.1:18789"]
HERE = [("192.168.1.5", "eth0"), ("203.0.113.7", "eth1"), ("fd00::5", "eth0"), ("2001:db8::5", "eth0")]


def origins(text: str, base: int = 18789) -> list[str]:
    """The allowed origins of main beyond those of every gateway."""
    written = fleet(f"{text}\nprofiles: {{main: }}" if "profiles" not in text else text)
    found = allowed_origins(written, written.profiles["main"], base)
    assert found[:2] == [f"http://localhost:{base}", f"http://127.0.0.1:{base}"]
    return found[2:]


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("", []),
        ("bind: 0.0.0.0", []),
        ("bind: 192.168.1.5", ["http://192.168.1.5:18789"]),
        ("bind: 127.0.0.2", ["http://127.0.0.2:18789"]),
        ("bind: '::'", ["http://[::1]:18789"]),
        ("bind: '::1'", ["http://[::1]:18789"]),
        ("bind: 2001:DB8:0::5", ["http://[2001:db8::5]:18789"]),
        ("hosts: [NAS.lan., nas, '2001:db8::7', 203.0.113.7]",
         ["http://nas.lan:18789", "http://nas:18789", "http://[2001:db8::7]:18789", "http://203.0.113.7:18789"]),
        ("bind: 192.168.1.5\nhosts: [192.168.1.5, nas]", ["http://192.168.1.5:18789", "http://nas:18789"]),
        ("profiles: {main: {origins: ['https://Bots.Example.ORG:443/', 'https://nas.lan:8443', 'HTTP://[::1]:80']}}",
         ["https://bots.example.org", "https://nas.lan:8443", "http://[::1]"]),
    ],
)  # fmt: skip
def test_a_gateway_allows_the_addresses_at_which_the_fleet_file_opens_it(text: str, more: list[str]) -> None:
    assert origins(text) == more


def test_each_gateway_allows_them_with_its_own_port() -> None:
    assert origins("bind: 192.168.1.5\nhosts: [nas]", 19789) == ["http://192.168.1.5:19789", "http://nas:19789"]


@pytest.mark.parametrize(
    ("text", "proxies"),
    [
        ("profiles: {main: }", []),
        ("profiles: {main: {origins: ['http://localhost:28789']}}", []),
        ("profiles: {main: {origins: ['https://bots.example.org']}}", ["127.0.0.1"]),
        ("{proxies: [192.168.1.2/24, 10.0.0.9], profiles: {main: }}", ["192.168.1.0/24", "10.0.0.9"]),
        ("{proxies: ['fd00::2'], profiles: {main: {origins: ['https://bots.example.org']}}}", ["127.0.0.1", "fd00::2"]),
    ],
)
def test_a_proxy_is_trusted_on_this_host_for_an_https_address_and_elsewhere_by_name(
    text: str, proxies: list[str]
) -> None:
    written = fleet(text)
    assert trusted_proxies(written, written.profiles["main"]) == proxies


HOST_RULE = "must be a name or an address, without a port, such as nas.lan or 192.168.1.5"
ORIGIN_RULE = "must be an http or https address without a path, such as https://bots.example.org"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hosts: [nas.lan:18789]", f"hosts.0: {HOST_RULE}"),
        ("hosts: [http://nas.lan]", f"hosts.0: {HOST_RULE}"),
        ("hosts: [nas..lan]", f"hosts.0: {HOST_RULE}"),
        ("hosts: ['']", f"hosts.0: {HOST_RULE}"),
        ("hosts: [192.168.1.256]", f"hosts.0: {HOST_RULE}"),
        ("hosts: [fe80::1%eth0]", f"hosts.0: {HOST_RULE}"),
        ("hosts: [0.0.0.0]", "hosts.0: must be an address of one host, such as 192.168.1.5"),
        ("hosts: [büro.example]",
         "hosts.0: must be written as browsers send it, in ASCII: xn--… for a name with other letters"),
        ("hosts: nas", "hosts: must be a list, not 'nas'"),
        ("proxies: [0.0.0.0/0]", "proxies.0: must not be every address: any client could then claim to be another"),
        ("proxies: ['::/0']", "proxies.0: must not be every address: any client could then claim to be another"),
        ("proxies: ['fe80::1%${X}']",
         "proxies.0: must be an address or a network, such as 192.168.1.2 or 10.20.0.0/24"),
        ("proxies: [caddy]", "proxies.0: must be an address or a network, such as 192.168.1.2 or 10.20.0.0/24"),
        ("profiles: {main: {origins: [bots.example.org]}}", f"profiles.main.origins.0: {ORIGIN_RULE}"),
        ("profiles: {main: {origins: ['https://bots.example.org/main']}}", f"profiles.main.origins.0: {ORIGIN_RULE}"),
        ("profiles: {main: {origins: ['https://a:b@bots.example.org']}}", f"profiles.main.origins.0: {ORIGIN_RULE}"),
        ("profiles: {main: {origins: ['https://bots.example.org?x=1']}}", f"profiles.main.origins.0: {ORIGIN_RULE}"),
        ("profiles: {main: {origins: ['wss://bots.example.org']}}", f"profiles.main.origins.0: {ORIGIN_RULE}"),
        ("profiles: {main: {origins: ['https://*.example.org']}}", f"profiles.main.origins.0: {HOST_RULE}"),
        ("profiles: {main: {origins: ['https://bots.example.org:99999']}}", f"profiles.main.origins.0: {ORIGIN_RULE}"),
        ("profiles: {main: {origins: ['https://a.example']}, rescue: {origins: ['https://A.example:443']}}",
         "profiles.rescue.origins.0: https://a.example is an address of main; a proxy needs one for each"),
        ("profiles: {main: {environment: {IDLEHANDS_ALLOWED_ORIGINS: '*'}}}",
         "profiles.main.environment.IDLEHANDS_ALLOWED_ORIGINS: is set from profiles.main.origins, "
         "and another value would contradict it; remove it"),
        ("profiles: {main: {environment: {OPENCLAW_TRUSTED_PROXIES: '*'}}}",
         "profiles.main.environment.OPENCLAW_TRUSTED_PROXIES: is set from proxies, "
         "and another value would contradict it; remove it"),
    ],
)  # fmt: skip
def test_what_no_browser_sends_and_whom_nobody_should_trust_is_refused(text: str, expected: str) -> None:
    assert problems(text) == expected


@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("192.168.1.5", True), ("10.1.2.3", True), ("172.31.0.1", True), ("172.32.0.1", False), ("100.64.0.9", True),
        ("203.0.113.7", False), ("fd00::5", True), ("2001:db8::5", False),
        ("nas.local", True), ("nas.tail1234.ts.net", True), ("nas.lan", False), ("nas", False), ("listed.lan", True),
    ],
)  # fmt: skip
def test_a_gateway_accepts_private_addresses_by_itself_and_others_that_are_listed(host: str, accepted: bool) -> None:
    assert is_accepted(host, ["http://listed.lan:18789"], 18789) == accepted


def ways(text: str, name: str = "main", base: int = 18789) -> dict[str, Any]:
    found = find_access(fleet(text), name, base, HERE)
    said: dict[str, Any] = {"here": found.here, "forward": found.forward, "pages": found.pages}
    return said | ({"refused": [page.origin for page in found.plain if not page.is_accepted]} if found.plain else {})


def test_a_gateway_on_loopback_is_reached_from_elsewhere_by_a_tunnel_alone() -> None:
    assert ways("profiles: {main: }") == {
        "here": "http://127.0.0.1:18789", "forward": "18789:127.0.0.1:18789", "pages": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("bind", "here", "forward", "pages", "refused"),
    [
        ("0.0.0.0", "127.0.0.1", "127.0.0.1", ["192.168.1.5"], ["203.0.113.7"]),
        ("'::'", "[::1]", "[::1]", ["[fd00::5]"], ["[2001:db8::5]"]),
        ("192.168.1.5", "192.168.1.5", "192.168.1.5", ["192.168.1.5"], []),
        ("203.0.113.7", "203.0.113.7", "203.0.113.7", ["203.0.113.7"], []),
    ],
)
def test_an_open_gateway_is_reached_at_the_addresses_of_the_host_that_it_accepts(
    bind: str, here: str, forward: str, pages: list[str], refused: list[str]
) -> None:
    assert ways(f"bind: {bind}\nprofiles: {{main: {{port: 20000}}}}", base=20000) == {
        "here": f"http://{here}:20000", "forward": f"20000:{forward}:20000",
        "pages": [f"http://{host}:20000" for host in pages], "refused": [f"http://{host}:20000" for host in refused],
    }  # fmt: skip


def test_a_proxy_comes_before_plain_http_and_a_name_before_an_address() -> None:
    text = "bind: 0.0.0.0\nhosts: [nas, 203.0.113.7]\nprofiles: {main: {origins: ['https://bots.example.org']}}"
    assert ways(text)["pages"] == [
        "https://bots.example.org", "http://nas:18789", "http://192.168.1.5:18789", "http://203.0.113.7:18789",
    ]  # fmt: skip


def test_names_of_this_host_lead_nowhere_while_only_loopback_is_published() -> None:
    assert ways("hosts: [nas]\nprofiles: {main: }")["pages"] == []


def test_a_proxy_on_this_host_gets_a_port_of_its_own_on_loopback() -> None:
    written = fleet("bind: 0.0.0.0\nprofiles: {main: {origins: ['https://bots.example.org']}, rescue: }")
    plans = plan_ports(written).profiles
    assert (plans["main"].proxy, plans["rescue"].proxy) == (18792, None)
    assert PublishedPort("reverse proxy", "127.0.0.1", 18792) in plans["main"].published
    # It leads to the gateway itself, unlike those that are forwarded to the same port on loopback.
    assert (plans["main"].forwarded, plans["main"].guarded) == ((18791,), (18800,))
