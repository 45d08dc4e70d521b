"""The deep check of one gateway: its steps in order, each with a time limit; everything is restored afterwards."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from idlehands_deploy.health.deep_check import judge
from idlehands_deploy.health.deep_check.entry import judge_entry
from idlehands_deploy.health.deep_check.judge import LIMITS, STEPS, Doors, FailedError, SkippedError, Step
from idlehands_deploy.health.deep_check.pages import CdpPage, Control, ControlledPage, loopback_probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from idlehands_deploy.gateway.handshake import Entry
    from idlehands_deploy.gateway.probe import GatewayProbe
    from idlehands_deploy.health.deep_check.judge import Browser, Name
    from idlehands_deploy.health.deep_check.pages import OpenPage
    from idlehands_deploy.health.verdict import Verdict
    from idlehands_deploy.progress import Progress

T = TypeVar("T")
# Measured: 1 to 2 s, up to 11 s on a loaded machine.
START_SECONDS = 50
# A Chromium that was just killed looks like a hung one until the gateway notices.
SETTLE_SECONDS = 3.0
# After Ctrl-C a step may still finish, so that what it created is known and can be removed.
GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class Place:
    """Where to reach one gateway.

    Attributes:
        gateway: a probe of its port, with its token.
        anonymous: the same without a token.
        state: its state directory on this host.
        origin: at which a browser opens its dashboard.
        ask_entry: begins the handshake of a dashboard that was opened there.
        cdp_token: that its CDP ports ask for.
    """

    doors: Doors
    token: str | None
    gateway: GatewayProbe
    anonymous: GatewayProbe
    state: Path
    origin: str
    ask_entry: Callable[[], Entry]
    cdp_token: str | None = None


def prove(place: Place, verdict: Verdict, progress: Progress, interrupted: threading.Event) -> tuple[Step, ...]:
    """Run the steps, up to the first that fails or cannot run in this deployment.

    Args:
        verdict: the current one; the gateway is probed again only if it is ready.

    Raises:
        KeyboardInterrupt: ``interrupted`` was set; the page is closed, and the browser is restored.
    """
    check = _DeepCheck(place, verdict)
    steps: list[Step] = []
    try:
        for number, (name, action) in enumerate(check.actions().items(), 1):
            progress.update(verdict.profile, f"{STEPS[name]} ({number} of {len(STEPS)})")
            steps.append(_take(verdict.profile, name, action, interrupted))
            if steps[-1].status != "ok":
                break
    finally:
        left = ""
        if check.leaves_something:
            progress.update(verdict.profile, "restores everything")
            left = check.put_back()
            progress.update(verdict.profile, left)
    steps += _skipped(steps[-1], len(steps), left)
    return tuple(_without((place.token, place.cdp_token), step) for step in steps)


class _DeepCheck:
    """What the steps do, and what they share."""

    def __init__(self, place: Place, verdict: Verdict) -> None:
        self._place = place
        self._doors = doors = place.doors
        self._verdict = verdict
        self._control = Control(doors.profile, doors.control, place.token, place.state) if doors.control else None
        self._browser: Browser | None = None
        self._page: OpenPage | None = None
        self._started = False
        self._tabs: set[str] = set()

    def actions(self) -> dict[Name, Callable[[], str]]:
        """What each step does; each returns a sentence about its result."""
        control = self._control
        return {
            "ready": self._ask_ready,
            "token": self._ask_gateway if control is None else lambda: self._ask_control(control),
            "dashboard": lambda: judge_entry(self._doors, self._place.origin, self._place.ask_entry()),
            "browser": self._see_running if control is None else lambda: self._start(control),
            "page": self._open,
            "picture": self._photograph,
            "close": self._close,
        }

    @property
    def leaves_something(self) -> bool:
        """Whether there is anything to restore."""
        return self._page is not None or self._started

    def put_back(self) -> str:
        """Restore what the failed steps left, and say what was done; never fails."""
        done = []
        # If the page cannot be closed, stop the browser all the same, which closes it too.
        while self.leaves_something:
            try:
                done.append(within(LIMITS["close"], self._close, threading.Event()))
            except (FailedError, SkippedError, TimeoutError) as error:
                done.append(str(error) or f"not done within {LIMITS['close']:.0f} s")
        return "; ".join(done)

    def _ask_ready(self) -> str:
        if self._verdict.state != "ready":
            raise judge.unready(self._verdict)
        return judge.judge_ready(self._doors, self._place.gateway.get("/readyz"))

    def _ask_control(self, control: Control) -> str:
        with_token = control.call("GET", "/")
        without = Control(self._doors.profile, self._doors.control or 0, None, self._place.state)
        return judge.judge_control(self._doors, with_token, without.call("GET", "/", seconds=4))

    def _ask_gateway(self) -> str:
        answers = self._place.gateway.get("/readyz"), self._place.anonymous.get("/readyz")
        return judge.judge_gateway_token(self._doors, *answers)

    def _start(self, control: Control) -> str:
        self._browser = browser = self._look(control)
        control.browser = browser.name
        if browser.hangs:
            raise judge.hanging(self._doors.profile)
        if browser.running:
            return f"{browser.name} was already running"
        # Set before the request: it may succeed even if its response is lost.
        self._started = not browser.remote
        answer = control.call("POST", "/start", seconds=START_SECONDS)
        said = judge.judge_start(self._doors.profile, browser, answer)
        self._tabs = control.used_tabs()
        return said

    def _look(self, control: Control) -> Browser:
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            browser = judge.judge_browser(self._doors.profile, control.call("GET", "/"))
            if not browser.hangs or time.monotonic() > deadline:
                return browser
            time.sleep(0.2)

    def _see_running(self) -> str:
        """The browser step without browser control."""
        reason = self._doors.unpublished("control")
        if not self._doors.cdp:
            raise SkippedError(f"{reason}, nor is CDP")
        if not loopback_probe(self._doors.cdp[0], self._place.cdp_token).get("/json/version").ok:
            raise SkippedError(f"{reason}, and no browser is running")
        return f"it is running; browser control is {reason}"

    def _open(self) -> str:
        browser, control = self._browser, self._control
        if browser is None or control is None:
            port = self._doors.cdp[0]
        elif browser.remote or browser.cdp not in self._doors.cdp:
            self._page = ControlledPage(control)
            reason = "the browser is remote" if browser.remote else f"CDP is {self._doors.unpublished('cdp')}"
            return f"opened through browser control: {reason}"
        else:
            port = browser.cdp
        self._page = CdpPage(self._doors, port, self._place.cdp_token)
        return f"opened over CDP on port {port}"

    def _photograph(self) -> str:
        return judge.judge_picture(self._doors.profile, self._page.picture() if self._page else b"")

    def _close(self) -> str:
        """Restore everything; a second call does nothing."""
        done = []
        if self._page is not None:
            page, self._page = self._page, None
            page.close()
            done.append("page closed")
        if self._started and self._control:
            self._started = False
            done.append(self._stop(self._control))
        return ", ".join(done)

    def _stop(self, control: Control) -> str:
        if control.used_tabs() - self._tabs:
            return "browser left running: somebody else uses it now"
        control.do("stop the browser", "POST", "/stop")
        return "browser stopped again"


def within(seconds: float, action: Callable[[], T], interrupted: threading.Event) -> T:
    """Run an action with a time limit.

    Raises:
        TimeoutError: it is not done; it continues in its thread, and its result is lost.
        KeyboardInterrupt: ``interrupted`` was set meanwhile.
    """
    done: queue.SimpleQueue[Callable[[], T]] = queue.SimpleQueue()
    threading.Thread(target=lambda: done.put(_outcome(action)), daemon=True).start()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if interrupted.is_set():
            deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
        try:
            outcome = done.get(timeout=0.1)
            break
        except queue.Empty:
            continue
    else:
        if not interrupted.is_set():
            raise TimeoutError
    if interrupted.is_set():
        raise KeyboardInterrupt
    return outcome()


def _outcome(action: Callable[[], T]) -> Callable[[], T]:
    """The action's result or error, for another thread."""
    try:
        result = action()
    except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
        failure = error

        def fail() -> T:
            raise failure

        return fail
    return lambda: result


def _take(profile: str, name: Name, action: Callable[[], str], interrupted: threading.Event) -> Step:
    began = time.monotonic()
    try:
        said = within(LIMITS[name], action, interrupted)
        return Step(name, "ok", round(time.monotonic() - began, 3), said)
    except SkippedError as skipped:
        return Step(name, "skipped", 0, str(skipped))
    except TimeoutError:
        failed = judge.too_late(profile, name)
    except FailedError as error:
        failed = error
    return Step(name, "failed", round(time.monotonic() - began, 3), failed.what, failed.why, failed.fix)


def _skipped(last: Step, done: int, left: str) -> list[Step]:
    """The steps after the last one that ran."""
    why = f"because {last.name} {'was skipped' if last.status == 'skipped' else 'failed'}"
    steps = [Step(name, "skipped", 0, why) for name in list(STEPS)[done:]]
    return [replace(step, said=left) if step.name == "close" and left else step for step in steps]


def _without(tokens: Iterable[str | None], step: Step) -> Step:
    """A step without the tokens: a gateway's response may repeat them."""
    for token in filter(None, tokens):
        step = replace(step, said=step.said.replace(token, "(token)"))
    return step
