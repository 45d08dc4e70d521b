from __future__ import annotations

import secrets

import pytest

from idlehands_deploy.fleet.values import seconds
from tests.support.helpers import fleet, problems


def watching(text: str) -> str:
    return problems(f"watch: {text}\n")


def test_by_default_the_watch_restarts_after_90_seconds_and_notifies_nobody() -> None:
    watch = fleet("profiles: {main: }").watch
    assert (watch.restart, watch.patience, watch.notify.webhook, watch.notify.command) == (True, "90s", None, [])
    assert fleet("watch:\nprofiles: {main: }").watch == fleet("watch: {notify: }").watch == watch


def test_receivers_are_addresses_secret_files_and_a_command() -> None:
    notify = fleet(
        "watch: {notify: {webhook: secrets/a/webhook.url, ntfy: 'https://ntfy.example.org/t', command: [tell, me]}}"
    ).watch.notify
    assert notify.model_dump() == {
        "webhook": "secrets/a/webhook.url", "ntfy": "https://ntfy.example.org/t", "command": ["tell", "me"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "value",
    ["ftp://a/b", "http://", "http://a b", "/etc/shadow", "secrets", "secrets/", "secrets/../fleet.yaml", "secrets/./a",
     "secrets//a", "secrets/a/..", "hunter2", "http://a:x/"],
)  # fmt: skip
def test_anything_else_is_refused_as_a_receiver(value: str) -> None:
    assert watching(f"{{notify: {{webhook: '{value}'}}}}") == (
        "watch.notify.webhook: must be an http or https address, or secrets/FILE with one as its only line"
    )


def test_an_error_never_shows_the_value_of_a_receiver() -> None:
    key = secrets.token_hex(8)
    for wrong in (f"{{ntfy: {key}}}", f"{{ntfy: [{key}]}}", f"{{command: {key}}}", f"{{command: {{a: {key}}}}}"):
        assert key not in watching(f"{{notify: {wrong}}}")
    assert key not in watching(f"https://example.org/{key}")


def test_a_wrong_key_is_reported_with_the_intended_one() -> None:
    assert watching("{patiense: 5s, notify: {webhok: x}}").splitlines() == [
        "watch.notify.webhok: unknown key; did you mean webhook?",
        "watch.patiense: unknown key; did you mean patience?",
    ]
    assert watching("{patience: 90}") == "watch.patience: must be a valid string, not 90"
    assert watching("{notify: {command: ['']}}") == (
        "watch.notify.command: must be a command and its arguments, such as [notify-send, Gateways]"
    )


@pytest.mark.parametrize(("text", "length"), [("90s", 90), ("5m", 300), ("5m30s", 330), ("0s", 0)])
def test_a_duration_is_read_as_seconds(text: str, length: int) -> None:
    assert seconds(text) == length
