"""A fault put to a gateway that others run beside: how soon it is told, how it heals, and what it costs."""

from __future__ import annotations

import io
import json
import os
import secrets
import tarfile
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.gauntlet import DETECTED, LOST, READY, RECOVERED_BY, VERDICT
from tests.support.site import until

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

    from tests.support.site import Site

GATEWAY = "grep -ls ^openclaw-gatewa /proc/[0-9]*/comm | cut -d/ -f3"
JOB = "water the plants"
# Asked in the container: opened from outside by another user, a database would get files that its owner cannot read.
EXAMINE = """
const { globSync } = require("node:fs"), { DatabaseSync } = require("node:sqlite");
const state = "/home/idlehands/.idlehands/";
const said = {};
for (const name of globSync("{state,agents}/**/*.sqlite", { cwd: state })) {
  const database = new DatabaseSync(state + name, { readOnly: true, timeout: 5000 });
  said[name] = database.prepare("PRAGMA integrity_check").get().integrity_check;
  if (name !== "state/openclaw.sqlite") continue;
  said.jobs = database.prepare("SELECT name FROM cron_jobs").all().map(job => job.name);
}
console.log(JSON.stringify(said));
"""
# Loaded into the gateway: an endless loop in its main thread, as a bad regular expression gives one, on demand.
WEDGE = """
const { existsSync, rmSync } = require("node:fs"), asked = "/home/idlehands/workspace/wedge";
if (require("node:worker_threads").isMainThread) setInterval(() => {
  if (!process.title.startsWith("openclaw-gatewa") || !existsSync(asked)) return;
  rmSync(asked);
  for (;;);
}, 200).unref();
"""

WEDGE_FILE = "/opt/wedge.cjs"


def make_wedge_image(engine: docker.DockerClient, image: str, repository: str, tag: str) -> None:
    """An image whose gateway wedges itself on demand; no fleet file may load code into one."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(WEDGE_FILE.removeprefix("/"))
        entry.size = len(WEDGE)
        archive.addfile(entry, io.BytesIO(WEDGE.encode()))
    container = engine.containers.create(image)
    try:
        container.put_archive("/", packed.getvalue())
        container.commit(repository, tag, changes=f"ENV NODE_OPTIONS=--require={WEDGE_FILE}")
    finally:
        container.remove()


@dataclass
class Marks:
    """What main knows before all faults, and who its neighbour is."""

    site: Site
    text: str = field(default_factory=lambda: secrets.token_hex(8))

    def leave(self) -> None:
        """Put a mark wherever main keeps something."""
        for path in self._files():
            path.write_text(self.text)
            os.chown(path, path.parent.stat().st_uid, path.parent.stat().st_gid)
        self.site.ok("exec", "main", "cron", "add", "--every", "6h", "--name", JOB, "--message", "now", "--disabled")
        self._token = self.site.token("main")
        self._config = json.loads(self.site.config("main").read_text())

    def lost(self) -> list[str]:
        """What is not as it was; main's container must run."""
        lost = [path.name for path in self._files() if not path.is_file() or path.read_text() != self.text]
        output = self.site.container("main").exec_run(
            ["node", "-e", EXAMINE], environment={"NODE_OPTIONS": "", "NODE_NO_WARNINGS": "1"}
        ).output.decode()  # fmt: skip
        said = json.loads(output)
        if said.pop("jobs").count(JOB) != 1:
            lost.append("job")
        lost += [f"{name}: {answer}" for name, answer in said.items() if answer != "ok"]
        if self.site.token("main") != self._token:
            lost.append("token")
        config = json.loads(self.site.config("main").read_text())
        if config["gateway"] != self._config["gateway"]:
            lost.append("config")
        return lost

    def _files(self) -> list[Any]:
        main = self.site.root / "profiles" / "main"
        return [main / "workspace" / "mark", main / "state" / "mark"]


class Trial:
    """One fault, put to main the moment that this is made.

    Args:
        row: of the table: the verdict; the seconds from the fault to the end of the `status` that gave it; those to a
            gateway that is ready again, from the fault where it heals by itself, else from the moment at which
            something is done about it; and what was lost.
    """

    def __init__(self, site: Site, marks: Marks, row: dict[str, Any]) -> None:
        self.site = site
        self.status: dict[str, Any] = {}
        self._row = row
        self._marks = marks
        self._neighbour = _run(site, "rescue")
        self._began = time.monotonic()

    def expect(self, state: str, within: float, saying: str = "", note: str = "", **facts: object) -> None:
        """Wait until `status` gives this verdict, with this in its reason, and beside it these facts."""

        def right() -> bool | None:
            self.status = self.site.status("main")
            told = all(self.status[name] == value for name, value in facts.items())
            return (self.status["state"] == state and saying in self.status["reason"] and told) or None

        try:
            until(f"the verdict {state}", right, within)
        except AssertionError:
            self._row[VERDICT] = f"WRONG: {self.status['state']}: {self.status['reason']}"
            raise
        self._row[DETECTED] = seconds = time.monotonic() - self._began
        self._row[VERDICT] = state + (f", {note}" if note else "")
        assert seconds <= within

    def heals_by_itself(self, by: str, within: float) -> None:
        """Wait until the gateway is ready again with nothing typed."""
        until("a ready gateway", self.site.is_ready, within - (time.monotonic() - self._began))
        self._healed(by, self._began)

    def heals_by_its_remedy(self, within: float) -> None:
        """Type the command that the verdict names."""
        words = str(self.status["remedy"]).rpartition("idlehands-deploy ")[2]
        self.heals_by(f"`{words}`", within, lambda: self.site.ok(*words.split()))

    def heals_by(self, what: str, within: float, do: Callable[[], object]) -> None:
        """Do something about it, after which the gateway is ready."""
        began = time.monotonic()
        do()
        assert time.monotonic() - began <= within
        self._healed(what, began)

    def _healed(self, by: str, since: float) -> None:
        assert self.site.is_ready()
        self._row[RECOVERED_BY] = by
        self._row[READY] = time.monotonic() - since
        assert self.site.state("main") == "ready"
        lost = self._marks.lost()
        if _run(self.site, "rescue") != self._neighbour:
            lost.append("rescue was touched")
        self._row[LOST] = ", ".join(lost) or "nothing"
        assert lost == []


def _run(site: Site, profile: str) -> tuple[str, str]:
    found = site.container(profile)
    return found.id, found.attrs["State"]["StartedAt"]


def inside(site: Site, command: str) -> str:
    output: bytes = site.container("main").exec_run(["bash", "-c", command]).output
    return output.decode().strip()


def signal_gateway(site: Site, name: str) -> None:
    """Send main's gateway a signal, in its container."""
    inside(site, f"kill -{name} $({GATEWAY})")


def is_healthy(site: Site) -> bool | None:
    """Whether Docker has seen main healthy in this run; None if not, for `until`."""
    return site.container("main").health == "healthy" or None
