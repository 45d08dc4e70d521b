"""A model server on this host: out of a gateway's reach, then in it, then answering a real turn of the agent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import OPENAI, SAID, serving

if TYPE_CHECKING:
    from tests.support.site import Site

pytestmark = pytest.mark.engine


def about_models(site: Site) -> list[dict[str, Any]]:
    return [item for item in site.run("doctor", "--json").json["findings"] if "models" in item["place"]]


@pytest.mark.full
def test_a_model_on_this_host_is_out_of_reach_until_it_listens_where_it_is_told(site: Site) -> None:
    site.write("profiles: {main: {stop_grace_period: 40s}}\n")
    with serving(OPENAI, "127.0.0.1") as server:
        refused = site.run("onboard", "main", "--local", "--port", str(server.port))
    assert refused.code == 2
    assert "listens only on this host's own loopback: a container has a loopback of its own" in refused.err
    assert not (site.root / "profiles").exists()
    told = re.search(r"--host ([\d.]+)", refused.err)
    assert told

    with serving(OPENAI, told.group(1)) as server:
        done = site.ok("onboard", "main", "--local", "--port", str(server.port))
        assert "main is ready" in done.out
        assert f"http://host.docker.internal:{server.port}/v1" in site.config("main").read_text()
        turn = site.ok("exec", "main", "agent", "--agent", "main", "--message", "Say something.", "--json")
        assert SAID in turn.out
        assert server.asked[-1]["model"] == "scripted-1"
        assert about_models(site) == []
    (finding,) = about_models(site)
    assert finding["level"] == "error"
    assert finding["what"] == f"nothing listens on port {server.port} of this host"
