from __future__ import annotations

import base64
import json
import random
import re
import secrets
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idlehands_deploy.redaction.allowlist import FLEET_FILE, GATEWAY_CONFIG, mask
from idlehands_deploy.redaction.redactor import Redactor
from idlehands_deploy.redaction.shapes import names_a_secret
from tests.support.secret_texts import AWKWARD, FORMS, KEYS, ORDINARY, SECRET, SENTENCES, random_text


def scrubbed(text: str) -> str:
    return Redactor([]).text(text)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "secret",
    [random_text(6), random_text(20), "Aa" + AWKWARD + random_text(9), random_text(64)],
    ids=["short", "usual", "awkward", "long"],
)
def test_a_known_secret_is_removed_in_every_form(form: str, secret: str) -> None:
    written = FORMS[form](secret)
    shown = Redactor([secret]).text(f"before {written} after")
    assert written.strip("\"'") not in shown
    assert secret not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert "<removed>" in shown


def test_text_after_a_secret_in_base64_is_removed_too_except_three_characters() -> None:
    secret = secrets.token_hex(12)
    shown = Redactor([secret]).text(base64.b64encode(f"user:{secret}".encode()).decode())
    left = shown.replace("<removed>", "")
    assert secret[:2] not in base64.b64decode(left + "=" * (-len(left) % 4)).decode(errors="replace")


def test_every_single_line_of_a_key_file_is_removed() -> None:
    lines = [random_text(30) for _ in range(3)]
    redactor = Redactor(["\n".join(["HEAD OF IT", *lines]) + "\n"])
    for line in lines:
        assert redactor.text(f"read: {line}!") == "read: <removed>!"


def test_the_password_of_a_known_address_is_removed_also_alone() -> None:
    password = "pass" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(8))
    redactor = Redactor([f"redis://someone:{password}@10.0.0.4:6379/0"])
    assert redactor.text(f"tried {password} again") == "tried <removed> again"


def test_a_secret_in_the_path_of_a_known_address_is_removed_also_alone_in_every_form() -> None:
    secret = f"{random_text(9)}_{random_text(5)}-{random_text(7)}"
    redactor = Redactor([f"https://10.0.0.4/v1/{secret}/x?y=z"])
    for form in FORMS.values():
        assert re.sub(r"[\"'\\]", "", redactor.text(f"a {form(secret)} z")).endswith("<removed> z")


def test_a_word_with_a_random_part_of_a_known_secret_is_removed() -> None:
    part = random_text(16)
    assert Redactor([f"a({part})b"]).text(f"so x_{part}-y, it is") == "so <removed>, it is"


@pytest.mark.parametrize(
    "line", ["resolveGatewayStartupAuthentication", "claude-sonnet-4-20250514", "OPENAI_API_KEY", "x86_64"]
)
def test_a_known_value_that_is_a_name_leaves_other_names_unchanged(line: str) -> None:
    other = re.sub(r".$", "", line)
    assert Redactor([f"{line} and more"]).text(other) == other


def test_a_secret_that_begins_like_another_is_removed_whole() -> None:
    short = random_text(8)
    long = short + random_text(8)
    for known in ([short, long], [long, short]):
        assert Redactor(known).text(f"({long})") == "(<removed>)"


@pytest.mark.parametrize("mask", ["…", "...", "***"])
@pytest.mark.parametrize("between", ["", "-", "_", "/"])
def test_a_masked_or_cut_secret_is_removed_too(mask: str, between: str) -> None:
    secret = between.join(random_text(5) for _ in range(8))
    redactor = Redactor([secret])
    assert redactor.text(f"with {secret[:6]}{mask}{secret[-4:]} it") == "with <removed> it"
    assert redactor.text(f"with {secret[:19]} it") == "with <removed> it"
    assert redactor.text(f"with {secret[-15:]} it") == "with <removed> it"


def test_masked_or_cut_random_text_is_removed() -> None:
    chance = random.Random(1)
    for _ in range(600):
        secret = base64.urlsafe_b64encode(chance.randbytes(24)).decode()
        shown = Redactor([secret]).text(f"(auth={secret[:6]}...{secret[-4:]}) was {secret[:14]} and {secret[-14:]}")
        assert shown == "(auth=<removed>) was <removed> and <removed>", secret


def test_a_known_secret_with_colour_codes_or_invisible_characters_is_removed() -> None:
    secret = random_text(16)
    for between in ("\x1b[31m", "\x1b[0m", "\0", "\u200b", "\u202e"):
        assert Redactor([secret]).text(f"a {secret[:7]}{between}{secret[7:]} z") == "a <removed> z"


def test_a_short_known_value_is_removed_as_a_word_and_never_inside_words() -> None:
    redactor = Redactor(["4711", "abc", "7", "true"])
    assert redactor.text("pin 4711, port 47110, abcdef abc 7 true") == "pin <removed>, port 47110, abcdef abc 7 true"


def test_a_plain_word_among_the_known_values_stays() -> None:
    line = "[gateway] ready in production, debug is false"
    assert Redactor(["gateway", "production", "debug", "false", ""]).text(line) == line


@pytest.mark.parametrize(
    "place", ["{}", "got {} from it", "({})", '"{}"', "a={}", "[x]{},", "\x1b[36m{}\x1b[39m", "x:{}"]
)
@pytest.mark.parametrize("maker", KEYS)
def test_an_unknown_key_is_removed_by_its_shape(maker: str, place: str) -> None:
    key = KEYS[maker]
    shown = scrubbed(place.format(key))
    assert key not in shown
    assert not any(key[start : start + 10] in shown for start in range(len(key) - 9))


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.replace(SECRET, "SECRET"))
def test_a_secret_is_removed_by_its_context_and_nothing_else_is(sentence: str) -> None:
    assert scrubbed(sentence) == SENTENCES[sentence]


def test_a_private_key_is_removed_whole_even_without_its_end() -> None:
    body = "\n".join(random_text(64) for _ in range(3))
    head, tail = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
    assert scrubbed(f"a\n{head}\n{body}\n{tail}\nz") == "a\n<removed>\nz"
    assert scrubbed(f"a\n{head}\n{body}") == "a\n<removed>"


@pytest.mark.parametrize("line", ORDINARY)
def test_an_ordinary_line_stays_as_it_is(line: str) -> None:
    assert scrubbed(line) == line


SMELLING = """
    token botToken OPENAI_API_KEY apikey client_secret password passphrase x-api-key keys allowFrom allow_from
    webhookUrl sessionId session_id accesstoken email phoneNumber cookie Authorization credentials privateKey APIKey
"""


@pytest.mark.parametrize("name", SMELLING.split())
def test_the_name_of_a_secret_is_recognised(name: str) -> None:
    assert names_a_secret(name)
    assert Redactor([]).value({name: ["x", {"y": 1}]}) == {name: "<removed>"}


@pytest.mark.parametrize("name", ["mode", "port", "maxTokens", "keyboard", "monkey", "author", "path", "tokenCount"])
def test_an_ordinary_name_is_not_a_secret_s(name: str) -> None:
    assert not names_a_secret(name)
    assert Redactor([]).value({name: 7}) == {name: 7}


def test_data_keeps_its_structure_and_shows_what_is_empty() -> None:
    data = {"a": [1, 2.5, True, None, ("x",)], "token": "", "secret": None, "password": False, "b": {"c": "d"}}
    assert Redactor([]).value(data) == data | {"a": [1, 2.5, True, None, ["x"]]}


def test_known_secrets_are_removed_from_data_in_keys_texts_and_numbers() -> None:
    secret = random_text(12)
    redactor = Redactor([secret, "8472910"])
    shown = redactor.value({secret: [f"x{secret}y", 8472910, {"n": 84}]})
    assert shown == {"<removed>": ["x<removed>y", "<removed>", {"n": 84}]}


def test_names_and_places_of_this_host_are_replaced_as_whole_words() -> None:
    redactor = Redactor(
        [], names={"zeus": "<host>", "jane": "<user>", "main": "<host>"}, places={"/srv/x": "<deployment>"}
    )
    assert redactor.text("zeus.lan Zeus zeusx jane's main") == "<host>.lan <host> zeusx <user>'s main"
    assert redactor.text("/srv/x/a /srv/x /srv/xy") == "<deployment>/a <deployment> /srv/xy"


@given(st.text(max_size=200), st.lists(st.text(min_size=4, max_size=30), max_size=3))
def test_a_second_pass_changes_nothing(text: str, known: list[str]) -> None:
    redactor = Redactor(known)
    once = redactor.text(text)
    assert redactor.text(once) == once


@pytest.mark.parametrize("run", ["a", "a.", "a=", "://", "/", "-", "eyJ", "\\", '"', "sk-", "0", "+1 ", "a@", "%41"])
def test_a_long_line_is_redacted_fast(run: str) -> None:
    began = time.monotonic()
    scrubbed(run * (20_000 // len(run)))
    assert time.monotonic() - began < 3


def test_a_masked_config_shows_its_structure_and_only_texts_at_allowed_places() -> None:
    private = random_text(16)
    config = {
        "gateway": {"mode": "local", "bind": "lan", "port": 18789, "auth": {"mode": "token", "token": private}},
        "browser": {"headless": True, "odd": private, "profiles": {"far": {"cdpUrl": f"wss://u:{private}@h:9/{private}?k={private}"}}},
        "agents": {"defaults": {"workspace": "/home/idlehands/workspace", "model": private}},
        "channels": {"telegram": {"enabled": True, "allowFrom": [491511234567, private]}, private: {}, "+491511": {}},
        "plugins": {"entries": {"browser": {"enabled": False}}},
        "meta": {"lastTouchedVersion": "2026.9.6"},
        "": {"a": [[[private]]]},
    }  # fmt: skip
    shown = mask(config, GATEWAY_CONFIG)
    assert private not in json.dumps(shown)
    assert shown["gateway"] == {
        "mode": "local", "bind": "lan", "port": 18789, "auth": {"mode": "token", "token": "<text, 16 characters>"},
    }  # fmt: skip
    assert shown["browser"]["profiles"]["far"]["cdpUrl"] == "wss://h:9/<removed>"
    assert shown["channels"] == {
        "telegram": {"enabled": True, "allowFrom": ["<number, 12 digits>", "<text, 16 characters>"]},
        "<key, 16 characters>": {},
        "<key, 7 characters>": {},
    }
    assert shown["meta"] == {"lastTouchedVersion": "2026.9.6"}
    assert shown["plugins"] == config["plugins"]


def test_hidden_keys_stay_distinct() -> None:
    assert list(mask({"+491": 1, "+492": 2}, ())) == ["<key, 4 characters>", "<key, 4 characters> 2"]


def test_a_masked_fleet_file_keeps_its_settings_and_no_variable() -> None:
    fleet = {"profiles": {"ops2026": {"secrets": ["A_KEY"], "environment": {"A": "b", "TZ": "UTC"}}}}
    assert mask(fleet, FLEET_FILE, {"ops2026"}) == {
        "profiles": {"ops2026": {"secrets": ["A_KEY"], "environment": {"A": "<text, 1 characters>", "TZ": "UTC"}}}
    }
