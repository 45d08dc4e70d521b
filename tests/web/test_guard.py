from __future__ import annotations

from email.message import Message

import pytest

from idlehands_deploy.web.guard import Door, is_from_the_page, is_loopback, is_this_host


@pytest.mark.parametrize(
    ("hosts", "is_ours"),
    [
        (["127.0.0.1:18700"], True),
        (["127.0.0.1"], True),
        (["localhost:9"], True),  # the other end of ssh -L
        (["LOCALHOST"], True),
        (["[::1]:18700"], True),
        (["[::1]"], True),
        (["127.8.9.10:18700"], True),
        ([], False),
        ([""], False),
        (["127.0.0.1", "127.0.0.1"], False),
        (["fleet.example.org:18700"], False),  # DNS rebinding
        (["127.0.0.1.example.org"], False),
        (["localhost.example.org"], False),
        (["0.0.0.0:18700"], False),
        (["192.168.1.2:18700"], False),
        ([":18700"], False),
        (["[::ffff:192.168.1.2]"], False),
    ],
)
def test_a_request_names_this_host_and_no_other(hosts: list[str], *, is_ours: bool) -> None:
    assert is_this_host(hosts) is is_ours


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("0.0.0.0", False), ("::", False), ("10.0.0.1", False),
     ("fleet", False), ("", False)],
)  # fmt: skip
def test_only_addresses_of_loopback_are_listened_on(address: str, *, is_ours: bool) -> None:
    assert is_loopback(address) is is_ours


@pytest.mark.parametrize(
    ("site", "mode", "is_ours"),
    [
        ("none", "navigate", True),
        ("same-origin", "cors", True),
        ("cross-site", "navigate", True),  # a link in a chat; the cookie does not come with it
        ("same-site", "cors", False),  # a gateway's dashboard: another port of this address
        ("cross-site", "no-cors", False),
    ],
)
def test_another_page_cannot_load_parts_of_the_page(site: str, mode: str, *, is_ours: bool) -> None:
    headers = Message()
    assert is_from_the_page(headers)  # a program
    headers["Sec-Fetch-Site"], headers["Sec-Fetch-Mode"] = site, mode
    assert is_from_the_page(headers) is is_ours


def test_the_cookie_is_another_secret_than_the_token_and_each_opens_its_own_door_alone() -> None:
    door, other = Door(), Door()
    cookie = door.cookie().partition(";")[0]
    name, _, value = cookie.partition("=")
    assert value != door.token
    assert (door.opens_for(f"token={door.token}"), door.knows(cookie)) == (True, True)
    assert door.knows(f"theirs=1; {cookie}; more=2")
    for wrong in ("", "token=", f"token={value}", f"token={other.token}", f"token={door.token}x", "token=ü%00"):
        assert not door.opens_for(wrong)
    for wrong in ("", f"{name}={door.token}", f"{name}=", f"{name}=ü", "\x00; =", f"x{cookie}", other.cookie()):
        assert not door.knows(wrong)
    # The pages of two fleets in one browser, on two ports of one host.
    assert (door.knows(f"{other.cookie()}; {cookie}"), other.cookie().partition("=")[0] != name) == (True, True)
    assert not door.knows(None)


def test_the_cookie_is_for_the_page_s_own_path_and_no_script() -> None:
    assert set(Door().cookie().split("; ")[1:]) == {"Path=/fleet/", "HttpOnly", "SameSite=Strict"}
