"""The way into a gateway: its dashboard's link, the ways from another computer, and its token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from idlehands_deploy.contract import CDP_TOKEN_SECRET, MADE_SECRETS, TOKEN_SECRET
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.profile_files import read_made, read_token
from idlehands_deploy.deployment.secret_values import refuse_flawed
from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import DirectoryError, EngineFailedError, NotReadyError, UsageError
from idlehands_deploy.fleet.access import find_access
from idlehands_deploy.fleet.addresses import LOOPBACK
from idlehands_deploy.gateway import pairing
from idlehands_deploy.health.observe import make_probe
from idlehands_deploy.host.files import read_text
from idlehands_deploy.host.network.reach import find_login, outside_addresses
from idlehands_deploy.host.programs.browser import open_in_browser
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.operations.containers import running
from idlehands_deploy.operations.lifecycle import Prepared, finish, tell, watched
from idlehands_deploy.planning import draft as drafts
from idlehands_deploy.planning.downtime import with_downtimes
from idlehands_deploy.planning.guards.config import accepted
from idlehands_deploy.planning.guards.refusals import refuse_conflicts, refuse_moved
from idlehands_deploy.planning.plans import plan_rotation
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.fleet.access import Access
    from idlehands_deploy.host.network.reach import Login

# The gateway allows itself two seconds for its own page, which a busy host exceeds.
ATTEMPTS = 3


@dataclass(frozen=True)
class Doors:
    """How a profile's dashboard is opened.

    Attributes:
        link: for a browser on this host; it holds the token.
        access: the ways from elsewhere.
        login: to this host, from elsewhere.
    """

    name: str
    link: str
    access: Access
    login: Login


def doors(session: Session, name: str) -> Doors:
    """How a profile's dashboard is opened, here and from another computer."""
    fleet = session.fleet()
    select(fleet, [name])
    base = plan_here(session, fleet).profiles[name].base
    addresses = outside_addresses()
    access = find_access(fleet, name, base, [(address.host, address.interface) for address in addresses])
    # In the fragment, which a browser sends to nobody.
    link = f"{access.here}/#token={quote(token(session, name))}"
    return Doors(name, link, access, find_login(session.environ, addresses))


def cdp_addresses(session: Session, name: str) -> dict[str, str]:
    """Where Playwright, Puppeteer and the like find a gateway's browsers, by name, the default one first.

    Each holds the token that its port asks for.

    Raises:
        UsageError: none of them is published.
        DirectoryError: there is no token, or you may not read it.
    """
    fleet = session.fleet()
    select(fleet, [name])
    ports = plan_here(session, fleet).profiles[name]
    if not ports.published_cdp:
        raise UsageError(
            f"The CDP ports of {name} are not published.",
            f"Set profiles.{name}.publish.cdp to true in fleet.yaml, and apply it with `up`.",
        )
    key = f"?token={_made(session, name, CDP_TOKEN_SECRET)}" if ports.guarded else ""
    return {browser: f"ws://{LOOPBACK}:{port}/{key}" for browser, port in ports.cdp.items()}


def pair(session: Session, name: str) -> list[str]:
    """Links for other computers, the safest first. The first that is opened lets its browser in, and uses up all.

    Raises:
        UsageError: the gateway does not run, or nothing but this host reaches it.
        EngineFailedError: the gateway gave no link.
    """
    pages = doors(session, name).access.pages
    if not pages:
        raise UsageError(
            f"Only this host reaches {name}, and a browser here or at the end of a tunnel needs no such link.",
            Remedy("See the link and the tunnel's command: ", ours("url", name)),
        )
    look, container = running(session, name)
    several = "Whichever is opened first uses up all. " if pages[1:] else ""
    session.progress.say(
        f"Asking {name} for a link that lets one browser in, once, within {pairing.MINUTES} minutes. {several}"
        "That takes some seconds."
    )

    def ask() -> list[str]:
        return pairing.pairing_links(look.engine.run(container.id, pairing.COMMAND)[1], pages)

    try:
        return _patiently(ask)
    except pairing.HandoffError as error:
        raise EngineFailedError(
            f"{name} gave no link that lets a browser in: {plain(str(error))}.",
            Remedy(
                "Open the dashboard there, which shows an id, and approve it: ",
                ours("exec", name, "devices", "approve", "ID"),
            ),
        ) from None


def _patiently(ask: Callable[[], list[str]]) -> list[str]:
    """Ask again what was too slow."""
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt  # noqa: PLC0415 - only this pays for it

    again = retry_if_exception_type(pairing.BusyError)
    return Retrying(stop=stop_after_attempt(ATTEMPTS), retry=again, reraise=True)(ask)


def open_dashboard(session: Session, name: str) -> Doors | None:
    """Open the dashboard in the person's browser.

    Returns:
        How else it is opened, where no browser can be opened from here.

    Raises:
        NotReadyError: no gateway responds there.
    """
    ways = doors(session, name)
    fleet = session.fleet()
    answers = make_probe(plan_here(session, fleet).profiles[name], read_token(session.deployment, name)).ask()
    if not (answers.is_ready or answers.has_started):
        raise NotReadyError(f"{name} does not respond.", Remedy("See why, or start it: ", ours("status", name)))
    return None if open_in_browser(ways.link, session.environ) else ways


def token(session: Session, name: str) -> str:
    """A profile's gateway token.

    Raises:
        DirectoryError: there is none, or you may not read it.
    """
    select(session.fleet(), [name])
    return _made(session, name, TOKEN_SECRET)


def _made(session: Session, name: str, secret: str) -> str:
    path = session.deployment.secret_file(name, secret)
    if found := read_made(path):
        return found
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
    refuse_flawed(session.deployment, drafted.fleet, [name], but=MADE_SECRETS)
    plan = with_downtimes(look, plan_rotation(look, name))
    return Prepared(look, accepted(look, plan, force=force), [name])


def rotate_token(session: Session, name: str, timeout: float, *, force: bool = False) -> None:
    """Give a profile a new token, and wait until a gateway that runs is usable with it."""
    with watched(session, session.fleet()) as (engine, watch):
        finish(tell(prepare_rotation(session, name, engine, force=force)), watch, timeout).usable()
