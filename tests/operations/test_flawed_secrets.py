"""Secrets as people write them: what cannot be meant is refused before anything is stopped or started."""

from __future__ import annotations

import codecs
import secrets
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.profile_files import read_token
from idlehands_deploy.errors import FleetError
from idlehands_deploy.operations import dashboard, doctor, lifecycle
from idlehands_deploy.operations.config.secrets import list_secrets, set_secret
from idlehands_deploy.redaction.known_secrets import given_secrets
from tests.support.engine import commands
from tests.support.helpers import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.fake_site import FakeSite

KEY, TOKEN = "OPENAI_API_KEY", "IDLEHANDS_GATEWAY_TOKEN"
FLAWED = {
    "holds only white space": b" \r\n\t" * 9,
    "is UTF-16 text, not UTF-8": "key\r\n".encode("utf-16"),
    "contains a NUL byte": b"key\0",
    "has several lines, but a token or an API key is one": b"key\nother\n",
}


def path(site: FakeSite, name: str = KEY) -> Path:
    return site.root / "secrets" / "main" / name


@pytest.fixture
def pair(site: FakeSite) -> FakeSite:
    """Main, which has a key, and rescue: up."""
    site.edit("main: {}", f"main: {{secrets: [{KEY}]}}")
    path(site).write_text(secrets.token_hex(32))
    lifecycle.up(site.session, [], 5).usable()
    commands(site.compose)
    return site


COMMANDS: dict[str, Callable[[FakeSite], object]] = {
    "up": lambda site: lifecycle.up(site.session, ["main"], 5),
    "up --dry-run": lambda site: lifecycle.prepare_up(site.session, ["main"]),
    "start": lambda site: lifecycle.start(site.session, ["main"], 5),
    "restart": lambda site: lifecycle.restart(site.session, ["main"], 5),
    "token --rotate": lambda site: dashboard.rotate_token(site.session, "main", 5),
}


@pytest.mark.parametrize("flaw", FLAWED)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_value_that_cannot_be_meant_is_refused_and_nothing_is_changed(
    pair: FakeSite, command: str, flaw: str
) -> None:
    path(pair).write_bytes(FLAWED[flaw])
    before = snapshot(pair.root)
    with pytest.raises(FleetError) as caught:
        COMMANDS[command](pair)
    assert [str(problem) for problem in caught.value.problems] == [f"secrets/main/{KEY}: {flaw}"]
    assert str(caught.value.remedy) == f"Set each of these secrets: idlehands-deploy secret set main {KEY}"
    assert commands(pair.compose) == []
    assert snapshot(pair.root) == before


@pytest.mark.parametrize("flaw", [flaw for flaw in FLAWED if "white space" not in flaw])
def test_a_token_that_cannot_be_meant_is_replaced_by_the_command_that_is_named(pair: FakeSite, flaw: str) -> None:
    path(pair, TOKEN).write_bytes(FLAWED[flaw])
    with pytest.raises(FleetError) as caught:
        lifecycle.restart(pair.session, ["main"], 5)
    assert str(caught.value.remedy) == "Replace it: idlehands-deploy token main --rotate"
    dashboard.rotate_token(pair.session, "main", 5)
    assert len(read_token(pair.session.deployment, "main") or "") == 64
    lifecycle.up(pair.session, [], 5).usable()


@pytest.mark.parametrize("blank", [b"", b"\n" * 40, codecs.BOM_UTF8 + b"\r\n"])
def test_up_makes_a_token_where_there_is_only_a_blank_file(pair: FakeSite, blank: bytes) -> None:
    path(pair, TOKEN).write_bytes(blank)
    lifecycle.up(pair.session, [], 5).usable()
    assert len(read_token(pair.session.deployment, "main") or "") == 64


def test_all_that_is_wrong_is_said_at_once(pair: FakeSite) -> None:
    path(pair).write_bytes(b"\0")
    path(pair, TOKEN).write_bytes("t\u00f6ken".encode())
    with pytest.raises(FleetError) as caught:
        lifecycle.up(pair.session, [], 5)
    assert [str(problem) for problem in caught.value.problems] == [
        f"secrets/main/{TOKEN}: contains a character that no token or API key has",
        f"secrets/main/{KEY}: contains a NUL byte",
    ]


@pytest.mark.parametrize("flaw", FLAWED)
def test_doctor_and_secret_list_show_it(pair: FakeSite, flaw: str) -> None:
    path(pair).write_bytes(FLAWED[flaw])
    found = [(finding.place, finding.what, str(finding.fix)) for finding in doctor.examine(pair.session).findings]
    mend = f"idlehands-deploy secret set main {KEY}; idlehands-deploy up main"
    assert (f"secrets/main/{KEY}", flaw, mend) in found
    state = "empty" if "white space" in flaw else "unusable"
    assert [secret.state for secret in list_secrets(pair.session, ["main"])] == [state]


@pytest.mark.parametrize("around", [b"%s\r\n", b"  %s\n\n", codecs.BOM_UTF8 + b"%s"])
def test_what_only_surrounds_a_value_is_no_change_and_no_part_of_the_token(pair: FakeSite, around: bytes) -> None:
    value = (read_token(pair.session.deployment, "main") or "").encode()
    path(pair, TOKEN).write_bytes(around % value)
    assert read_token(pair.session.deployment, "main") == value.decode()
    assert lifecycle.prepare_up(pair.session, ["main"]).plan.lines[-1] == "main: nothing to do"
    # The gateway may log it so.
    assert value.decode() in given_secrets(pair.session.deployment, {})


def test_setting_a_flawed_secret_again_mends_it(pair: FakeSite) -> None:
    path(pair).write_bytes(FLAWED["contains a NUL byte"])
    set_secret(pair.session, "main", KEY, secrets.token_hex(16).encode(), 5)
    lifecycle.up(pair.session, [], 5).usable()
