"""Texts with secrets, in each form and shape, and ordinary lines without any."""

from __future__ import annotations

import base64
import html
import json
import re
import secrets
import string
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable

ALPHABET = string.ascii_letters + string.digits
# With every kind of character that an encoding changes.
AWKWARD = '&<é/+= "\\'


def random_text(length: int, alphabet: str = ALPHABET) -> str:
    """Generated, with both letters and digits wherever it is cut."""
    return "".join(secrets.choice(alphabet) + str(secrets.randbelow(10)) for _ in range(length))[:length]


FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "in quotes": repr,
    "URL-encoded": lambda secret: quote(secret, safe=""),
    "URL-encoded as a path": quote,
    "URL-encoded as a form": quote_plus,
    "URL-encoded in small letters": lambda secret: re.sub(
        "%..", lambda found: found[0].lower(), quote(secret, safe="")
    ),
    "URL-encoded by the letter": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()),
    "URL-encoded twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "escaped as JSON": json.dumps,
    "escaped as JSON with its own letters": lambda secret: json.dumps(secret, ensure_ascii=False),
    "escaped as JSON in JSON": lambda secret: json.dumps(json.dumps(secret)),
    "escaped as HTML": html.escape,
    "hexadecimal": lambda secret: secret.encode().hex(),
    "hexadecimal in capitals": lambda secret: secret.encode().hex().upper(),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "base64 after one letter": lambda secret: base64.b64encode(b"a" + secret.encode()).decode(),
    "base64 after a user": lambda secret: base64.b64encode(b"me:" + secret.encode() + b"@h").decode(),
    "base64 after eleven letters": lambda secret: base64.b64encode(b"elevenchars" + secret.encode()).decode(),
}

KEYS = {
    "OpenAI": "sk-proj-" + random_text(40),
    "Anthropic": "sk-ant-api03-" + random_text(30),
    "GitHub": "ghp_" + random_text(36),
    "GitHub, fine-grained": "github_pat_" + random_text(22) + "_" + random_text(40),
    "GitLab": "glpat-" + random_text(20),
    "Slack": "xoxb-" + random_text(11, string.digits) + "-" + random_text(24),
    "Slack app": "xapp-1-" + random_text(12),
    "Google": "AIza" + random_text(35),
    "Telegram": random_text(10, string.digits) + ":AA" + random_text(33),
    "Discord": random_text(24) + "." + random_text(6) + "." + random_text(38),
    "AWS": "AKIA" + random_text(16, string.ascii_uppercase),
    "Hugging Face": "hf_" + random_text(34),
    "JWT": "eyJ" + random_text(20) + ".eyJ" + random_text(30) + "." + random_text(43),
    "hexadecimal": secrets.token_hex(16),
    "a token of ours": secrets.token_hex(32),
    "hexadecimal in capitals": secrets.token_hex(20).upper(),
    "base64 for URLs": "aB3" + secrets.token_urlsafe(33),
    "base64": base64.b64encode(b"\0\xff" + secrets.token_bytes(40)).decode(),
    "an id of a session": "-".join(secrets.token_hex(size) for size in (4, 2, 2, 2, 6)),
    "a fingerprint": ":".join(secrets.token_hex(1) for _ in range(32)),
}

SECRET = "hunter2" + random_text(6)
SENTENCES = {
    f"GET /?token={SECRET} 200": "GET /?token=<removed> 200",
    f"open http://127.0.0.1:18789/#token={SECRET}": "open http://127.0.0.1:18789/#<removed>",
    f"http://h:9222/json?key={SECRET}&v=1 failed": "http://h:9222/json?<removed> failed",
    f"ws://me:{SECRET}@10.0.0.42:9222/x": "ws://<removed>@10.0.0.42:9222/x",
    f"https://{SECRET}@example.com": "https://<removed>@example.com",
    f"https://hooks.example.com/services/T0/B0/{SECRET}": "https://hooks.example.com/services/<removed>",
    f"https://api.telegram.example/bot12345678:{SECRET}/getMe": "https://api.telegram.example/bot<removed>/getMe",
    f"Authorization: Bearer {SECRET}": "Authorization: <removed>",
    f"Cookie: a={SECRET}; b=2": "Cookie: <removed>",
    f"sent Bearer {SECRET} to it": "sent Bearer <removed> to it",
    f"password: {SECRET}": "password: <removed>",
    "password: sesame": "password: <removed>",
    f'{{"apiKey":"{SECRET}","port":18789}}': '{"apiKey":"<removed>","port":18789}',
    f'"{{\\"botToken\\":\\"{SECRET}\\",\\"a\\":1}}"': '"{\\"botToken\\":<removed>\\",\\"a\\":1}"',
    f"OPENAI_API_KEY={SECRET} node x.js": "OPENAI_API_KEY=<removed> node x.js",
    f"run --token {SECRET} --port 1": "run --token <removed> --port 1",
    f"{{ 'client_secret': '{SECRET}' }}": "{ 'client_secret': '<removed>' }",
    f"sessionId={SECRET} done": "sessionId=<removed> done",
    "paired by code QX7P-93KD, exit code 1-2": "paired by code <removed>, exit code 1-2",
    "pairing code: ABCD-1234": "pairing code: <removed>",
    "mail to jane.doe+x@example.org now": "mail to <e-mail> now",
    "4915112345678@s.whatsapp.net joined": "<e-mail> joined",
    "call +49 (151) 1234-5678 now": "call <phone> now",
    "from +15555550123": "from <phone>",
    "/home/jane/bots/x.yaml": "/home/<user>/bots/x.yaml",
    "/Users/jane/x": "/Users/<user>/x",
    "peer=9.9.9.9:35030->172.28.0.2:18789 from ::ffff:10.0.0.4, 2620:fe::fe and fd00::1": (
        "peer=<address>:35030->172.28.0.2:18789 from ::ffff:10.0.0.4, <address> and fd00::1"
    ),
}

ORDINARY = [
    "2026-11-22T20:23:42.388+00:00 [gateway] shutdown budget: drain=315000ms exitMargin=5000ms; source=policy=330000ms",
    "2026-11-22T20:23:45.018+00:00 [gateway] agent model: anthropic/claude-sonnet-4-6 (thinking=medium, fast=off)",
    "[gateway] http server listening (14 plugins: anthropic, browser, device-pair, linux-node; 1.8s)",
    "[browser/server] Browser control listening on http://127.0.0.1:43002/ (auth=token)",
    "[secrets] [SECRETS_PROVIDER_DEGRADED] file:gwtoken: secret provider failed. event=secrets.provider",
    "[gateway] log file: /tmp/openclaw/openclaw-2026-11-22.log",
    "main: exit code 78: the gateway rejects its configuration",
    "secrets/main/OPENAI_API_KEY: missing; write the value of OPENAI_API_KEY into it (mode 0600)",
    "token: missing, tokens=150000, maxTokens: 4096, token_count=12345678",
    "unrecognized key: gateway.no_such_key",
    "config /home/idlehands/.idlehands/idlehands.json is damaged (JSON5: invalid character at 1:2)",
    "idlehands/gateway:2026.9.6 openclaw@2026.9.6 node v24.16.0 docker 20.10.24+dfsg1",
    "ports 18789, 18791, 18800-18899; 0.0.0.0:18789->18789/tcp; container 4f66ad9a3b2e; sha256:0f1e2d3c4b5a",
    "    at resolveGatewayStartupAuthenticationForBrowserControl (file:///opt/gateway/dist/server.impl-B3kX9a.js:1:2)",
    "/opt/gateway/node_modules/openclaw/extensions/browser/plugin/runtime/index.js",
    "OPENCLAW_EAGER_BROWSER_CONTROL_SERVER_AND_MORE_OF_IT is set; basic authentication, bearer tokens",
    "[ws] closed code=1008 reason=pairing required conn=4f66ad9a durationMs=12 handshake=pending",
    "See https://docs.example.com/gateway/health#cpu-pressure and chown -R 1000:1000 /srv/bots/profiles/main/state",
    "CVE-2024-21626 #53912 100% 1e10 0x7fff5fbff8c0 3.14159265358979",
]


def seconds(what: Callable[[], object]) -> float:
    """The processor's time, which other processes do not change."""
    began = time.process_time()
    what()
    return time.process_time() - began
