from __future__ import annotations

import base64
import gzip
import json
import os
import re
import secrets
import sqlite3
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import websocket

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.deployment.session import Session
from idlehands_deploy.doctor import bundle as bundling
from idlehands_deploy.doctor.archive import write_bundle
from idlehands_deploy.operations.doctor import other_parts
from idlehands_deploy.show import status as status_views
from tests.support.helpers import Quiet
from tests.support.site import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.site import Site

pytestmark = pytest.mark.engine


def gathered(site: Site, more: dict[str, str] | None = None) -> dict[str, str]:
    session = Session(Deployment(site.root), dict(os.environ), Quiet(), lambda _: False)
    return bundling.collect(session, other_parts(session, status_views.as_json), more)


def forms(secret: str) -> dict[str, bytes]:
    plain = secret.encode()
    return {
        "plain": plain,
        "URL-encoded": quote(secret, safe="").encode(),
        "JSON": json.dumps(secret)[1:-1].encode(),
        "hex": plain.hex().encode(),
        "HEX": plain.hex().upper().encode(),
        # The last letters also depend on what follows.
        "base64": base64.b64encode(plain)[: len(plain) * 4 // 3 - 2],
        "base64 after one": base64.b64encode(b"x" + plain)[2 : len(plain) * 4 // 3 - 2],
        "base64 after two": base64.b64encode(b"xx" + plain)[3 : len(plain) * 4 // 3 - 2],
    }


def found(path: Path, planted: dict[str, str]) -> set[str]:
    """What of the planted stands anywhere in the archive's bytes, packed or unpacked."""
    content = path.read_bytes()
    everything = content + gzip.decompress(content)
    return {
        f"{place}, {form}"
        for place, secret in planted.items()
        for form, written in forms(secret).items()
        if written in everything
    }


def ids_in_state(state: Path) -> set[str]:
    """Every random text that the gateway keeps in its databases: ids of sessions and devices, keys, tokens."""
    ids: set[str] = set()
    for path in state.rglob("*.sqlite"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            for line in database.iterdump():
                ids.update(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{40,}|(?<=\")[A-Za-z0-9_-]{43}(?=\")", line))
        database.close()
    return ids


def make_it_log(site: Site, text: str) -> None:
    """Have the gateway log a text: it names the program of who leaves without having logged in."""
    connection = websocket.create_connection(f"ws://127.0.0.1:{site.base}/", header={"User-Agent": text}, timeout=10)
    connection.close()


@pytest.mark.full
def test_nothing_secret_of_a_running_gateway_is_in_its_bundle(site: Site, tmp_path: Path) -> None:
    planted: dict[str, Any] = {
        place: secrets.token_urlsafe(24) for place in ("key file", "variable", "config", "config, odd key", "address")
    }
    planted["key with odd letters"] = f"{secrets.token_hex(9)}/+ &é$"
    site.write(
        "profiles:\n  main:\n    secrets: [A_KEY, OTHER_KEY]\n"
        f"    environment: {{SOME_URL: 'https://me:{planted['variable']}@example.com', TZ: UTC}}\n"
    )
    site.secret("main", "A_KEY", planted["key file"])
    site.secret("main", "OTHER_KEY", planted["key with odd letters"])
    site.ok("generate")
    config = json.loads(site.config("main").read_text())
    config["models"] = {
        "providers": {
            "far": {
                "baseUrl": f"http://127.0.0.1:9/{planted['address']}",
                "apiKey": planted["config"],
                "headers": {"x-odd": planted["config, odd key"]},
                "models": [{"id": "none", "name": "none"}],
            }
        }
    }
    site.config("main").write_text(json.dumps(config))
    site.ok("up", "main")
    token = site.token("main")
    for secret in (*planted.values(), token):
        make_it_log(site, f"{quote(secret, safe='/+&$ ')} {secret.encode().hex()} (auth={secret[:6]}...{secret[-4:]})")
    until("the log", lambda: token in site.logs("main") or None)
    # From here on only the container knows the variable.
    (site.root / "fleet.yaml").write_text(re.sub("SOME_URL: [^,]*, ", "", (site.root / "fleet.yaml").read_text()))
    site.ok("generate")
    site.ok("exec", "main", "browser", "status")
    planted["token"] = token
    texts = gathered(site, {"findings.txt": f"nothing, {token}"})
    beginnings = [secret[:6] for secret in planted.values()]
    assert not [beginning for beginning in beginnings if beginning in texts["main/logs.txt"]]
    write_bundle(tmp_path / "x.tar.gz", texts)
    site.ok("stop", "main")
    ids = ids_in_state(site.config("main").parent)
    assert ids
    planted |= {f"id {index}": value for index, value in enumerate(sorted(ids))}
    assert found(tmp_path / "x.tar.gz", planted) == set()
    # And it is of use.
    assert not [name for name, text in texts.items() if text.startswith("This part could not be collected.")]
    container = json.loads(texts["main/container.json"])
    assert container["state"]["Status"] == "running"
    assert container["limits"]["Memory"] == 2 << 30
    assert "SOME_URL" in container["variables"]
    assert container["labels"]["com.docker.compose.project.working_dir"] == "<deployment>"
    assert json.loads(texts["status.json"])["profiles"][0]["state"] == "ready"
    assert "[gateway] ready" in texts["main/logs.txt"]
    assert "(auth=<removed>)" in texts["main/logs.txt"]
    assert json.loads(texts["engine.json"])["info"]["ServerVersion"]


@pytest.mark.full
def test_a_gateway_that_refuses_a_config_logs_no_secret_of_it_into_a_bundle(site: Site, tmp_path: Path) -> None:
    planted = {"key": secrets.token_hex(10), "value": secrets.token_urlsafe(24)}
    site.ok("add", "main")
    config = json.loads(site.config("main").read_text())
    site.config("main").write_text(json.dumps(config | {f"odd{planted['key']}": {"note": planted["value"]}}))
    site.compose("up", "--detach")
    until("the refusal", lambda: site.state("main") == "misconfigured" or None)
    assert planted["key"] in site.logs("main")
    texts = gathered(site)
    write_bundle(tmp_path / "x.tar.gz", texts)
    assert found(tmp_path / "x.tar.gz", planted | {"token": site.token("main")}) == set()
    assert json.loads(texts["status.json"])["profiles"][0]["state"] == "misconfigured"
    assert "rejects its configuration" in texts["main/logs.txt"]


@pytest.mark.full
def test_a_wrong_fleet_file_keeps_no_log_out_of_a_bundle(site: Site) -> None:
    site.ok("add", "main")
    site.compose("up", "--detach")
    until("a log", lambda: "[gateway]" in site.logs("main") or None)
    (site.root / "fleet.yaml").write_text("profiles: [wrong\n")
    texts = gathered(site)
    assert texts["status.json"].startswith("This part could not be collected.")
    assert "[gateway]" in texts["main/logs.txt"]
    assert json.loads(texts["main/container.json"])["labels"]["com.docker.compose.service"] == "main"
