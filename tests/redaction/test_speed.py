"""A log is redacted at a speed that does not depend on its size."""

from __future__ import annotations

import random
import secrets
import uuid

import pytest

from idlehands_deploy.redaction.redactor import Redactor
from idlehands_deploy.redaction.scan import encoded
from idlehands_deploy.redaction.scrubber import scrub_lines
from idlehands_deploy.redaction.shapes import scrub
from tests.support.secret_texts import seconds
from tests.support.site import measure

# What a gateway writes all day; `{}` is a number.
LINES = (
    "[gateway] ready in {} ms, listening on ws://127.0.0.1:16300 (pid {})",
    "[gateway] agent model: anthropic/claude-sonnet-4-6 (thinking=medium, fast=off)",
    "[gateway] shutdown budget: drain=315000ms exitMargin=5000ms; source=policy=330000ms",
    "[gateway] http server listening (14 plugins: anthropic, browser, device-pair, linux-node; {} ms)",
    "[browser/server] Browser control listening on http://127.0.0.1:43002/ (auth=token)",
    "[health] browser: Chromium 131.0.6778 answers on 127.0.0.1:18800 after {} ms",
    "[agent/embedded] run start: provider=anthropic model=claude-sonnet-4-6 messages={}",
    "[tools] exec finished: exit=0 durationMs={} bytes={}",
    "[cron] next run in {} s; jobs=3 enabled=2",
    "[plugins] loaded device-pair from /opt/gateway/dist/extensions/device-pair/index.js in {} ms",
    "[ws] connected client=cli version=2026.9.6 remote=172.28.0.1 handshake=ok",
    "[ws] closed code=1008 reason=pairing required conn=4f66ad9a durationMs={} handshake=pending",
    "warn: memory 71% of limit (rss={} MiB heapUsed={} MiB)",
    "[diagnostic] lane wait exceeded: lane=main waitedMs={} queueAhead=0 – see the manual",
)
HOURS = 24


def log(size: int, known: list[str], *, hot: float = 0.02) -> str:
    """A log of this many characters.

    Args:
        known: secrets of which one is in one of a hundred lines.
        hot: the part of lines with something to remove.
    """
    chance = random.Random(1)
    lines, left = [], size
    while left > 0:
        line = chance.choice(LINES)
        if chance.random() < hot:
            line = chance.choice((
                f"[ws] session {uuid.UUID(int=chance.getrandbits(128))} opened", "peer=9.9.9.9:35030 connected",
                f"GET /?token={secrets.token_hex(16)} 200", "mail from jane.doe@example.org", "password: sesame",
                f"Authorization: Bearer {secrets.token_urlsafe(20)}", f"sk-{secrets.token_hex(20)} refused",
            ))  # fmt: skip
        if known and chance.random() < 0.01:
            line += f" {chance.choice(known)}"
        now = f"2026-11-22T{chance.randrange(HOURS):02}:23:42.{chance.randrange(1000):03}+00:00"
        lines.append(f"{now} {line.replace('{}', str(chance.randrange(10_000)))}")
        left -= len(lines[-1]) + 1
    return "\n".join(lines)[:size]


def known_secrets(number: int) -> list[str]:
    return [secrets.token_urlsafe(24) for _ in range(number)]


@pytest.mark.parametrize("number", [1, 200])
def test_a_log_takes_as_long_as_its_fifty_parts(number: int) -> None:
    known = known_secrets(number)
    redactor, text = Redactor(known), log(3_000_000, known)
    parts = [text[start : start + 60_000] for start in range(0, len(text), 60_000)]
    in_parts = seconds(lambda: [redactor.text(part) for part in parts])
    assert seconds(lambda: redactor.text(text)) < 1.6 * in_parts


def test_a_log_with_a_secret_in_each_line_takes_no_longer_than_without_hints() -> None:
    text = log(300_000, [], hot=1)
    data = encoded(text)
    scrub_lines(data)
    assert min(seconds(lambda: scrub_lines(data)) / seconds(lambda: scrub(text)) for _ in range(4)) < 1.3


@measure
@pytest.mark.parametrize("number", [1, 20, 200])
def test_an_ordinary_log_is_redacted_at_20_megabytes_a_second(number: int) -> None:
    known = known_secrets(number)
    redactor = Redactor(known)
    redactor.text(log(1_000_000, known))
    for size in (1_000, 1_000_000, 50_000_000):
        text = log(size, known)
        rounds = max(1, 1_000_000 // size)
        # The best, since other processes share the caches.
        spent = min(seconds(lambda: [redactor.text(text) for _ in range(rounds)]) for _ in range(5))  # noqa: B023
        print(f"{number} secrets, {size} characters: {size * rounds / spent / 1e6:.1f} MB/s")  # noqa: T201 - a measure
        assert size * rounds / spent > 20e6
