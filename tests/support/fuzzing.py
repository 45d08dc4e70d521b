"""Our parsers, and inputs for each: texts in its own words, in any order, once or many times."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from idlehands_deploy.deployment.secret_values import read_content
from idlehands_deploy.errors import FleetError
from idlehands_deploy.fleet import file as fleet_file
from idlehands_deploy.fleet.addresses import canonical, endpoint, is_loopback, is_private, url_host
from idlehands_deploy.fleet.ports import ProfilePorts
from idlehands_deploy.gateway import model_servers
from idlehands_deploy.gateway.config import read_config, read_variables
from idlehands_deploy.gateway.config_changes.edit import read_path, read_value, with_value, without
from idlehands_deploy.gateway.config_changes.owner import find_owner
from idlehands_deploy.gateway.config_changes.reload import read_reload
from idlehands_deploy.gateway.config_changes.validation import own_problems, read_validation
from idlehands_deploy.gateway.json5_text import FlawError, parse_config, parse_json5
from idlehands_deploy.gateway.pairing import HandoffError, pairing_links
from idlehands_deploy.importing import rewrite
from idlehands_deploy.isolation import native_scan
from idlehands_deploy.isolation.claims import Native, native_claims
from idlehands_deploy.redaction.allowlist import GATEWAY_CONFIG, mask
from idlehands_deploy.redaction.config_text import redact_config
from idlehands_deploy.redaction.redactor import Redactor
from idlehands_deploy.text import plain, printable_line
from idlehands_deploy.watch import journal

if TYPE_CHECKING:
    from collections.abc import Callable

    Texts = st.SearchStrategy[str]

STATE = Path("/state")


class Parser(NamedTuple):
    """One of our parsers.

    Attributes:
        refusals: the exceptions with which it refuses.
    """

    parse: Callable[[str], object]
    texts: Texts
    refusals: tuple[type[Exception], ...] = ()


def texts(*words: str) -> Texts:
    """Texts of these words and of any characters, some of which stand there thousands of times."""
    word = st.sampled_from(words) | st.text(max_size=4)
    often = st.builds(str.__mul__, word, st.sampled_from([*[1] * 60, 2, 2, 30, 2000]))
    return st.lists(often, max_size=12).map("".join)


def _config(text: str) -> None:
    """All that reads a config: of a profile, and of a native gateway."""
    config = read_config(
        STATE / "x.json", "x", lambda path: text if path.suffix else None, mounts={"/in": STATE}, environ={"A": "b"}
    )
    assert config
    list(own_problems(config))
    for each in model_servers.config_models(config):
        model_servers.host_port(each.url)
    mask(config.values, GATEWAY_CONFIG)
    native_claims(Native("x", 18789, "x", STATE, STATE / "workspace", config, running=True, installed=False))


def _import(text: str) -> None:
    config = parse_config(text)
    if rewrite.shape_problems(config):
        return
    rewrite.native_port(config)
    rewrite.main_workspace(config, "/home/ada")
    workspaces = rewrite.agent_workspaces(config, "/home/ada")
    browsers = rewrite.fleet_browsers(config)
    cdp = {name: 19800 + number for number, name in enumerate([*browsers, "openclaw"])}
    ports = ProfilePorts("rescue", 19789, cdp, ())
    moves = rewrite.state_moves(["/home/ada/.openclaw"], list(workspaces.values()), {})
    rewrite.rewrite(config, moves, "/home/ada", ports)


def _edit(text: str) -> None:
    config, _, path = text.rpartition("@")
    keys = read_path(path)
    with suppress(FlawError):
        with_value(config, keys, {"a": [1]})
    with suppress(FlawError):
        without(config, keys)
    find_owner(STATE / "x.json", keys, lambda _: config, {"/in": STATE})


def _fleet_edits(text: str) -> None:
    fleet = fleet_file.parse_text(text, "fleet.yaml")
    for name in fleet.profiles:
        fleet_file.with_profile(text, "new", {"port": 20_000})
        fleet_file.without_profile(text, name)


def _address(text: str) -> None:
    for read in (endpoint, url_host, canonical, is_private, is_loopback, model_servers.host_port):
        read(text)


def _redact(text: str) -> None:
    redactor = Redactor([text[:300], "a known secret1"], names={"zeus": "<host>"}, places={"/srv/x": "<there>"})
    once = redactor.text(text)
    assert "a known secret1" not in once
    redactor.value({text[:40]: [text]})


_MARKS = ("{", "}", "[", "]", ":", ",", '"', "'", "\\", "\n", " ", "//", "/*", "*/", "0x", "1e999", "-", "+", "1", "a")
_WORDS = (
    "null",
    "true",
    "NaN",
    "Infinity",
    "$include",
    '"x.json"',
    "${A}",
    "\\u0000",
    "\\ud800",
    "\ufeff",
    "__proto__",
)
_KEYS = (
    "gateway", "port", "auth", "mode", "token", "bind", "controlUi", "allowedOrigins", "browser", "profiles", "cdpUrl",
    "cdpPort", "driver", "executablePath", "agents", "defaults", "workspace", "entries", "systemAgent", "agentId",
    "model", "primary", "models", "providers", "baseUrl", "channels", "telegram", "botToken", "env", "vars", "$include",
    "bindings", "meta", "list", "id", "accounts", "discord", "enabled", "tailscale", "remote",
)  # fmt: skip
JSON5 = texts(*_MARKS, *_WORDS, *(f"{key}: " for key in _KEYS[:9]))
_LEAF = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6)
    | st.sampled_from(["main", "local", "remote", "http://127.0.0.1:18800", "ws://[::1", "~/w", "/home/ada/x", "${A}"])
)  # fmt: skip
# Whatever a key holds may be of any type.
_VALUE = st.recursive(
    _LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
    max_leaves=25,
)
CONFIGS = st.dictionaries(st.sampled_from(_KEYS), _VALUE, max_size=6).map(json.dumps)
_YAML = (
    "profiles:", "\n", "  ", "    ", "main", ": ", "- ", "&a", "*a", "<<", "!!python/object:os.system", "|", ">", "?",
    "{", "}", "[", "]", "'", '"', "#", "---", "...", "%YAML 1.1", "\t", "port: 1", "name: x", "~", "0x1F", "2026-01-01",
    ",", "secrets: ", "environment: ", "browser: ", "volumes: ", "hosts: ", "base_port: ", "1_000", ".inf", "\\x",
)  # fmt: skip
_HOSTS = (
    "http://",
    "ws://",
    "[",
    "]",
    "::1",
    ":",
    "@",
    "/",
    "127.1",
    "0x7f",
    "%",
    "localhost",
    "1",
    ".",
    "?",
    "#",
    "９",
    "\\",
)

PARSERS: dict[str, Parser] = {
    "JSON5": Parser(parse_json5, JSON5, (FlawError,)),
    "a config": Parser(_config, CONFIGS),
    "a config of any text": Parser(_config, JSON5),
    "an import": Parser(_import, CONFIGS, (FlawError,)),
    "variables": Parser(read_variables, texts("A", "=", "export ", "\n", " ", "\t", "'", '"', "#", "A=b\n")),
    "a path of keys": Parser(read_path, texts("a", ".", "[", "]", '"', "'", "0", "-1", "\\", " "), (FlawError,)),
    "a value": Parser(read_value, JSON5, (FlawError,)),
    "an edit of a config": Parser(
        _edit,
        st.builds(
            "{}@{}".format, CONFIGS | JSON5, st.sampled_from(["gateway.port", "agents", "bindings[0].id", "a.b"])
        ),
        (FlawError, OSError),
    ),
    "a link": Parser(
        lambda text: pairing_links(text, ["http://h:1"]),
        texts(
            "{",
            "}",
            '"browserUrl": ',
            '"http://h/#bootstrapToken=a"',
            '"reason": ',
            '"timed out"',
            "7",
            ",",
            "[",
            "#",
            "warn\n",
        ),
        (HandoffError,),
    ),
    "a validation": Parser(
        read_validation,
        texts('{"valid": false, "issues": [', '{"path": ', '"message": ', "{}", "]}", "null", "7", '"a"', ",", "\n"),
    ),
    "a reload": Parser(
        lambda text: read_reload(text.split("\n")),
        texts(
            "[reload] ",
            "config change detected",
            "requires gateway restart",
            "(",
            ")",
            ";",
            "hot",
            "failed",
            "\n",
            ": ",
            "a.b",
        ),
    ),
    "a unit": Parser(
        lambda text: native_scan._unit(text, "x", None),
        texts(
            "[Service]\n",
            "Environment=",
            "ExecStart=",
            "User=",
            "HOME=",
            "--port ",
            "--profile ",
            "'",
            '"',
            "\\\n",
            "\n",
            "99999",
            "root",
        ),
    ),
    "a fleet file": Parser(_fleet_edits, texts(*_YAML), (FleetError,)),
    "a secret": Parser(
        lambda text: read_content("A_TOKEN", text.encode("utf-16-le", errors="surrogatepass")),
        texts("\ufeff", "\n", "é", "\0", "a"),
    ),
    "an address": Parser(_address, texts(*_HOSTS)),
    "a journal": Parser(
        lambda text: list(journal._entries(io.StringIO(text))),
        texts(
            '{"time": ', '"2026-01-01T00:00:00Z"', "}", "\n", '"event": ', "1e99", "-1", "[", ",", "null", '"9999-99"'
        ),
    ),
    "a log": Parser(
        lambda text: [printable_line(text), plain(text)], texts("\x1b[", "\u202e", "\t", "\r", "a", "\x9b")
    ),
    "a text for a report": Parser(
        _redact,
        texts(
            "token=",
            "://",
            "@",
            "?a=",
            "sk-",
            "eyJa.",
            "-----BEGIN a-----",
            "\n",
            "a",
            "1",
            ":",
            "zeus",
            "/srv/x",
            "a known secret1",
        ),
    ),
    "a config for its owner": Parser(lambda text: redact_config(text, Redactor(["a known secret1"])), CONFIGS | JSON5),
}
