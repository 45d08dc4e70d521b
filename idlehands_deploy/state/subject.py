"""What a transaction is about: the facts that its plan is computed from."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idlehands_deploy import __version__
from idlehands_deploy.errors import StateRefusedError
from idlehands_deploy.health.observe import observe
from idlehands_deploy.planning.downtime import with_downtimes
from idlehands_deploy.planning.guards.versions import version_of
from idlehands_deploy.planning.plans import plan_restart
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.state.snapshots import new_id
from idlehands_deploy.state.trees import measure, refuse_full, refuse_unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idlehands_deploy.deployment.look import Look


@dataclass(frozen=True)
class Subject:
    """A profile whose state is copied or exchanged.

    Attributes:
        new: the id of the snapshot that is made of it.
        record: of that snapshot.
        size: of the directories as they are; bytes.
        state: Docker's word for the container; empty if there is none.
        image_id: of the container; empty if there is none.
        downtime: how long the gateway will be away, in words; empty for one that does not run.
    """

    profile: str
    new: str
    record: Mapping[str, object] = field(default_factory=dict)
    size: int = 0
    state: str = ""
    image_id: str = ""
    downtime: str = ""

    @property
    def runs(self) -> bool:
        """Whether the gateway is to be stopped, and started again."""
        return self.state in {"running", "restarting"}

    @property
    def here(self) -> str:
        """The profile's directory."""
        return f"profiles/{self.profile}"

    @property
    def making(self) -> str:
        """The new snapshot while it is not complete."""
        return f"snapshots/{self.profile}/.{self.new}"

    @property
    def incoming(self) -> str:
        """What takes the place of the directories."""
        return f"snapshots/{self.profile}/.{self.new}.in"

    @property
    def made(self) -> str:
        """The new snapshot."""
        return f"snapshots/{self.profile}/{self.new}"


def find_subject(
    look: Look, name: str, reason: str, *, copied: int | None = None, label: str = "", reference: str = ""
) -> Subject:
    """Look at a profile before its state is copied or exchanged.

    Args:
        reason: why a snapshot is made of it, such as "before a rollback".
        copied: bytes of what is copied, if it is not the profile's own directories.
        label: of that snapshot.
        reference: a name that the image of the gateway keeps; by default the one that it was used by.

    Raises:
        StateRefusedError: it cannot be copied or exchanged as it is, or the disk has no space.
        DirectoryError: something in it cannot be read.
    """
    deployment, facts = look.session.deployment, look.containers.get(name)
    directory = deployment.state_directory(name).parent
    if not directory.is_dir():
        raise StateRefusedError(f"{name} has no files yet.", Remedy("Make them: ", ours("up", name)))
    refuse_unfit(deployment, name)
    size = measure(directory).size
    refuse_full(deployment, name, size if copied is None else copied)
    now = time.time()
    is_ready = bool(facts and facts.state == "running" and observe(look, [name])[0].verdict.usable)
    image = None if facts else look.engine.image(look.fleet.image_of(name))
    # Without a container, the gateway that its image would start, unless the state tells of another one.
    version = version_of(look, name) or (image.version if image else "")
    configured = image.id if image and image.version == version else ""
    record = {
        "tool": __version__, "profile": name, "taken_at": now, "reason": reason, "label": label, "proven": is_ready,
        "version": facts.version if facts else version, "image": facts.image_id if facts else configured,
        "reference": reference or (facts.image if facts else look.fleet.image_of(name)),
    }  # fmt: skip
    runs = facts is not None and facts.state in {"running", "restarting"}
    downtime = with_downtimes(look, plan_restart([name], now=False)).steps[0].downtime if runs else ""
    state, image_id = (facts.state, facts.image_id) if facts else ("", "")
    return Subject(name, new_id(deployment, name, now), record, size, state, image_id, downtime)
