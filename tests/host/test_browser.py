from __future__ import annotations

import stat
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from idlehands_deploy.host.programs.browser import open_in_browser

LINK = "http://127.0.0.1:18789/#token=a&b"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a browser was called with; none is started."""
    addresses: list[str] = []

    class Browser:
        """Stands in for a browser, which a test machine may not have."""

        def open(self, address: str) -> bool:
            addresses.append(address)
            return True

    monkeypatch.setattr(webbrowser, "get", Browser)
    return addresses


@pytest.mark.parametrize("screen", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_a_browser_gets_a_page_that_leads_to_the_link(asked: list[str], tmp_path: Path, screen: str) -> None:
    assert open_in_browser(LINK, {screen: ":0", "XDG_RUNTIME_DIR": str(tmp_path)})
    page = Path(unquote(urlparse(asked[0]).path))
    assert "url=http://127.0.0.1:18789/#token=a&amp;b" in page.read_text()


def test_the_link_is_in_no_argument_and_its_page_is_the_person_s_alone(asked: list[str], tmp_path: Path) -> None:
    open_in_browser(LINK, {"DISPLAY": ":0", "XDG_RUNTIME_DIR": str(tmp_path)})
    assert "token" not in asked[0]
    (page,) = tmp_path.iterdir()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_without_a_screen_no_browser_is_opened(asked: list[str]) -> None:
    assert not open_in_browser(LINK, {})
    assert asked == []


def test_without_a_browser_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def none() -> None:
        raise webbrowser.Error("no browser")

    monkeypatch.setattr(webbrowser, "get", none)
    assert not open_in_browser(LINK, {"DISPLAY": ":0", "XDG_RUNTIME_DIR": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []
