"""What each reader of a generated text makes of it: written after the readers' own rules, not after our writers."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What stands where a reader would have put a value of its own.
EXPANDED = "\N{REPLACEMENT CHARACTER}expanded"


def read_compose(text: str) -> dict[str, Any]:
    """A Compose file as Compose reads it: YAML, then variables in each value; not in keys.

    Raises:
        ValueError: Compose would refuse it.
    """
    read: dict[str, Any] = _each_text(yaml.load(text, Loader=yaml.CSafeLoader), _interpolated)
    return read


def read_config(text: str) -> dict[str, Any]:
    """A gateway's config as the gateway (2026.9.6) reads it: JSON, then variables in each value; not in keys."""
    read: dict[str, Any] = _each_text(json.loads(text), _substituted)
    return read


def read_unit(text: str) -> dict[str, list[str]]:
    """A unit as systemd reads it: the values of each key, and of command lines the words."""
    read: dict[str, list[str]] = {}
    for line in re.sub(r"\\(\r\n|[\r\n])", " ", text).replace("\r", "\n").split("\n"):
        if line.lstrip()[:1] in {"", "#", ";", "["}:
            continue
        key, _, value = line.partition("=")
        words = _words(value) if key in {"ExecStart", "Environment"} else [value.strip()]
        words = [_without_specifiers(word) for word in words]
        read.setdefault(key, []).extend(map(_interpolated, words) if key == "ExecStart" else words)
    return read


def _each_text(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {key: _each_text(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_each_text(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def _interpolated(text: str) -> str:
    parts, at = [], 0
    while at < len(text):
        rest = text[at + 1 :]
        if text[at] != "$":
            parts.append(text[at])
            at += 1
        elif rest.startswith("$"):
            parts.append("$")
            at += 2
        elif rest.startswith("{") and "}" in rest:
            parts.append(EXPANDED)
            at += 2 + rest.index("}")
        elif name := NAME.match(rest):
            parts.append(EXPANDED)
            at += 1 + name.end()
        else:
            raise ValueError(f"a dollar sign that stands for nothing: {text}")
    return "".join(parts)


def _substituted(text: str) -> str:
    """``$${NAME}`` is ``${NAME}``, ``${NAME}`` a variable, and any other dollar sign itself."""
    parts, at = [], 0
    while at < len(text):
        if escaped := re.compile(r"\$(\$\{[A-Z_][A-Z0-9_]*\})").match(text, at):
            parts.append(escaped[1])
            at = escaped.end()
        elif variable := re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}").match(text, at):
            parts.append(EXPANDED)
            at = variable.end()
        else:
            parts.append(text[at])
            at += 1
    return "".join(parts)


def _words(line: str) -> list[str]:
    """The quoted words of a line; this tool writes no others."""
    words, at = [], 0
    while at < len(line):
        found = re.compile(r'"((?:[^"\\]|\\.)*)"( |$)').match(line, at)
        if not found:
            raise ValueError(f"no quoted word at {at}: {line}")
        words.append(re.sub(r"\\(.)", _unescaped, found[1]))
        at = found.end()
    return words


def _unescaped(found: re.Match[str]) -> str:
    return {"n": "\n", "r": "\r", "t": "\t", "s": " ", "\\": "\\", '"': '"', "'": "'"}[found[1]]


def _without_specifiers(text: str) -> str:
    return re.sub("%(.?)", lambda found: "%" if found[1] == "%" else EXPANDED, text)
