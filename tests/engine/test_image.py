from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from idlehands_deploy import __version__
from idlehands_deploy.engine.images.build import (
    CA_FILE,
    GatewayPackage,
    build_arguments,
    ca_bundle,
)
from idlehands_deploy.engine.images.context import context_digest, context_directory, context_files, pack
from idlehands_deploy.errors import UsageError
from tests.support.helpers import ROOT

CONTEXT = ROOT / "images" / "gateway"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONTEXT, tmp_path / "context"))


@pytest.mark.parametrize(
    ("reference", "version"),
    [
        ("idlehands/gateway:2026.9.6", "2026.9.6"),
        ("idlehands/gateway", "latest"),
        ("localhost:5000/idlehands/gateway", "latest"),
        ("localhost:5000/idlehands/gateway:2026.9.6", "2026.9.6"),
        ("gateway:next", "next"),
        ("reg:5000/a/b:1", "1"),
        ("reg:5000/a/b", "latest"),
        ("reg:5000/b:1", "1"),
        ("reg:5000/b", "latest"),
    ],
)
def test_the_gateway_s_version_is_the_image_s_tag(reference: str, version: str) -> None:
    assert build_arguments(reference, GatewayPackage(), "debian:x", "abc", {})["GATEWAY_VERSION"] == version


def test_a_version_that_is_given_wins_over_the_tag() -> None:
    arguments = build_arguments("idlehands/gateway:mine", GatewayPackage(version="2026.9.6"), "debian:x", "abc", {})
    assert arguments["GATEWAY_VERSION"] == "2026.9.6"


def test_the_arguments_of_a_build_are_the_package_s_and_the_proxies() -> None:
    package = GatewayPackage("clawd", None, "clawd-cli", "CLAWD_")
    environ = {"https_proxy": "http://proxy:3128", "NO_PROXY": "", "HOME": "/root", "OPENAI_API_KEY": "x"}
    assert build_arguments("idlehands/gateway:1", package, "debian:trixie-slim", "abc", environ) == {
        "BASE_IMAGE": "debian:trixie-slim",
        "GATEWAY_PACKAGE": "clawd",
        "GATEWAY_VERSION": "1",
        "GATEWAY_COMMAND": "clawd-cli",
        "GATEWAY_ENV_PREFIX": "CLAWD_",
        "IMAGE_VERSION": __version__,
        "IMAGE_REVISION": "abc",
        "https_proxy": "http://proxy:3128",
    }


def test_every_argument_of_a_build_is_one_that_the_dockerfile_takes() -> None:
    dockerfile = (CONTEXT / "Dockerfile").read_text(encoding="utf-8")
    arguments = build_arguments(
        "x", GatewayPackage(allow_scripts=("koffi", "protobufjs")), "debian:x", "abc", {}, "20261101T000000Z"
    )
    assert arguments["ALLOW_SCRIPTS"] == "koffi protobufjs"
    assert arguments["DEBIAN_SNAPSHOT"] == "20261101T000000Z"
    for name in arguments:
        assert f"ARG {name}" in dockerfile


def test_the_digest_changes_with_content_and_name_and_with_a_program_s_place(context: Path) -> None:
    seen = [context_digest(context)]
    script = context / "rootfs" / "usr" / "local" / "bin" / "idlehands"
    script.write_bytes(script.read_bytes() + b"#")
    seen.append(context_digest(context))
    script = script.rename(script.with_name("renamed"))
    seen.append(context_digest(context))
    script.rename(context / "rootfs" / "renamed")
    seen.append(context_digest(context))
    (context / "rootfs" / "new").touch()
    seen.append(context_digest(context))
    assert len(set(seen)) == 5


def test_the_digest_does_not_change_with_time_place_or_this_host_s_certificates(context: Path) -> None:
    before = context_digest(context)
    os.utime(context / "Dockerfile", (0, 0))
    (context / CA_FILE).write_text(secrets.token_hex(), encoding="ascii")
    assert context_digest(context) == before
    assert context_digest(context.rename(context.with_name("moved"))) == before
    assert context_digest(CONTEXT) == before


def test_the_first_variable_that_is_set_names_the_certificates(tmp_path: Path) -> None:
    names = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"]
    environ = {}
    for name in names:
        (tmp_path / name).write_text(name, encoding="ascii")
        environ[name] = str(tmp_path / name)
    environ["HOME"] = "/root"
    for name in names:
        assert ca_bundle(environ) == name.encode()
        environ[name] = ""
    assert ca_bundle(environ) == b""


def test_unreadable_certificates_are_reported_with_their_variable(tmp_path: Path) -> None:
    path = tmp_path / "gone.pem"
    with pytest.raises(UsageError) as caught:
        ca_bundle({"CURL_CA_BUNDLE": str(path)})
    assert str(caught.value) == (
        f"CURL_CA_BUNDLE names {path}, which cannot be read: No such file or directory.\n"
        "Unset CURL_CA_BUNDLE, or set it to the CA bundle of your network."
    )
    assert caught.value.exit_code == 2


def test_a_checkout_builds_from_its_own_context() -> None:
    assert context_directory() == CONTEXT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of a tree with certificates."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed")
    tree = tmp_path_factory.mktemp("wheel") / "tree"
    ignored = shutil.ignore_patterns("__pycache__", CA_FILE)
    for name in ("idlehands_deploy", "images"):
        shutil.copytree(ROOT / name, tree / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    (tree / "images" / "gateway" / CA_FILE).write_text(secrets.token_hex(), encoding="ascii")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tree / "dist")],
        cwd=tree, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return next((tree / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def packed(wheel: Path) -> dict[str, bool]:
    """The build context's files in the wheel, and whether they are programs."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            item.filename.removeprefix("idlehands_deploy/_images/gateway/"): bool(item.external_attr >> 16 & 0o100)
            for item in archive.infolist()
            if "/_images/" in item.filename
        }


def test_a_wheel_s_context_packs_as_a_checkout_s_even_if_its_installation_loses_the_modes(
    wheel: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)  # which sets no modes
    installed = tmp_path / "idlehands_deploy" / "_images" / "gateway"
    assert pack(context_files(installed)) == pack(context_files(CONTEXT))


def test_the_wheel_holds_the_image_s_build_context_with_its_modes(packed: dict[str, bool]) -> None:
    no_input = {CA_FILE, ".gitignore", "README.md", "make-lock"}
    assert packed == {
        str(path.relative_to(CONTEXT)): bool(path.stat().st_mode & 0o100)
        for path in CONTEXT.rglob("*")
        if path.is_file() and path.name not in no_input and "__pycache__" not in path.parts
    }


def test_the_wheel_never_holds_this_host_s_certificates(packed: dict[str, bool]) -> None:
    assert packed
    assert [name for name in packed if CA_FILE in name] == []
