"""A page in a gateway's browser, through browser control or over CDP; both raise the same errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote

from idlehands_deploy.contract import STATE_TARGET
from idlehands_deploy.fleet.addresses import LOOPBACK
from idlehands_deploy.gateway.test_page import PAGE, PAINT
from idlehands_deploy.health.deep_check import judge
from idlehands_deploy.health.deep_check.judge import FailedError, SkippedError
from idlehands_deploy.host.file_facts import Limits, OutsideError, UnfitError, read_ordinary_bytes, resolved
from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from idlehands_deploy.gateway.probe import Answer, GatewayProbe
    from idlehands_deploy.health.deep_check.judge import Doors

T = TypeVar("T")
# Time limit of one request to a browser; shorter than a step's limit, because its message is more precise.
ASK_SECONDS = 8.0
# For painting and for a picture: the gateway first loads its page driver, which takes three seconds when idle.
PICTURE_SECONDS = 25.0
# Of our own page a few kilobytes; bytes.
LARGEST_PICTURE = 4 << 20
# Our own page, or one that nobody uses.
_UNUSED = {PAGE, "about:blank"}


class OpenPage(Protocol):
    """A page that the check has opened."""

    def picture(self) -> bytes:
        """A picture of the page, as PNG."""

    def close(self) -> None:
        """Close it."""


def loopback_probe(port: int, token: str | None = None) -> GatewayProbe:
    """A probe of a port that is published on loopback."""
    from idlehands_deploy.gateway.probe import GatewayProbe  # noqa: PLC0415 - requests is slow to load

    return GatewayProbe(LOOPBACK, port, token)


class Control:
    """A gateway's browser control.

    Attributes:
        browser: the name of the browser; empty for the gateway's default.
    """

    def __init__(self, profile: str, port: int, token: str | None, state: Path) -> None:
        self.browser = ""
        self._profile = profile
        self._probe = loopback_probe(port, token)
        self._state = resolved(state)

    def call(self, method: str, path: str, body: object = None, seconds: float = ASK_SECONDS) -> Answer:
        """Send a request."""
        if self.browser:
            path += f"?profile={quote(self.browser, safe='')}"
        return self._probe.call(method, path, body, seconds)

    def do(
        self, what: str, method: str, path: str, body: object = None, seconds: float = ASK_SECONDS
    ) -> dict[str, Any]:
        """Send a request that must succeed; returns the object in its response.

        Args:
            what: the request in words, for "when asked to ...".

        Raises:
            FailedError: the request failed.
            SkippedError: the gateway's config forbids it.
        """
        answer = self.call(method, path, body, seconds)
        if answer.body.get("code") == "ACT_EVALUATE_DISABLED":
            reason = f"browser.evaluateEnabled is off in the config of {self._profile}"
            raise SkippedError(f"the page cannot be painted: {reason}")
        if not answer.ok:
            raise judge.refused(self._profile, what, answer)
        return answer.body

    def used_tabs(self) -> set[str]:
        """The open pages that somebody uses."""
        tabs = self.call("GET", "/tabs").body.get("tabs")
        return {
            str(tab.get("targetId"))
            for tab in (tabs if isinstance(tabs, list) else ())
            if isinstance(tab, dict) and tab.get("url") not in _UNUSED
        }

    def read_state(self, path: object) -> bytes:
        """A file in the gateway's state, by its path in the container.

        Raises:
            FailedError: it cannot be read.
        """
        inside = f"{STATE_TARGET}/"
        outside = FailedError(
            "the picture is outside its state directory", "the gateway writes files to the wrong place",
            Remedy.run("logs", self._profile, "--tail", "50"),
        )  # fmt: skip
        if not str(path).startswith(inside):
            raise outside
        try:
            # The gateway owns its state: a link in it must not lead to other users' files.
            place = self._state / str(path).removeprefix(inside)
            return read_ordinary_bytes(place, Limits((self._state,), largest=LARGEST_PICTURE)) or b""
        except OutsideError:
            raise outside from None
        except UnfitError as error:
            raise FailedError(
                f"the picture cannot be read: {error.strerror}", "the gateway wrote something else in its place",
                Remedy.run("logs", self._profile, "--tail", "50"),
            ) from None  # fmt: skip
        except OSError as error:
            raise FailedError(
                f"the picture cannot be read: {error.strerror or error}",
                f"it is in profiles/{self._profile}/state, which belongs to another user", Remedy.run("doctor"),
            ) from None  # fmt: skip


class ControlledPage:
    """A page through browser control, which opens no ``data:`` URL and stores its pictures in the state."""

    def __init__(self, control: Control) -> None:
        self._control = control
        answer = control.do("open a page", "POST", "/tabs/open", {"url": "about:blank"})
        self._id = str(answer.get("targetId", ""))

    def picture(self) -> bytes:
        """Paint the page and take its picture."""
        paint = {"targetId": self._id, "kind": "evaluate", "fn": PAINT}
        self._control.do("paint a page", "POST", "/act", paint, PICTURE_SECONDS)
        shot = {"targetId": self._id, "type": "png"}
        taken = self._control.do("take a picture", "POST", "/screenshot", shot, PICTURE_SECONDS)
        return self._control.read_state(taken.get("path"))

    def close(self) -> None:
        """Close the page."""
        self._control.do("close a page", "DELETE", f"/tabs/{quote(self._id, safe='')}")


class CdpPage:
    """A page over CDP, in the browser behind a published port."""

    def __init__(self, doors: Doors, port: int, token: str | None) -> None:
        from idlehands_deploy.gateway.cdp import Page  # noqa: PLC0415 - only a deep check pays for WebSockets

        self._profile = doors.profile
        self._port = port
        path = judge.browser_path(doors, port, loopback_probe(port, token).get("/json/version"))
        self._page = self._checked(lambda: Page.open(port, path, PAGE, ASK_SECONDS, token))

    def picture(self) -> bytes:
        """Take a picture of the page."""
        return self._checked(self._page.picture)

    def close(self) -> None:
        """Close the page."""
        self._checked(self._page.close)

    def _checked(self, action: Callable[[], T]) -> T:
        from idlehands_deploy.gateway.cdp import CdpError  # noqa: PLC0415

        try:
            return action()
        except CdpError as error:
            raise judge.no_page(self._profile, self._port, str(error)) from None
