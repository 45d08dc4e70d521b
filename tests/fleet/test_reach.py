from __future__ import annotations

import secrets

import pytest

from idlehands_deploy.fleet.reach import find_reach
from tests.support.helpers import fleet

IN_MAIN = {
    "volumes: [/srv/photos:/photos]": ["main mounts /srv/photos (read-only)"],
    "volumes: ['./notes:/notes:rw']": ["main mounts ./notes (read and write)"],
    "devices: [/dev/ttyUSB0, /dev/dri:/dev/gpu:r]":
        ["main uses the device /dev/ttyUSB0 (rw)", "main uses the device /dev/dri (r)"],
    "groups: [44]": ["main has the rights of the group 44"],
    "groups: [44, 45]": ["main has the rights of the groups 44 and 45"],
    "dns: [192.168.1.1]": ["main asks the name server 192.168.1.1"],
    "labels: {traefik.enable: 'true'}": ["main has the label traefik.enable for other programs"],
    "publish: {cdp: open}": ["any user of this host can drive the browser of main"],
    "origins: ['https://bots.example.org']": ["browsers open main at https://bots.example.org"],
    "browser: {profiles: {far: {cdp_url: 'http://10.0.0.42:9222/?token=x'}}}": ["main drives a Chrome at 10.0.0.42"],
    "browser: {profiles: {far: {cdp_url: 'http://${X}/'}}}": ["main drives a Chrome at an address"],
    "environment: {https_proxy: 'http://me:x@p'}":
        ["main has https_proxy, which changes whom its requests reach or trust"],
    "environment: {NODE_EXTRA_CA_CERTS: /ca.pem}":
        ["main has NODE_EXTRA_CA_CERTS, which changes whom its requests reach or trust"],
}  # fmt: skip
AT_TOP = {
    "bind: 0.0.0.0": ["other machines reach the gateways at 0.0.0.0"],
    "hosts: [nas.lan]": ["browsers open the gateways at nas.lan"],
    "proxies: [10.20.0.0/24]": ["the gateways trust what 10.20.0.0/24 says of a client"],
    "image: a.example/gateway:1": ["the gateways are made from the image a.example/gateway:1"],
    "volumes: [/srv:/srv]": ["main mounts /srv (read-only)", "rescue mounts /srv (read-only)"],
    "watch: {notify: {command: [sh, -c, 'curl x | sh']}}": ["watch runs on this host: sh -c 'curl x | sh'"],
    'watch: {notify: {command: ["a\\nb\\e[1m"]}}': ["watch runs on this host: 'ab[1m'"],
    "watch: {notify: {webhook: 'https://h.example/key', ntfy: secrets/ntfy.url}}":
        ["watch sends notifications to h.example", "watch sends notifications to the address in secrets/ntfy.url"],
}  # fmt: skip


def said(text: str) -> list[str]:
    return [item.said for item in find_reach(fleet(text))]


@pytest.mark.parametrize(("settings", "expected"), IN_MAIN.items())
def test_what_a_profile_reaches_is_said_in_a_line_each(settings: str, expected: list[str]) -> None:
    assert said(f"profiles: {{main: {{{settings}}}, rescue: }}") == expected


@pytest.mark.parametrize(("settings", "expected"), AT_TOP.items())
def test_what_every_gateway_or_this_host_is_made_to_reach_is_said(settings: str, expected: list[str]) -> None:
    assert said(f"{settings}\nprofiles: {{main: , rescue: }}") == expected


@pytest.mark.parametrize(
    "text",
    [
        "profiles: {main: , rescue: {rescues: [main]}}",
        "{bind: '::1', packages: [ffmpeg], profiles: {main: {secrets: [A_KEY], environment: {TZ: UTC}}}}",
        "profiles: {main: {browser: {profiles: {work: }}, publish: {control: false, cdp: false}}}",
    ],
)
def test_what_stays_inside_is_not_said(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    "settings",
    [
        "browser: {profiles: {far: {cdp_url: 'http://me:KEY@h/KEY?token=KEY'}}}",
        "environment: {HTTP_PROXY: 'http://me:KEY@proxy'}",
        "labels: {a: KEY}",
    ],
)
def test_what_may_be_a_secret_is_not_said_and_still_makes_a_difference(settings: str) -> None:
    one, other = (
        find_reach(fleet(f"profiles: {{main: {{{settings.replace('KEY', secrets.token_hex(8))}}}}}")) for _ in range(2)
    )
    assert [item.said for item in one] == [item.said for item in other] != []
    assert one != other
