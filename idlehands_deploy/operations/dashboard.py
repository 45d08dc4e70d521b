"""The way into a gateway: its dashboard's link, and its token."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from idlehands_deploy.contract import TOKEN_SECRET
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.profile_files import read_token
from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import DirectoryError, NotReadyError
from idlehands_deploy.health.observe import make_probe
from idlehands_deploy.host.browser import open_in_browser
from idlehands_deploy.host.files import read_text
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.operations.lifecycle import Prepared, finish, tell, watched
from idlehands_deploy.planning import draft as drafts
from idlehands_deploy.planning.config_guard import accepted
from idlehands_deploy.planning.downtime import with_downtimes
from idlehands_deploy.planning.plans import plan_rotation
from idlehands_deploy.planning.refusals import refuse_conflicts, refuse_moved
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.client import Engine


def url(session: Session, name: str) -> str:
    """The dashboard's link, with the token in it so that it logs straight in."""
    fleet = session.fleet()
    select(fleet, [name])
    ports = plan_here(session, fleet).profiles[name]
    host = f"[{ports.host}]" if ":" in ports.host else ports.host
    # In the fragment, which a browser sends to nobody.
    return f"http://{host}:{ports.base}/#token={quote(token(session, name))}"


def open_dashboard(session: Session, name: str) -> str | None:
    """Open the dashboard in the person's browser.

    Returns:
        The link where no browser can be opened from here.

    Raises:
        NotReadyError: no gateway responds there.
    """
    link = url(session, name)
    fleet = session.fleet()
    answers = make_probe(plan_here(session, fleet).profiles[name], read_token(session.deployment, name)).ask()
    if not (answers.is_ready or answers.has_started):
        raise NotReadyError(f"{name} does not respond.", Remedy("See why, or start it: ", ours("status", name)))
    return None if open_in_browser(link, session.environ) else link


def token(session: Session, name: str) -> str:
    """A profile's gateway token.

    Raises:
        DirectoryError: there is none, or you may not read it.
    """
    select(session.fleet(), [name])
    if found := read_token(session.deployment, name):
        return found
    path = session.deployment.secret_file(name, TOKEN_SECRET)
    read_text(path)
    raise DirectoryError(f"There is no token at {path}.", Remedy("Make it: ", ours("generate")))


def prepare_rotation(session: Session, name: str, engine: Engine | None = None, *, force: bool = False) -> Prepared:
    """What `rotate_token` would do: a gateway that runs is restarted, since it reads its token once.

    Raises:
        StaleError, StateRefusedError, PortConflictError, ConfigError: it could not be restarted, so it keeps the token
            it knows.
    """
    drafted = drafts.make_draft(session, session.fleet_text())
    select(drafted.fleet, [name])
    look = take_look(session, drafted.fleet, drafted.ports, engine)
    if look.state(name) != "running":
        return Prepared(look, plan_rotation(look, name), [])
    drafts.refuse_stale(session, drafted)
    refuse_moved(look, [name])
    refuse_conflicts(look, [name])
    plan = with_downtimes(look, plan_rotation(look, name))
    return Prepared(look, accepted(look, plan, force=force), [name])


def rotate_token(session: Session, name: str, timeout: float, *, force: bool = False) -> None:
    """Give a profile a new token, and wait until a gateway that runs is usable with it."""
    with watched(session, session.fleet()) as (engine, watch):
        finish(tell(prepare_rotation(session, name, engine, force=force)), watch, timeout).usable()
