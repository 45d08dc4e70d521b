"""The person's own browser on this host."""

from __future__ import annotations

import html
import os
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={link}"><title>Opening</title>\n'
)


def open_in_browser(link: str, environ: Mapping[str, str]) -> bool:
    """Open a link that nobody else may see; false if there is no screen or no browser.

    The browser's arguments can be read by everybody on this host, so they name a page that only this user can read,
    which leads to the link.
    """
    if not environ.get("DISPLAY") and not environ.get("WAYLAND_DISPLAY"):
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    page = _page(link, environ)
    if browser.open(page.as_uri()):
        return True
    page.unlink()
    return False


def _page(link: str, environ: Mapping[str, str]) -> Path:
    # The runtime directory is the person's alone, and emptied when they log out.
    runtime = environ.get("XDG_RUNTIME_DIR")
    descriptor, name = tempfile.mkstemp(prefix="idlehands-open-", suffix=".html", dir=runtime)
    with os.fdopen(descriptor, "w", encoding="utf-8") as page:
        page.write(PAGE.format(link=html.escape(link)))
    # One page, however often it is opened.
    return Path(name).replace(Path(runtime) / "idlehands-open.html") if runtime else Path(name)
