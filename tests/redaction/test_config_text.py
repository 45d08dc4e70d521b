from __future__ import annotations

import json
import secrets

from idlehands_deploy.gateway.json5_text import parse_json5
from idlehands_deploy.redaction.config_text import redact_config
from idlehands_deploy.redaction.redactor import Redactor


def test_a_config_is_shown_as_it_is_written_without_its_secrets() -> None:
    known, unknown, password = secrets.token_hex(16), secrets.token_urlsafe(30), secrets.token_hex(3)
    text = f"""{{
  // By hand, {known} too.
  gateway: {{auth: {{mode: "token", token: "{unknown}", password: '{password}'}}, port: 18789}},
  channels: {{
    telegram: {{botToken: {{source: "env", provider: "default", id: "BOT_TOKEN"}}, enabled: true, allowFrom: [12345]}},
  }},
  models: {{providers: {{local: {{baseUrl: "http://127.0.0.1:11434/v1", apiKey: "${{A_KEY}}"}}}}}},
}}
"""
    shown = redact_config(text, Redactor({known}))
    for secret in (known, unknown, password):
        assert secret not in shown
    hidden = '"<removed>"'
    assert shown == (
        text.replace(known, "<removed>")
        .replace(f'"{unknown}"', hidden)
        .replace(f"'{password}'", hidden)
        .replace("[12345]", f"[{hidden}]")
    )
    assert parse_json5(shown)["gateway"]["port"] == 18789


def test_secrets_are_removed_from_a_config_that_cannot_be_read_too() -> None:
    key = f"sk-{secrets.token_hex(20)}"
    shown = redact_config(f'{{"apiKey": {json.dumps(key)}, broken', Redactor(set()))
    assert key not in shown
    assert "broken" in shown
