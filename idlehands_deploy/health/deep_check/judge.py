"""The steps of the deep check, and how each response is judged; no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from idlehands_deploy.contract import CONFIG_NAME
from idlehands_deploy.fleet.addresses import is_loopback, url_host
from idlehands_deploy.gateway import test_page
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.text import plain

if TYPE_CHECKING:
    from idlehands_deploy.fleet.ports import ProfilePorts
    from idlehands_deploy.gateway.probe import Answer
    from idlehands_deploy.health.verdict import Verdict

Name = Literal["ready", "token", "dashboard", "browser", "page", "picture", "close"]
Status = Literal["ok", "failed", "skipped"]
# What each step does, for the progress display.
STEPS: dict[Name, str] = {
    "ready": "checks whether it is ready",
    "token": "checks its token",
    "dashboard": "opens its dashboard's connection",
    "browser": "starts its browser",
    "page": "opens a page",
    "picture": "takes a picture of the page",
    "close": "closes the page",
}
# Seconds, on a slow machine; the limit holds even if a response comes byte by byte or never.
LIMITS: dict[Name, float] = {
    "ready": 6,
    "token": 16,
    "dashboard": 12,
    "browser": 75,
    "page": 20,
    "picture": 55,
    "close": 30,
}


@dataclass(frozen=True)
class Step:
    """One step of a deep check.

    Attributes:
        seconds: how long it took; 0 if it was skipped.
        said: the result; for a skipped step, why.
        why: the likely cause of a failure.
        fix: the next command after a failure.
    """

    name: Name
    status: Status
    seconds: float
    said: str
    why: str = ""
    fix: Remedy = Remedy()  # noqa: RUF009 - a value


class FailedError(Exception):
    """A step failed: what happened, the likely cause, the next command."""

    def __init__(self, what: str, why: str, fix: Remedy) -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix


class SkippedError(Exception):
    """A step cannot run in this deployment, perhaps on purpose."""


@dataclass(frozen=True)
class Browser:
    """A gateway's browser, as reported by its browser control.

    Attributes:
        cdp: its CDP port; 0 if it has none.
        remote: whether it is a Chrome elsewhere, which the gateway neither starts nor stops.
        hangs: whether its process runs but does not respond.
    """

    name: str
    cdp: int
    running: bool
    remote: bool
    hangs: bool


@dataclass(frozen=True)
class Doors:
    """The published ports of a profile.

    Attributes:
        control: browser control's port; None if it is not published.
        cdp: the published CDP ports, beginning with that of the default browser.
    """

    profile: str
    gateway: int
    control: int | None
    cdp: tuple[int, ...]

    @classmethod
    def of(cls, ports: ProfilePorts) -> Doors:
        """The published ports of a profile in the plan."""
        published = {port.purpose: port.port for port in ports.published}
        return cls(ports.profile, ports.base, published.get("browser control"), ports.published_cdp)

    def unpublished(self, key: str) -> str:
        """Why a port is not published."""
        return f"not published (fleet.yaml: profiles.{self.profile}.publish.{key})"


def proven(steps: tuple[Step, ...]) -> bool:
    """Whether every step ran and passed."""
    return bool(steps) and all(step.status == "ok" for step in steps)


def unready(verdict: Verdict) -> FailedError:
    """The error of the first step if the gateway is not ready."""
    reason = f": {verdict.reason}" if verdict.reason else ""
    fix = verdict.remedy or Remedy.run("health", verdict.profile, "--wait")
    return FailedError(f"it is {verdict.state}{reason}", "", fix)


def judge_ready(doors: Doors, answer: Answer) -> str:
    """The gateway's own report, over its published port."""
    if answer.ok:
        return f"/readyz returns HTTP 200 on port {doors.gateway}"
    raise FailedError(
        f"/readyz {_outcome(answer)} on port {doors.gateway}", "it was ready just before: it has ended, or hangs",
        Remedy.run("status", doors.profile),
    )  # fmt: skip


def judge_control(doors: Doors, with_token: Answer, without: Answer) -> str:
    """Browser control's responses to the same request with the profile's token and without."""
    name, place = doors.profile, f"browser control on port {doors.control}"
    if with_token.status == 401:
        raise _other_token(name, f"{place} rejects the token in its secret file (HTTP 401)")
    if with_token.status is None:
        raise FailedError(
            f"{place} {_outcome(with_token)}", "it, or its forwarder in the container, has ended or hangs",
            Remedy.run("restart", name),
        )  # fmt: skip
    if not with_token.ok:
        raise FailedError(
            f"{place} {_outcome(with_token)}{_said(with_token)}", "its log says why",
            Remedy.run("logs", name, "--tail", "50"),
        )  # fmt: skip
    if without.status != 401:
        raise FailedError(
            f"{place} {_outcome(without)} without a token, but should return HTTP 401",
            f"gateway.auth in profiles/{name}/state/{CONFIG_NAME} allows access without a token", Remedy.run("doctor"),
        )  # fmt: skip
    return "browser control accepts its token, and rejects requests without one (HTTP 401)"


def judge_gateway_token(doors: Doors, with_token: Answer, without: Answer) -> str:
    """The same for the gateway's own port, which shows details only with the token."""
    if not (with_token.ok and "uptimeMs" in with_token.body):
        raise _other_token(doors.profile, "the gateway rejects the token in its secret file")
    if "uptimeMs" in without.body:
        raise FailedError(
            "the gateway shows details without a token that need one",
            f"gateway.auth in profiles/{doors.profile}/state/{CONFIG_NAME} allows access without a token",
            Remedy.run("doctor"),
        )  # fmt: skip
    reason = doors.unpublished("control")
    return f"the gateway accepts its token, and shows less without one; browser control is {reason}"


def judge_browser(profile: str, answer: Answer) -> Browser:
    """The gateway's default browser."""
    body = answer.body
    if not answer.ok:
        raise FailedError(
            f"browser control {_outcome(answer)}{_said(answer)}", "it responded just before: it has ended, or hangs",
            Remedy.run("logs", profile, "--tail", "50"),
        )  # fmt: skip
    if body.get("enabled") is False:
        raise SkippedError(f"turned off (browser.enabled in profiles/{profile}/state/{CONFIG_NAME})")
    url, port = body.get("cdpUrl"), body.get("cdpPort")
    remote = body.get("attachOnly") is True or (isinstance(url, str) and not is_loopback(url_host(url)))
    running = body.get("running") is True
    hangs = not running and not remote and isinstance(body.get("pid"), int)
    return Browser(
        plain(body.get("profile", "")),
        port if isinstance(port, int) else 0,
        running=running,
        remote=remote,
        hangs=hangs,
    )


def hanging(profile: str) -> FailedError:
    """A browser whose process runs but does not respond; a start would end it, with somebody's pages."""
    return FailedError(
        "its Chromium is running but never responds", "it is frozen, or short of memory or CPU time",
        Remedy(ours("exec", profile, "browser", "start"), "   (ends it, and starts it again)"),
    )  # fmt: skip


def judge_start(profile: str, browser: Browser, answer: Answer) -> str:
    """The response to the request to start the browser."""
    if answer.ok:
        return f"attached to the remote {browser.name}" if browser.remote else f"started {browser.name}"
    if browser.remote:
        raise FailedError(
            f"the remote {browser.name} cannot be reached{_said(answer)}", "it is off, or out of the network's reach",
            Remedy.run("doctor"),
        )  # fmt: skip
    raise FailedError(
        f"its Chromium did not start: the request {_outcome(answer)}{_said(answer)}",
        "too little memory, a lock of another run, or a wrong config",
        Remedy.run("exec", profile, "browser", "doctor"),
    )  # fmt: skip


def browser_path(doors: Doors, port: int, answer: Answer) -> str:
    """The path of the browser's WebSocket, from its CDP version page."""
    url = answer.body.get("webSocketDebuggerUrl")
    path = urlsplit(url).path if isinstance(url, str) else ""
    # Always on the port that was asked, whatever the response says.
    if answer.ok and re.fullmatch(r"/devtools/browser/[\w-]+", path):
        return path
    if answer.status == 401:
        raise _other_token(doors.profile, f"CDP on port {port} rejects the token in its secret file (HTTP 401)")
    raise no_cdp(doors.profile, port, _outcome(answer))


def no_cdp(profile: str, port: int, what: str) -> FailedError:
    """A published CDP port without a browser that responds."""
    return FailedError(
        f"CDP on port {port} {what}", "the forwarder to the browser in the container has ended or hangs",
        Remedy.run("restart", profile),
    )  # fmt: skip


def no_page(profile: str, port: int, what: str) -> FailedError:
    """A browser that responds, but does not do what it should."""
    return FailedError(
        f"the browser behind CDP port {port} {what}", "one of its processes hangs, or it has just ended",
        Remedy(ours("exec", profile, "browser", "stop"), "   (it starts again when it is needed)"),
    )  # fmt: skip


def refused(profile: str, what: str, answer: Answer) -> FailedError:
    """Browser control that did not do what was asked."""
    return FailedError(
        f"browser control {_outcome(answer)} when asked to {what}{_said(answer)}",
        "the browser ended or hangs, or the gateway's config forbids it",
        Remedy.run("exec", profile, "browser", "doctor"),
    )  # fmt: skip


def judge_picture(profile: str, png: bytes) -> str:
    """Whether the picture shows the page that was opened."""
    if wrong := test_page.flaw(png):
        raise FailedError(
            f"the picture {wrong}", "the browser runs but does not draw",
            Remedy(ours("exec", profile, "browser", "stop"), "   (it starts again when it is needed)"),
        )  # fmt: skip
    return f"shows the test page ({len(png)} bytes)"


def too_late(profile: str, name: Name) -> FailedError:
    """A step that was not done within its time limit."""
    return FailedError(
        f"not done within {LIMITS[name]:.0f} s", "the gateway or its browser hangs, or the machine is overloaded",
        Remedy.run("logs", profile, "--tail", "50"),
    )  # fmt: skip


def _other_token(profile: str, what: str) -> FailedError:
    return FailedError(
        what, "it was started with another token, or gateway.auth in its config is not token",
        Remedy(ours("up", profile), "   (restarts it if its secret has changed; if not: ", ours("doctor"), ")"),
    )  # fmt: skip


def _outcome(answer: Answer) -> str:
    if answer.status is not None:
        return f"returns HTTP {answer.status}"
    return "accepts connections but never responds" if answer.silent else "does not respond"


def _said(answer: Answer) -> str:
    error = answer.body.get("error")
    return f": {plain(error)[:300]}" if isinstance(error, str) else ""
