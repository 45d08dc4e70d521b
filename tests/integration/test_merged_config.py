"""What the image merges into a gateway's config before it starts one, in a container without a gateway."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.site import IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

pytestmark = pytest.mark.engine
PORT = 19789
OWN = [f"http://localhost:{PORT}", f"http://127.0.0.1:{PORT}"]
MERGE = f"""
. /opt/gateway/launch.conf
cd /tmp && printf %s "$CONFIG" > c.json && rm -f c.json.merged
[[ ! $BEFORE ]] || printf %s "$BEFORE" > c.json.merged
node /usr/local/lib/idlehands/merge-config.cjs "$GATEWAY_ENTRY" /tmp/c.json {PORT} "$ORIGINS" "$PROXIES" >&2
cat c.json; printf '\\0'; cat c.json.merged 2> /dev/null
"""

Merged = tuple[str, str, str]


@pytest.fixture(scope="module")
def merge(engine: docker.DockerClient) -> Iterator[Callable[..., Merged]]:
    """Merges into a config; returns the config, what was noted beside it, and what was said."""
    container: Any = engine.containers.run(
        IMAGE, ["infinity"], entrypoint="sleep", detach=True, init=True, network_mode="bridge"
    )

    def run(config: str, origins: str = "", proxies: str = "", before: str = "") -> Merged:
        environ = {"CONFIG": config, "ORIGINS": origins, "PROXIES": proxies, "BEFORE": before}
        done = container.exec_run(["bash", "-c", MERGE], environment=environ, demux=True)
        out, said = (part.decode() if part else "" for part in done.output)
        written, _, noted = out.partition("\0")
        return written, noted, said

    yield run
    container.remove(force=True, v=True)


def config(origins: list[str] | None = None, proxies: list[str] | None = None, **more: object) -> dict[str, Any]:
    gateway: dict[str, Any] = {"mode": "local"} | more
    if proxies is not None:
        gateway["trustedProxies"] = proxies
    if origins is not None:
        gateway["controlUi"] = {"allowedOrigins": origins}
    return {"gateway": gateway, "browser": {"headless": True}}


@pytest.mark.parametrize(
    ("old", "origins", "proxies", "new"),
    [
        # Nothing is asked for: the gateway allows its own two by itself.
        (config(), "", "", config()),
        (config(), "http://nas:19789", "127.0.0.1", config([*OWN, "http://nas:19789"], ["127.0.0.1"])),
        # The person's own come first and stay.
        (config(["https://mine"], ["10.0.0.9"]), "http://nas:19789", "127.0.0.1",
         config(["https://mine", *OWN, "http://nas:19789"], ["10.0.0.9", "127.0.0.1"])),
        # A migration of an older gateway lists the default port alone.
        (config(["http://localhost:18789"]), "", "", config(["http://localhost:18789", *OWN])),
        (config(["*"]), "http://nas:19789", "", config(["*"])),
        (config([]), "", "", config([])),
    ],
)  # fmt: skip
def test_what_the_fleet_file_asks_for_joins_what_the_person_wrote(
    merge: Callable[..., Merged], old: dict[str, Any], origins: str, proxies: str, new: dict[str, Any]
) -> None:
    text = json.dumps(old)
    written, noted, _ = merge(text, origins, proxies)
    assert json.loads(written) == new
    if old == new:
        assert (written, noted) == (text, "")
    # A second start changes nothing more.
    assert merge(written, origins, proxies, noted) == (written, noted, "")


def test_what_is_no_longer_asked_for_is_removed_and_what_the_person_added_meanwhile_stays(
    merge: Callable[..., Merged],
) -> None:
    first, noted, _ = merge(json.dumps(config()), "http://nas:19789,https://bots.example.org", "127.0.0.1")
    edited = json.loads(first)
    edited["gateway"]["controlUi"]["allowedOrigins"].append("https://mine")
    second, noted, said = merge(json.dumps(edited), "https://bots.example.org", "", noted)
    assert sorted(json.loads(second)["gateway"]["controlUi"]["allowedOrigins"]) == sorted(
        [*OWN, "https://bots.example.org", "https://mine"]
    )
    assert "trustedProxies" not in json.loads(second)["gateway"]
    assert said.startswith("set gateway.controlUi.allowedOrigins")
    untouched, noted, _ = merge(first, "", "", merge(json.dumps(config()), "http://nas:19789,https://bots.example.org",
                                                     "127.0.0.1")[1])  # fmt: skip
    assert (json.loads(untouched), noted) == (config(), "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{/* mine */ gateway: {mode: "local"}}', "has comments"),
        ('{"$include": "./more.json", "gateway": {}}', "includes other files"),
        ('{"gateway": {"$include": "./more.json"}}', "includes other files"),
    ],
)
def test_a_config_that_would_lose_something_is_left_alone_and_the_lines_to_add_are_said(
    merge: Callable[..., Merged], text: str, why: str
) -> None:
    written, noted, said = merge(text, "http://nas:19789", "127.0.0.1")
    assert (written, noted) == (text, "")
    assert said.startswith(f"WARNING: config /tmp/c.json {why}, so it is not changed: write in it yourself ")
    assert f'gateway.controlUi.allowedOrigins ["{OWN[0]}","{OWN[1]}","http://nas:19789"]' in said
    assert 'gateway.trustedProxies ["127.0.0.1"]' in said


@pytest.mark.parametrize("text", ["{broken", "[]", "", '{"gateway": 3}', '{"gateway": {"trustedProxies": "x"}}'])
def test_a_broken_config_is_the_gateway_s_to_report(merge: Callable[..., Merged], text: str) -> None:
    assert merge(text, "http://nas:19789", "127.0.0.1") == (text, "", "")


def test_a_network_that_includes_this_host_is_not_trusted_since_its_own_requests_would_be_refused(
    merge: Callable[..., Merged],
) -> None:
    written, _, said = merge(json.dumps(config()), "", "127.0.0.1,172.16.0.0/12,10.0.0.9,fd00::/8")
    assert json.loads(written)["gateway"]["trustedProxies"] == ["127.0.0.1", "10.0.0.9", "fd00::/8"]
    assert said.startswith(
        "WARNING: 172.16.0.0/12 is not trusted as a proxy: it includes this container's own host, 172."
    )
