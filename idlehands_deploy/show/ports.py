"""The ports of this host's gateways as table rows and as JSON: the plan, and what configs override."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from idlehands_deploy.show.layout.table import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from idlehands_deploy.fleet.ports import ProfilePorts
    from idlehands_deploy.isolation.claims import Native, Setup
    from idlehands_deploy.operations.ports import PortsReport

COLUMNS = (Column("PROFILE"), Column("PURPOSE"), Column("ADDRESS"), Column("PORT"))
INSIDE = "in its container"


class Override(NamedTuple):
    """A port in a config that differs from the plan.

    Attributes:
        address: its host; ``in its container`` if it cannot be reached from this host.
        effect: the consequence for the planned port; empty if there is none.
    """

    purpose: str
    address: str
    port: int
    place: str
    effect: str = ""


def table(report: PortsReport) -> tuple[Sequence[Column], list[tuple[str, ...]]]:
    """The columns and one row per port, with a column for notes if there are any."""
    rows = _rows(report)
    if any(row[-1] for row in rows):
        return (*COLUMNS, Column("NOTE", wraps=True)), rows
    return COLUMNS, [row[:-1] for row in rows]


def _rows(report: PortsReport) -> list[tuple[str, ...]]:
    found = []
    for setup in report.setups:
        others = list(_overrides(setup))
        effects = {other.purpose: other.effect for other in others if other.effect}
        found += [(*row, effects.get(row[1], "")) for row in plan_rows(setup.ports)]
        found += [
            (
                setup.name,
                other.purpose,
                other.address,
                str(other.port),
                f"set by {other.place.partition(':')[2]} in its config",
            )
            for other in others
            if other.purpose != "gateway"
        ]
    return found + [row for native in report.natives for row in _native_rows(native)]


def plan_rows(plan: ProfilePorts) -> list[tuple[str, ...]]:
    """One row per published port of a profile."""
    return [(plan.profile, port.purpose, port.host_ip, str(port.port)) for port in plan.published]


def ports_json(report: PortsReport) -> list[dict[str, Any]]:
    """One object per gateway: its base port, its published ports, and what its config overrides."""
    return [_profile_json(setup) for setup in report.setups] + [_native_json(native) for native in report.natives]


def _profile_json(setup: Setup) -> dict[str, Any]:
    return {
        "profile": setup.name,
        "base": setup.ports.base,
        "published": [
            {"purpose": port.purpose, "host_ip": port.host_ip, "port": port.port} for port in setup.ports.published
        ],
        "overrides": [other._asdict() for other in _overrides(setup)],
    }


def _native_json(native: Native) -> dict[str, Any]:
    return {
        "profile": None,
        "native": native.place,
        "base": native.base,
        "by": native.port_place,
        "running": native.running,
        "ports": sorted(native.ports),
    }


def _overrides(setup: Setup) -> Iterator[Override]:
    # Not at the top: every command loads this module, and these load the fleet's.
    from idlehands_deploy.fleet.addresses import endpoint  # noqa: PLC0415
    from idlehands_deploy.isolation.pins import config_cdp_ports, config_cdp_urls, is_port  # noqa: PLC0415

    config = setup.config
    if config is None:
        return
    port, bind = config.get("gateway", "port"), config.get("gateway", "bind")
    if is_port(port) and port != setup.ports.base:
        place = setup.in_config("gateway.port")
        yield Override("gateway", INSIDE, port, place, f"its config says {port}, but the container overrides it")
    if bind in ("loopback", "tailnet"):
        place = setup.in_config("gateway.bind")
        yield Override("gateway", INSIDE, setup.ports.base, place, f"nothing responds: gateway.bind is {bind}")
    for name, cdp, key in config_cdp_ports(config):
        planned = setup.ports.cdp.get(name)
        if cdp != planned:
            place = setup.in_config(key)
            effect = f"nothing responds: its config says {cdp}" if planned else ""
            yield Override(f"cdp {name}", INSIDE, cdp, place, effect)
    for found in config_cdp_urls(config):
        if (target := endpoint(found.url, loopback=INSIDE)) and target[0] != INSIDE:
            yield Override(f"remote cdp {found.browser}", target[0], target[1], setup.in_config(found.key))


def _key(place: str) -> str:
    return place.partition(":")[2]


def _native_rows(native: Native) -> Iterator[tuple[str, ...]]:
    from idlehands_deploy.isolation.claims import native_ports  # noqa: PLC0415

    state = "running" if native.running else "not running"
    derived = [claim.port for claim in native_ports(native) if claim.derived]
    for claim in native_ports(native):
        if not claim.derived:
            note = f"{state}, set by {claim.place}" if claim.purpose == "gateway" else ""
            yield native.place, claim.purpose, "native", str(claim.port), note
    yield native.place, "CDP range", "native", f"{derived[0]}-{derived[-1]}", ""
