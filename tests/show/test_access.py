from __future__ import annotations

import pytest

from idlehands_deploy.fleet.access import RISK, find_access
from idlehands_deploy.host.network.reach import Login
from idlehands_deploy.operations.dashboard import Doors
from idlehands_deploy.show.access import access_json, access_lines
from tests.support.helpers import fleet

HERE = [("192.168.1.5", "eth0"), ("203.0.113.7", "eth1")]
ANNA = Login("anna", "192.168.1.5")


def doors(text: str, login: Login = ANNA) -> Doors:
    access = find_access(fleet(text), "main", 18789, HERE)
    return Doors("main", f"{access.here}/#token=secret", access, login)


def lines(text: str, login: Login = ANNA) -> str:
    return "\n".join(map(str, access_lines(doors(text, login))))


def test_a_gateway_on_loopback_is_opened_from_elsewhere_through_ssh() -> None:
    assert lines("profiles: {main: }") == (
        "From another computer:\n"
        "  ssh -N -L 18789:127.0.0.1:18789 anna@192.168.1.5\n"
        "  Run it there and leave it running. Then open the same link there."
    )


@pytest.mark.parametrize(
    ("bind", "login", "command", "then"),
    [
        ("127.0.0.1", Login("anna", "10.0.0.5", 2222),
         "ssh -N -L 18789:127.0.0.1:18789 -p 2222 anna@10.0.0.5", "the same link"),
        ("127.0.0.1", Login("anna", "fd00::5"), "ssh -N -L 18789:127.0.0.1:18789 anna@fd00::5", "the same link"),
        ("'::1'", ANNA, "ssh -N -L '18789:[::1]:18789' anna@192.168.1.5",
         "the link with http://127.0.0.1:18789/ in front"),
        ("192.168.1.5", ANNA, "ssh -N -L 18789:192.168.1.5:18789 anna@192.168.1.5",
         "the link with http://127.0.0.1:18789/ in front"),
    ],
)  # fmt: skip
def test_the_tunnel_leads_to_where_the_gateway_is_published(bind: str, login: Login, command: str, then: str) -> None:
    said = lines(f"bind: {bind}\nprofiles: {{main: }}", login)
    assert f"{command}\n" in said
    assert f"Then open {then} there." in said


def test_the_safest_way_comes_first_and_plain_http_last_with_its_risk() -> None:
    text = "bind: 0.0.0.0\nhosts: [nas.lan]\nprofiles: {main: {origins: ['https://bots.example.org']}}"
    assert lines(text) == (
        "From another computer, the safest first:\n"
        "  1. ssh -N -L 18789:127.0.0.1:18789 anna@192.168.1.5\n"
        "     Run it there and leave it running. Then open the same link there.\n"
        "  2. https://bots.example.org/\n"
        "     By TLS, through a reverse proxy to 127.0.0.1:18792.\n"
        "  3. http://nas.lan:18789/\n"
        f"     Plain HTTP: {RISK}.\n"
        "  4. http://192.168.1.5:18789/\n"
        f"     Plain HTTP through eth0: {RISK}.\n"
        "There a new browser needs a link that lets it in, once: idlehands-deploy url main --pair\n"
        "Not at http://203.0.113.7:18789/: a gateway lets no browser in at a public address that is not listed. "
        "List it only if you must: `hosts: [203.0.113.7]` in fleet.yaml, then: idlehands-deploy up main"
    )


def test_a_proxy_on_another_machine_forwards_to_no_port_of_this_host_s_loopback() -> None:
    text = "bind: 192.168.1.5\nproxies: [192.168.1.2]\nprofiles: {main: {origins: ['https://bots.example.org']}}"
    assert "  2. https://bots.example.org/\n     By TLS, through a reverse proxy.\n" in lines(text)


def test_no_line_for_people_holds_the_token() -> None:
    assert "secret" not in lines("bind: 0.0.0.0\nprofiles: {main: }")


def test_scripts_get_the_same_ways() -> None:
    assert access_json(doors("bind: 0.0.0.0\nprofiles: {main: {origins: ['https://bots.example.org']}}")) == {
        "profile": "main",
        "url": "http://127.0.0.1:18789/#token=secret",
        "ssh": {
            "command": "ssh -N -L 18789:127.0.0.1:18789 anna@192.168.1.5",
            "url": "http://127.0.0.1:18789/",
        },
        "proxied": ["https://bots.example.org/"],
        "plain": [
            {"url": "http://192.168.1.5:18789/", "interface": "eth0", "accepted": True},
            {"url": "http://203.0.113.7:18789/", "interface": "eth1", "accepted": False},
        ],
    }
