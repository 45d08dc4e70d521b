"""Each text of a fleet file reaches every reader as it was written, whatever is in it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from idlehands_deploy.engine.images.extension import DOCKERFILE
from idlehands_deploy.errors import FleetError
from idlehands_deploy.fleet.file import parse_text, with_ports, with_profile
from idlehands_deploy.fleet.model import Fleet, parse_fleet
from idlehands_deploy.fleet.origins import origin_of
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.fleet.schema import json_schema
from idlehands_deploy.gateway.first_config import initial_config
from idlehands_deploy.targets.boot_units import unit_text, watch_unit_text
from idlehands_deploy.targets.compose import build_document, render
from tests.support.readers import read_compose, read_config, read_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECES = [
    "$", "$$", "${X}", "$X", "${HOME}", "$${X}", "${X:-y}", "${", "}", "%", "%h", "%%", "'", '"', "\\", "\\n", "#",
    " #", ":", ": ", "{", "[", "]", "-", "- ", "!", "&", "*", ",", "|", ">", "?", "@", "`", "~", "=", "<<", " ", "a",
    "X", "1", "é", "null", "\n", "\t", ".", "_", "+",
]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)
USER = "1000:1000"
MAIN = "profiles.main"


class Readings(NamedTuple):
    """What the readers make of a fleet: main's service, the whole Compose file, main's config and a build's words."""

    service: dict[str, Any]
    compose: dict[str, Any]
    config: dict[str, Any]
    build: list[str]


class Key(NamedTuple):
    """A key that holds text, and where its value is found again.

    Attributes:
        around: what the value stands in, as ``{}``, in the fleet file.
        find: what the readers found; None if no text is generated from it.
        takes: whether it must take hostile text; else it may refuse it.
    """

    around: str
    find: Callable[[Readings], Any] | None
    takes: bool = False


def variable(name: str) -> Callable[[Readings], list[str]]:
    return lambda read: str(read.service["environment"].get(f"IDLEHANDS_{name}", "")).split(",")


def mounted(read: Readings) -> list[str]:
    mount = read.service["volumes"][-1]
    return [f"{mount['source']}:{mount['target']}"]


def labels(read: Readings) -> dict[str, str]:
    return {key: value for key, value in read.service["labels"].items() if not key.startswith("org.idlehands.")}


def urls(read: Readings) -> list[str]:
    return [browser["cdpUrl"] for browser in read.config["browser"].get("profiles", {}).values() if "cdpUrl" in browser]


# A key by its path, `*` for a name in a mapping or a place in a list, and `(names)` for the names themselves.
KEYS = {
    "name": Key("{}", lambda read: [read.compose["name"]]),
    "image": Key("{}", lambda read: [read.service["image"]]),
    "packages.*": Key("{}", lambda read: read.build),
    "bind": Key("{}", lambda read: [read.service["ports"][0]["host_ip"]]),
    "hosts.*": Key("{}", variable("ALLOWED_ORIGINS")),
    "proxies.*": Key("{}", variable("TRUSTED_PROXIES")),
    "user": Key("{}", lambda read: [read.service["user"]]),
    "volumes.*": Key("/srv/x{}:/data/x{}", mounted, takes=True),
    "devices.*": Key("/dev/x{}:/dev/y{}:rw", lambda read: read.service["devices"], takes=True),
    "dns.*": Key("{}", lambda read: read.service["dns"]),
    "labels.*": Key("{}", lambda read: list(labels(read).values()), takes=True),
    "labels.(names)": Key("x{}", lambda read: list(labels(read)), takes=True),
    "watch.patience": Key("{}", None),
    "snapshots.age": Key("{}", None),
    "watch.notify.webhook": Key("https://h/{}", None, takes=True),
    "watch.notify.ntfy": Key("https://h/{}", None, takes=True),
    # Its words go to the system one by one: tests/watch/test_sender.py.
    "watch.notify.command.*": Key("{}", None, takes=True),
    "profiles.(names)": Key("{}", lambda read: [*read.compose["services"], *read.compose["networks"]]),
    f"{MAIN}.image": Key("{}", lambda read: [read.service["image"]]),
    f"{MAIN}.rescues.*": Key("{}", None),
    f"{MAIN}.origins.*": Key("https://{}", variable("ALLOWED_ORIGINS")),
    f"{MAIN}.browser.profiles.(names)": Key("{}", lambda read: list(read.config["browser"].get("profiles", {}))),
    f"{MAIN}.browser.profiles.work.cdp_url": Key("http://u{}@h:1/x{}?token={}", urls, takes=True),
    f"{MAIN}.resources.memory": Key("{}", lambda read: [read.service["mem_limit"]]),
    f"{MAIN}.resources.shm": Key("{}", lambda read: [read.service["shm_size"]]),
    f"{MAIN}.stop_grace_period": Key("{}", lambda read: [read.service["stop_grace_period"]]),
    f"{MAIN}.secrets.*": Key("{}", lambda read: [secret["target"] for secret in read.service["secrets"]]),
    f"{MAIN}.environment.*": Key("{}", lambda read: [read.service["environment"]["V"]], takes=True),
    f"{MAIN}.environment.(names)": Key("{}", lambda read: list(read.service["environment"])),
    f"{MAIN}.volumes.*": Key("./x{}:/data/x{}", mounted, takes=True),
    f"{MAIN}.devices.*": Key("/dev/x{}:/dev/y{}:rw", lambda read: read.service["devices"], takes=True),
    f"{MAIN}.dns.*": Key("{}", lambda read: read.service["dns"]),
    f"{MAIN}.labels.*": Key("{}", lambda read: list(labels(read).values()), takes=True),
    f"{MAIN}.labels.(names)": Key("x{}", lambda read: list(labels(read)), takes=True),
}
# Values that the stricter keys take, so that each is found at least once.
PLAIN = {
    "name": "bots-2", "image": "a.example:5/b@c", "packages.*": "libc++1", "bind": "::1", "hosts.*": "nas_1.lan",
    "proxies.*": "10.2.0.0/16", "user": "12:34", "dns.*": "fd00::1", "profiles.(names)": "1e3",
    f"{MAIN}.origins.*": "https://a_b.example:1", f"{MAIN}.browser.profiles.(names)": "1e3",
    f"{MAIN}.resources.memory": "1.50G", f"{MAIN}.resources.shm": "13m",
    f"{MAIN}.stop_grace_period": "1m1s", "snapshots.age": "9d", f"{MAIN}.image": "a.example:5/b@c",
    f"{MAIN}.secrets.*": "NULL", f"{MAIN}.environment.(names)": "null",
}  # fmt: skip


def fleet_data(path: str, value: str) -> dict[str, Any]:
    """A fleet file's values with this one at a path."""
    data: dict[str, Any] = {"profiles": {"main": {}}} if path != "profiles.(names)" else {}
    words = path.split(".")
    place = data
    for word in words[:-2]:
        place = place.setdefault(word, {})
    if words[-1] == "(names)":
        place[words[-2]] = {value: {} if words[-2] == "profiles" else "x"}
    elif words[-1] == "*":
        place[words[-2]] = {"V": value} if words[-2] in {"labels", "environment"} else [value]
    else:
        (place.setdefault(words[-2], {}) if len(words) > 1 else place)[words[-1]] = value
    return data


def read_all(fleet: Fleet) -> Readings:
    plan = plan_ports(fleet)
    ((name, profile),) = fleet.profiles.items()
    compose = read_compose(render(build_document(fleet, plan, fleet.user or USER)))
    build = DOCKERFILE.format(base=fleet.image, packages=" ".join(fleet.packages)).replace("\\\n", " ")
    words = shlex.split(build.split("--no-install-recommends ", 1)[1].split("&&")[0])
    config = read_config(initial_config(profile, plan.profiles[name]))
    return Readings(compose["services"][name], compose, config, words)


def texts_of(model: Fleet, path: str) -> list[str]:
    """The values at a path, as the fleet holds them: an address may be written in another way by then."""
    found: list[Any] = [model]
    for word in path.split("."):
        if word == "(names)":
            return [str(name) for mapping in found for name in mapping]
        if word == "*":
            found = [item for each in found for item in (each.values() if isinstance(each, dict) else each)]
        else:
            found = [each[word] if isinstance(each, dict) else getattr(each, word) for each in found]
    return [str(item) for item in found]


def expected(model: Fleet, path: str) -> list[str]:
    values = texts_of(model, path)
    if path == "hosts.*":
        return [origin_of(host, 18789) for host in values]
    return [value.removesuffix(":rw") for value in values] if "volumes" in path else values


def check(path: str, value: str, *, must: bool) -> None:
    """See that a value is refused, or found again as it was written."""
    key = KEYS[path]
    try:
        model = parse_fleet(fleet_data(path, value), "fleet.yaml")
    except FleetError:
        assert not must, value
        return
    if key.takes:
        assert texts_of(model, path) == [value]
    if key.find:
        found = key.find(read_all(model))
        assert [text for text in expected(model, path) if text not in found] == []


def paths(schema: dict[str, Any], node: dict[str, Any], path: str = "") -> Iterator[str]:
    """The keys of the fleet file that hold any text."""
    while "$ref" in node or "anyOf" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node["anyOf"][0]
    kind = node.get("type")
    if "object" in (kind if isinstance(kind, list) else [kind]):
        for name, inner in node.get("properties", {}).items():
            yield from paths(schema, inner, f"{path}.{name}")
        if isinstance(inner := node.get("additionalProperties"), dict):
            yield f"{path}.(names)"
            name = {".profiles": "main", f".{MAIN}.browser.profiles": "work"}.get(path, "*")
            yield from paths(schema, inner, f"{path}.{name}")
    elif kind == "array":
        yield from paths(schema, node["items"], f"{path}.*")
    elif kind == "string" and not {"enum", "const"} & node.keys():
        yield path


def test_every_key_that_holds_text_is_tried() -> None:
    schema = json_schema()
    assert {path.removeprefix(".") for path in paths(schema, schema)} == {*KEYS}


@pytest.mark.parametrize("path", KEYS)
@given(texts=st.lists(HOSTILE, min_size=3, max_size=3))
@settings(max_examples=25, deadline=None, database=None)
def test_hostile_text_is_refused_or_reaches_every_reader_unchanged(path: str, texts: list[str]) -> None:
    check(path, KEYS[path].around.format(*texts), must=False)


@pytest.mark.parametrize("path", [path for path, key in KEYS.items() if key.takes])
@pytest.mark.parametrize(
    "text", ["${X}", "$X", "$${X}", "$${HOME}$", "%h%", "'\"", "a\\", "{-!&*,|>", "$${${X}}", "~$"]
)
def test_a_key_for_any_text_takes_hostile_text(path: str, text: str) -> None:
    key = KEYS[path]
    check(path, key.around.format(text, text, text), must=True)


@pytest.mark.parametrize(("path", "value"), PLAIN.items())
def test_a_stricter_key_s_value_reaches_every_reader_unchanged(path: str, value: str) -> None:
    check(path, value, must=True)


@pytest.mark.parametrize("path", KEYS)
@given(texts=st.lists(HOSTILE, min_size=3, max_size=3))
@settings(max_examples=5, deadline=None, database=None)
def test_an_edit_of_the_fleet_file_changes_no_other_text(path: str, texts: list[str]) -> None:
    text = yaml.safe_dump(fleet_data(path, KEYS[path].around.format(*texts)), default_style='"', allow_unicode=True)
    try:
        before = parse_text(text, "fleet.yaml")
    except FleetError:
        return
    name = next(iter(before.profiles))
    after = parse_text(with_profile(with_ports(text, {name: 18789}, ()), "another", {}), "fleet.yaml")
    assert set(texts_of(before, path)) <= set(texts_of(after, path))


@given(words=st.lists(HOSTILE, min_size=1, max_size=4), name=HOSTILE)
@settings(max_examples=200, deadline=None, database=None)
def test_systemd_reads_each_word_of_the_watch_s_unit_as_it_was_written(words: list[str], name: str) -> None:
    directory = Path("/srv", name.replace("/", "") + "\r")
    environ = {f"V{number}": word for number, word in enumerate(words)}
    command = ["/usr/bin/python3", "-C", str(directory), *words]
    read = read_unit(watch_unit_text("bots", directory, command, environ, "me", user=False))
    assert read["ExecStart"] == command
    assert read["Environment"] == [f"{name}={word}" for name, word in environ.items()]
    assert read["User"] == ["me"]


@given(HOSTILE)
@settings(max_examples=200, deadline=None, database=None)
def test_no_directory_s_name_adds_or_hides_a_line_of_a_unit(name: str) -> None:
    for end in ("", "\\", "\r[Service]\rExecStart=/bin/false", "\n[Service]\nExecStart=/bin/false"):
        read = read_unit(unit_text("bots", "main", Path(f"/srv/{name}{end}"), user=False))
        assert read.keys() == {"Description", "Requires", "After", "WantedBy"}
        if not {"\n", "\r"} & {*name, *end}:
            assert Path(read["Description"][0].partition(" in ")[2]) == Path(f"/srv/{name}{end}")
