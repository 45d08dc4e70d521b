"""The fleet file as text: parsing with the place of each error, and editing that keeps comments and order."""

from __future__ import annotations

import io
import json
import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import DEFAULT_IMAGE
from idlehands_deploy.errors import FleetError, Problem
from idlehands_deploy.fleet.model import DEFAULT_BASE_PORT, parse_fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping

    from ruamel.yaml import YAML

    from idlehands_deploy.fleet.model import Fleet

# Lines of a document without content.
_EMPTY = {"null", "~", "..."}
# What ruamel.yaml raises over values that its tags promise, and over text that it cannot hold.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, MemoryError)
UNREADABLE_VALUE = (
    "a value cannot be read: a number is too long, a date does not exist, "
    "a tag (!!) is wrong, or the nesting is too deep"
)

NEW_FLEET = f"""\
# yaml-language-server: $schema=./fleet.schema.json
# One deployment of IdleHands gateways. After an edit run: idlehands-deploy up
name: {{name:<21}}  # the Compose project
image: {DEFAULT_IMAGE}
base_port: {{base_port:<16}}  # main's; each other profile takes the next free slot
spacing: 1000
bind: 127.0.0.1              # where the gateway ports are published
profiles: {{{{}}}}
"""


def new_fleet_text(name: str, base_port: int = DEFAULT_BASE_PORT) -> str:
    """A fleet file without profiles, as written by ``init``."""
    return NEW_FLEET.format(name=key_text(name), base_port=base_port)


def project_name(directory: str) -> str:
    """The Compose project's name for a directory, as Compose itself makes it; empty if nothing of it can stay."""
    return re.sub(r"[^a-z0-9_-]", "", directory.lower()).lstrip("_-")


def parse_text(text: str, source: str, also: Callable[[Fleet], Iterable[Problem]] | None = None) -> Fleet:
    """Parse and validate a fleet file.

    Args:
        also: gives further problems of a fleet that is valid by itself.

    Raises:
        FleetError: a syntax error with line and column, or every problem of the values.
    """
    data = read_data(text, source)
    try:
        return parse_fleet(data, source, also)
    except FleetError as error:
        try:
            top = top_node(text)
        except FleetError:
            raise error from None
        problems = [problem._replace(line=_line_of(top, problem.path)) for problem in error.problems]
        raise FleetError(source, problems) from None


def _line_of(node: Any, path: str) -> int:  # noqa: ANN401 - ruamel.yaml's nodes have no public type
    """The line of a key, or of the nearest one above it; 0 if there is none."""
    line = 0
    for word in path.split("."):
        inside = node.value if isinstance(getattr(node, "value", None), list) else []
        pairs = [pair if isinstance(pair, tuple) else (pair, pair) for pair in inside]
        named = {
            str(index) if key is value else str(key.value): (key, value) for index, (key, value) in enumerate(pairs)
        }
        if word not in named:
            break
        key, node = named[word]
        line = key.start_mark.line + 1
    return line


def read_data(text: str, source: str) -> object:
    """The mappings, lists and scalars of a fleet file, even if they are not a valid fleet.

    Raises:
        FleetError: a syntax error with line and column.
    """
    return _read(_yaml("safe"), text, source)


def with_profile(text: str, name: str, settings: Mapping[str, Any]) -> str:
    """Add a profile at the end of the profiles."""

    def add(document: dict[str, Any]) -> None:
        if not document.get("profiles"):
            document["profiles"] = {}  # not the `{}` in the file, which would continue as one long line
        document["profiles"][name] = dict(settings)

    return _edit(text, add)


def without_profile(text: str, name: str) -> str:
    """Remove a profile, also from the other profiles' ``rescues``."""

    def remove(document: dict[str, Any]) -> None:
        document["profiles"].pop(name, None)
        for profile in document["profiles"].values():
            if profile and name in (profile.get("rescues") or []):
                # In place, to keep the comments of the list.
                profile["rescues"].remove(name)

    cut = _cut_profile(text, name)
    if cut is not None and not re.search(rf"\brescues\b.*?\b{re.escape(name)}\b", cut, re.DOTALL):
        return cut
    return _edit(cut or text, remove)


def with_renamed_profile(text: str, old: str, new: str) -> str:
    """Give a profile another name, also in the others' ``rescues``; nothing else of the text changes."""
    places = [key for key, _ in profiles_node(text).value if key.value == old]
    for _, settings in profiles_node(text).value:
        for key, value in settings.value if isinstance(settings.value, list) else ():
            if getattr(key, "value", None) == "rescues":
                places += [item for item in value.value if getattr(item, "value", None) == old]
    for node in sorted(places, key=lambda node: node.start_mark.index, reverse=True):
        text = f"{text[: node.start_mark.index]}{key_text(new)}{text[node.end_mark.index :]}"
    return text


def key_text(name: str) -> str:
    """A name as it is written in YAML, so that it stays that text."""
    # A name can look like a number, a truth or nothing.
    is_plain = name[0].isalpha() and name.lower() not in {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
    return name if is_plain else f'"{name}"'


def _cut_profile(text: str, name: str) -> str | None:
    """The text without a profile's lines; None if the profile shares lines with others.

    An edit of the parsed document would also remove the comments before the next profile.
    """
    node = profiles_node(text)
    found = next(((key, value) for key, value in node.value if key.value == name), None)
    if node.flow_style or found is None or len(node.value) == 1:
        return None
    key, value = found
    lines = text.splitlines(keepends=True)
    first, end = key.start_mark.line, max(key.start_mark.line + 1, value.end_mark.line)
    while end > first + 1 and belongs_to_the_next(lines[end - 1], key.start_mark.column):
        end -= 1
    return "".join(lines[:first] + lines[end:])


def belongs_to_the_next(line: str, column: int) -> bool:
    """Whether a line at the end of a profile, whose name is at a column, is blank or a comment on what follows."""
    bare = line.lstrip()
    return not bare.strip() or (bare.startswith("#") and len(line) - len(bare) <= column)


def profiles_node(text: str) -> Any:  # noqa: ANN401 - ruamel.yaml's nodes have no public type
    """The mapping of the profiles, with the positions of its keys and values."""
    top = top_node(text).value
    return next(value for key, value in top if key.value == "profiles")


def with_ports(text: str, ports: Mapping[str, int], without_settings: Container[str]) -> str:
    """Write allocated base ports into the file, so that later edits never change them.

    Args:
        without_settings: the profiles written as ``name:`` or ``name: {}``.
    """
    empty = {name: f"{{port: {port}}}" for name, port in ports.items() if name in without_settings}
    if empty:
        text = fill_empty(text, empty)
    rest = {name: port for name, port in ports.items() if name not in empty}
    if not rest:
        return text

    def pin(document: dict[str, Any]) -> None:
        for name, port in rest.items():
            document["profiles"][name]["port"] = port

    return _edit(text, pin)


def fill_empty(text: str, values: Mapping[str, str]) -> str:
    """Write settings into profiles without any (``main:``, ``main: {}``), as text.

    An edit of the parsed document would move the comments after such a profile into it.
    """
    # From the end, so that earlier positions stay valid.
    for key, value in reversed(profiles_node(text).value):
        if key.value not in values or (value.value and not value.tag.endswith(":null")):
            continue
        after = text[key.end_mark.index :]
        if not after.lstrip().startswith(":"):  # `{main, rescue}`: keys alone
            continue
        start = text.index(":", key.end_mark.index) + 1
        end = value.end_mark.index if value.value or value.tag.endswith(":map") else start
        text = f"{text[:start]} {values[key.value]}{text[end:]}"
    return text


def schema_text(schema: Mapping[str, Any]) -> str:
    """The JSON Schema, as written beside the fleet file."""
    return json.dumps(schema, indent=2) + "\n"


def _edit(text: str, change: Callable[[dict[str, Any]], None]) -> str:
    from ruamel.yaml.util import load_yaml_guess_indent  # noqa: PLC0415

    head, text = _split_head(text)
    yaml = _yaml("rt")
    yaml.preserve_quotes = True
    yaml.width = 4096  # never fold a line that a person wrote
    comments = [line for line in text.splitlines() if line.lstrip()[:1] in {"", "#"}]
    if {*text.splitlines()} - {*comments} <= _EMPTY:
        text = "\n".join([*comments, "profiles: {}\n"]).lstrip()
    with _editable():
        document, indent, offset = load_yaml_guess_indent(text, yaml=yaml)
    if offset is None:  # no list in the file to guess from
        indent, offset = 4, 2
    yaml.indent(mapping=_mapping_indent(text), sequence=indent, offset=offset)
    change(document)
    stream = io.StringIO()
    yaml.dump(document, stream)
    return head + stream.getvalue()


def _split_head(text: str) -> tuple[str, str]:
    """The text up to ``---``, whose comments ruamel.yaml drops, and the document after it."""
    head = re.match(r"(?:[ \t]*#.*\n|%.*\n|[ \t]*\n)*---[ \t]*\n", text)
    return (head.group(), text[head.end() :]) if head else ("", text)


def _yaml(kind: str) -> YAML:
    # YAML 1.2: `on` and `no` are text, and a duplicate key is an error.
    from ruamel.yaml import YAML  # noqa: PLC0415

    return YAML(typ=kind, pure=True)


def top_node(text: str) -> Any:  # noqa: ANN401 - ruamel.yaml's nodes have no public type
    """The whole mapping, with the positions of its keys and values."""
    with _editable():
        return _yaml("rt").compose(text)


@contextmanager
def _editable() -> Iterator[None]:
    """Turn away a text that can be read for its values, but not with its comments and places."""
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        yield
    except (YAMLError, *UNREADABLE):
        problem = Problem("YAML", "this tool cannot edit the file as it is written; make the change by hand")
        raise FleetError("fleet.yaml", [problem]) from None


def _mapping_indent(text: str) -> int:
    first = re.search(r"^( +)[^ #-]", text, re.MULTILINE)
    return len(first.group(1)) if first else 2


def _read(yaml: YAML, text: str, source: str) -> object:
    from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError  # noqa: PLC0415

    from idlehands_deploy.fleet.text import syntax  # noqa: PLC0415 - only an error pays for it

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ReusedAnchorWarning)
            return yaml.load(text)
    except MarkedYAMLError as error:
        raise syntax.syntax_error(text, source, error) from None
    except (YAMLError, ReusedAnchorWarning) as error:
        raise syntax.other_error(text, source, error) from None
    except UNREADABLE:
        raise FleetError(source, [Problem("YAML", UNREADABLE_VALUE)]) from None
