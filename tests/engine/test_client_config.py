"""A person's Docker settings, with their credential helpers, and what answers in an engine's place."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from idlehands_deploy.engine import credentials
from idlehands_deploy.engine.client import Engine
from idlehands_deploy.engine.credentials import registry_credentials
from idlehands_deploy.errors import DeployError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
VERSION = {"Version": "28.0", "ApiVersion": "1.48", "MinAPIVersion": "1.24"}
HELPERS = {
    "missing": None,
    "cannot run": "#!/nonexistent\n",
    "prints garbage": "#!/bin/sh\necho garbage\n",
    "fails": "#!/bin/sh\necho broken; exit 1\n",
    "never ends": "#!/bin/sh\nexec sleep 5\n",
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Responds as an engine would to `version` and `_ping`, and to all else with one body."""

    body = b"[]"
    as_engine = True
    built: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        body = self.body
        if self.as_engine and self.path.endswith(("/version", "_ping")):
            body = json.dumps(VERSION).encode()
        if "/build" in self.path:
            self.built.append(self.headers.get("X-Registry-Config"))
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + (100 if body == b"cut" else 0)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_GET  # noqa: N815 - the same

    def address_string(self) -> str:
        return "test"

    def log_message(self, *_: Any) -> None:
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that went away."""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of something that is no engine: which one could not be made to misbehave so."""
    path = tmp_path / "d.sock"
    monkeypatch.setattr(Handler, "built", [])
    with Server(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"unix://{path}"
        server.shutdown()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's client configuration, which its own variable names."""
    directory = tmp_path / "docker"
    directory.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))
    return directory / "config.json"


@pytest.mark.parametrize(
    "text", ["[]", "5", "null", '{"auths": 5}', '{"auths": {"x": {"auth": "%%"}}}', '{"proxies": 5}', "[" * 100_000]
)
def test_a_configuration_that_docker_py_cannot_use_is_named(host: str, settings: Path, text: str) -> None:
    settings.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        Engine.connect({"DOCKER_HOST": host})
    assert str(caught.value).startswith(f"Docker's client configuration is not valid: {settings}.\n")


@pytest.mark.parametrize("content", [b"{", b"", bytes(range(256))])
def test_a_configuration_that_is_no_json_is_as_none(host: str, settings: Path, content: bytes) -> None:
    settings.write_bytes(content)
    assert Engine.connect({"DOCKER_HOST": host}).containers("x") == []


def test_a_directory_in_its_place_is_as_none(host: str, settings: Path) -> None:
    settings.mkdir()
    assert Engine.connect({"DOCKER_HOST": host}).containers("x") == []


@pytest.mark.parametrize("body", [b"<html></html>", b"", b'{"a":', b"7", b"null", b"[" * 100_000, b"cut", b'"\xff"'])
@pytest.mark.parametrize("as_engine", [True, False])
def test_what_is_no_engine_is_one_sentence(
    host: str, settings: Path, monkeypatch: pytest.MonkeyPatch, body: bytes, as_engine: bool
) -> None:
    assert not settings.exists()
    monkeypatch.setattr(Handler, "body", body)
    monkeypatch.setattr(Handler, "as_engine", as_engine)
    with pytest.raises(DeployError) as caught:
        Engine.connect({"DOCKER_HOST": host}).containers("x")
    assert caught.value.exit_code in {4, 5}
    assert "\n" not in caught.value.what


def use_helper(settings: Path, monkeypatch: pytest.MonkeyPatch, script: str | None) -> None:
    settings.write_text(json.dumps({"credsStore": "desktop.exe"}), encoding="utf-8")
    monkeypatch.setenv("PATH", f"{settings.parent}:/usr/bin:/bin")
    if script:
        helper = settings.with_name("docker-credential-desktop.exe")
        helper.write_text(script, encoding="utf-8")
        helper.chmod(0o755)


@pytest.mark.parametrize("script", HELPERS.values(), ids=HELPERS)
def test_a_build_asks_no_credential_helper(
    host: str, settings: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    use_helper(settings, monkeypatch, script)
    monkeypatch.setattr(Handler, "body", b'{"error": "no"}')
    engine = Engine.connect({"DOCKER_HOST": host})
    assert engine.build(b"", "x:1", arguments={}, labels={}, on_line=lambda _: None) == "no"
    assert Handler.built == [None]


@pytest.mark.parametrize("script", HELPERS.values(), ids=HELPERS)
def test_a_credential_helper_that_does_not_work_leaves_a_public_image_to_be_pulled(
    settings: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    use_helper(settings, monkeypatch, script)
    monkeypatch.setattr(credentials, "LIMIT", 0.5)
    found, trouble = registry_credentials("debian:trixie-slim")
    assert found == {}
    assert trouble.startswith("Docker's credential helper ")


def test_credentials_that_a_helper_gives_are_used(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_helper(settings, monkeypatch, '#!/bin/sh\necho \'{"Username": "ann", "Secret": "x"}\'\n')
    assert registry_credentials("registry.example/a:1") == (
        {"ServerAddress": "registry.example", "Username": "ann", "Password": "x"}, "",
    )  # fmt: skip


def test_without_a_configuration_there_are_no_credentials_and_no_trouble(settings: Path) -> None:
    assert not settings.exists()
    assert registry_credentials("debian:trixie-slim") == ({}, "")


def test_certificates_that_are_not_there_are_named_for_an_address_and_unused_for_a_socket(
    host: str, settings: Path
) -> None:
    tls = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(settings.parent)}
    assert Engine.connect({"DOCKER_HOST": host, **tls}).containers("x") == []
    with pytest.raises(UsageError) as caught:
        Engine.connect({"DOCKER_HOST": "tcp://127.0.0.1:1", **tls})
    assert str(caught.value).startswith(
        f"The certificates for your Docker Engine cannot be used: {settings.parent} must hold ca.pem, cert.pem"
    )
