"""What `doctor` says of the ways from other computers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.doctor import access
from idlehands_deploy.doctor.checks.access import Asked, check_access
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.gateway import handshake
from idlehands_deploy.host.network.reach import Address
from tests.support.helpers import brief, fleet

if TYPE_CHECKING:
    from idlehands_deploy.deployment.look import Look

LAN = ["192.168.1.5", "fd00::5"]
VPS = ["8.8.4.4", "10.0.0.5"]


def found(
    text: str, addresses: list[str], asked: tuple[Asked, ...] = (), stale: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    findings = list(check_access(fleet(text), addresses, asked, stale))
    return [(line, str(finding.fix)) for line, finding in zip(brief(findings), findings, strict=True)]


@pytest.mark.parametrize(
    ("text", "addresses", "said"),
    [
        ("profiles: {main: }", LAN, []),
        ("bind: 127.0.0.2", VPS, []),
        ("bind: 0.0.0.0", LAN,
         ["note fleet.yaml:bind: is 0.0.0.0: other computers reach the gateways over plain HTTP"]),
        ("bind: 192.168.1.5", VPS,
         ["note fleet.yaml:bind: is 192.168.1.5: other computers reach the gateways over plain HTTP"]),
        ("bind: 0.0.0.0", VPS,
         ["warning fleet.yaml:bind: is 0.0.0.0: other computers reach the gateways over plain HTTP, "
          "at 8.8.4.4 from anywhere"]),
        ("bind: '::'", VPS, ["note fleet.yaml:bind: is ::: other computers reach the gateways over plain HTTP"]),
        ("bind: 2a00::5", [],
         ["warning fleet.yaml:bind: is 2a00::5: other computers reach the gateways over plain HTTP, "
          "at 2a00::5 from anywhere"]),
        ("hosts: [nas]\nproxies: [10.0.0.9]", LAN,
         ["note fleet.yaml:hosts: has no effect while `bind` is 127.0.0.1",
          "note fleet.yaml:proxies: has no effect while `bind` is 127.0.0.1"]),
    ],
)  # fmt: skip
def test_plain_http_is_a_note_at_home_and_a_warning_on_the_internet(
    text: str, addresses: list[str], said: list[str]
) -> None:
    assert [line for line, _ in found(text, addresses)] == said


REFUSED = Asked("main", 18789, "https://bots.example.org", is_listed=True, entry="refused")
PROXIED = "profiles: {main: {origins: ['https://bots.example.org']}}"
NOT_IN = "warning main: a browser that opens it at https://bots.example.org is refused"


def test_an_address_of_the_fleet_file_that_a_gateway_refuses_needs_a_new_container() -> None:
    assert found(PROXIED, LAN, (REFUSED,), ("main",)) == [(NOT_IN, "idlehands-deploy up main")]


def test_a_config_that_the_entrypoint_cannot_write_is_set_by_the_gateway_s_own_command() -> None:
    untrusted = REFUSED._replace(entry="untrusted proxy")
    assert found(PROXIED, LAN, (REFUSED, untrusted)) == [
        (NOT_IN,
         "idlehands-deploy exec main config set gateway.controlUi.allowedOrigins "
         '\'["http://localhost:18789", "http://127.0.0.1:18789", "https://bots.example.org"]\' --strict-json'),
        (f"{NOT_IN} from a reverse proxy on this host",
         "idlehands-deploy exec main config set gateway.trustedProxies '[\"127.0.0.1\"]' --strict-json"
         " && idlehands-deploy restart main"),
    ]  # fmt: skip


def test_addresses_that_no_gateway_knows_are_one_note_with_the_line_that_lists_them() -> None:
    asked = tuple(
        Asked(name, port, f"http://{host}:{port}", is_listed=False, entry="refused")
        for name, port in (("main", 18789), ("rescue", 19789))
        for host in ("8.8.4.4", "[2a00::5]")
    )
    line, fix = found("bind: 192.168.1.5\nprofiles: {main: , rescue: }", LAN, asked)[-1]
    assert line == "note fleet.yaml:hosts: does not list 8.8.4.4, 2a00::5, which other computers reach"
    assert fix == "if you must: `hosts: [8.8.4.4, 2a00::5]`, then: idlehands-deploy up main rescue"


@pytest.mark.parametrize("entry", ["accepted", "unknown"])
def test_a_gateway_that_lets_browsers_in_or_does_not_tell_is_no_finding(entry: handshake.Entry) -> None:
    assert found(PROXIED, LAN, (REFUSED._replace(entry=entry),)) == []


def test_each_gateway_is_asked_where_it_listens_and_a_proxy_s_way_through_the_proxy_s_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = fleet("bind: 0.0.0.0\nprofiles: {main: {origins: ['https://bots.example.org']}, rescue: }")
    asked: list[tuple[tuple[str, int], str, bool]] = []

    def ask(address: tuple[str, int], origin: str, *, proxied: bool) -> handshake.Entry:
        asked.append((address, origin, proxied))
        return "accepted"

    class FakeLook:
        fleet = written
        ports = plan_ports(written)

    monkeypatch.setattr(handshake, "ask_entry", ask)
    monkeypatch.setattr(access, "outside_addresses", lambda: [Address("192.168.1.5", "eth0")])
    look: Look = FakeLook()  # type: ignore[assignment]
    assert len(access.examine_access(look, ["main"], [])) == 1
    assert sorted(asked) == [
        (("127.0.0.1", 18789), "http://127.0.0.1:18789", False),
        (("127.0.0.1", 18789), "http://192.168.1.5:18789", False),
        (("127.0.0.1", 18789), "http://localhost:18789", False),
        (("127.0.0.1", 18792), "https://bots.example.org", True),
    ]
