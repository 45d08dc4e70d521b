from __future__ import annotations

import os
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idlehands_deploy.errors import PortConflictError
from idlehands_deploy.fleet.model import Fleet, parse_fleet
from idlehands_deploy.fleet.ports import PortPlan, plan_ports
from tests.support.helpers import fleet

# How many random fleets of each kind.
EXAMPLES = int(os.environ.get("IDLEHANDS_TEST_EXAMPLES", "50"))
fast = settings(max_examples=EXAMPLES, deadline=None, database=None)


def bases(text: str) -> dict[str, int]:
    return {name: ports.base for name, ports in plan_ports(fleet(text)).profiles.items()}


def refused(text: str) -> PortConflictError:
    with pytest.raises(PortConflictError) as caught:
        plan_ports(fleet(text))
    return caught.value


def table(text: str) -> str:
    plan = plan_ports(fleet(text))
    return "\n".join(
        f"{name} {port.host_ip}:{port.port} {port.purpose}"
        for name, ports in plan.profiles.items()
        for port in ports.published
    )


def test_main_and_rescue_have_the_documented_ports() -> None:
    assert table("profiles: {main: , rescue: {browser: {profiles: {work: }}}}") == (
        "main 127.0.0.1:18789 gateway\n"
        "main 127.0.0.1:18791 browser control\n"
        "main 127.0.0.1:18800 cdp openclaw\n"
        "rescue 127.0.0.1:19789 gateway\n"
        "rescue 127.0.0.1:19791 browser control\n"
        "rescue 127.0.0.1:19800 cdp openclaw\n"
        "rescue 127.0.0.1:19801 cdp work"
    )


def test_rescue_is_at_19789_even_without_main() -> None:
    assert bases("profiles: {rescue: }") == {"rescue": 19789}


def test_main_is_slot_0_wherever_it_stands_in_the_file() -> None:
    assert bases("profiles: {rescue: , main: , third: }") == {"rescue": 19789, "main": 18789, "third": 20789}


def test_a_profile_keeps_its_port_when_another_is_removed() -> None:
    assert bases("profiles: {main: , third: {port: 20789}}") == {"main": 18789, "third": 20789}


def test_the_lowest_free_slot_is_taken_again() -> None:
    assert bases("profiles: {main: , third: {port: 20789}, new: }") == {
        "main": 18789, "third": 20789, "new": 19789,
    }  # fmt: skip


def test_a_slot_is_left_out_when_any_port_of_it_is_taken() -> None:
    # Slot 18809's control port is a, slot 18829's CDP port is b, slot 18849's control port is b's CDP port.
    assert bases("{spacing: 20, profiles: {a: {port: 18811}, b: {port: 18840}, new: }}") == {
        "a": 18811, "b": 18840, "new": 18869,
    }  # fmt: skip


def test_a_slot_is_left_out_when_another_profile_s_browsers_reach_into_it() -> None:
    browsers = "{browser: {profiles: {a: , b: , c: , d: , e: , f: , g: , h: , i: }}}"  # 18800 to 18809
    assert bases(f"{{spacing: 20, profiles: {{main: {browsers}, new: }}}}") == {"main": 18789, "new": 18829}


def test_a_remote_chrome_takes_no_port() -> None:
    assert table("profiles: {main: {browser: {profiles: {far: {cdp_url: 'http://x:1'}}}}}").count("cdp") == 1


def test_a_remote_chrome_in_place_of_the_default_browser_takes_no_port() -> None:
    assert table("profiles: {main: {browser: {profiles: {openclaw: {cdp_url: 'http://x:1'}}}}}") == (
        "main 127.0.0.1:18789 gateway\nmain 127.0.0.1:18791 browser control"
    )


def test_the_default_browser_keeps_its_port_when_it_is_named() -> None:
    named = "profiles: {main: {browser: {profiles: {work: , openclaw: }}}}"
    assert plan_ports(fleet(named)).profiles["main"].cdp == {"openclaw": 18800, "work": 18801}


def test_a_port_of_its_own_moves_main_too() -> None:
    assert bases("profiles: {main: {port: 30000}}") == {"main": 30000}


def test_the_publish_switches_leave_ports_out() -> None:
    assert table("profiles: {main: {publish: {control: false, cdp: false}}}") == "main 127.0.0.1:18789 gateway"


def test_only_the_gateway_follows_bind() -> None:
    assert table("{bind: 0.0.0.0, profiles: {main: }}") == (
        "main 0.0.0.0:18789 gateway\nmain 127.0.0.1:18791 browser control\nmain 127.0.0.1:18800 cdp openclaw"
    )


def test_two_profiles_on_one_port_are_refused_by_both_names() -> None:
    error = refused("profiles: {a: {port: 20000}, b: {port: 20000}}")
    assert str(error) == (
        "Two profiles need the same port:\n"
        "  20000: gateway of a and gateway of b\n"
        "  20002: browser control of a and browser control of b\n"
        "  20011: cdp openclaw of a and cdp openclaw of b\n"
        "Change one profile's `port` in fleet.yaml, or remove it: the profile then gets a free port."
    )
    assert error.exit_code == 3


def test_a_derived_port_of_one_and_the_base_port_of_another_are_refused() -> None:
    assert "  18800: cdp openclaw of main and gateway of b\n" in str(refused("profiles: {main: , b: {port: 18800}}"))


def test_a_full_port_space_is_reported_with_what_to_do() -> None:
    text = "{base_port: 65400, spacing: 20, profiles: {main: , last: , one-more: }}"
    assert bases(text.replace(", one-more: ", "")) == {"main": 65400, "last": 65420}
    error = refused(text)
    assert str(error) == (
        "No free slot up to port 65425 is left for one-more.\n"
        "Lower `spacing` in fleet.yaml (at least 20), or give one-more a `port`."
    )
    assert error.exit_code == 3


def test_a_thousand_profiles_are_planned_in_well_under_a_second() -> None:
    written = parse_fleet({"spacing": 20, "profiles": {f"p{n}": {} for n in range(1000)}}, "fleet.yaml")
    begun = time.process_time()
    plan = plan_ports(written)
    assert time.process_time() - begun < 1
    assert [plan.profiles[f"p{n}"].base for n in (0, 999)] == [18809, 38789]


@st.composite
def fleets(draw: st.DrawFn, *, pinned: bool) -> dict[str, Any]:
    """A fleet file's data; where ``pinned``, some profiles hold a port, perhaps a neighbour's."""
    base_port = draw(st.sampled_from([1024, 18789, 60000]))

    def profile() -> dict[str, Any]:
        browsers = {
            f"b{n}": {"cdp_url": f"http://{draw(st.uuids())}:9222"} if remote else {}
            for n, remote in enumerate(draw(st.lists(st.booleans(), max_size=15)))
        }
        port = draw(st.none() | st.integers(base_port, base_port + 250)) if pinned else None
        return {
            "browser": {"profiles": browsers},
            "publish": {"control": draw(st.booleans()), "cdp": draw(st.booleans())},
        } | ({"port": port} if port else {})

    names = draw(st.lists(st.sampled_from(["main", "rescue", *"abcdefgh"]), unique=True, min_size=1))
    return {
        "base_port": base_port,
        "spacing": draw(st.integers(20, 60)),
        "bind": draw(st.sampled_from(["127.0.0.1", "0.0.0.0"])),
        "profiles": {name: profile() for name in names},
    }


def _published(plan: PortPlan) -> list[int]:
    return [port.port for ports in plan.profiles.values() for port in ports.published]


def _pin(data: dict[str, Any], plan: PortPlan) -> dict[str, Any]:
    return data | {
        "profiles": {
            name: item | ({} if name == "main" else {"port": plan.profiles[name].base})
            for name, item in data["profiles"].items()
        }
    }


def _parse(data: dict[str, Any]) -> Fleet:
    return parse_fleet(data, "fleet.yaml")


@given(fleets(pinned=True))
@fast
def test_no_two_published_ports_are_ever_the_same(data: dict[str, Any]) -> None:
    written = _parse(data)
    try:
        plan = plan_ports(written)
    except PortConflictError as error:
        assert "Two profiles need the same port" in error.what  # noqa: PT017 - a refusal is an answer too
        return
    published = _published(plan)
    assert len(set(published)) == len(published)
    assert all(1024 <= port <= 65535 for port in published)
    assert all(ports.base <= 65425 for ports in plan.profiles.values())
    assert plan_ports(written) == plan


@given(fleets(pinned=False))
@fast
def test_profiles_without_a_port_always_get_one(data: dict[str, Any]) -> None:
    published = _published(plan_ports(_parse(data)))
    assert len(set(published)) == len(published)


@given(fleets(pinned=False), st.data())
@fast
def test_adding_or_removing_a_profile_moves_nobody_whose_port_is_written_down(
    data: dict[str, Any], choice: st.DataObject
) -> None:
    plan = plan_ports(_parse(data))
    pinned = _pin(data, plan)
    assert plan_ports(_parse(pinned)) == plan

    more = pinned | {"profiles": {"new": {}} | pinned["profiles"]}
    with_new = plan_ports(_parse(more)).profiles
    assert {name: with_new[name] for name in plan.profiles} == plan.profiles

    gone = choice.draw(st.sampled_from(sorted(plan.profiles)))
    fewer = pinned | {"profiles": {name: item for name, item in pinned["profiles"].items() if name != gone}}
    assert plan_ports(_parse(fewer)).profiles == {name: ports for name, ports in plan.profiles.items() if name != gone}


@given(fleets(pinned=False), st.lists(st.integers(1024, 65425), max_size=5))
@fast
def test_a_new_profile_never_lands_on_a_native_gateway(data: dict[str, Any], natives: list[int]) -> None:
    reserved = {base + offset for base in natives for offset in (0, 2, 10, *range(11, 111))}
    try:
        plan = plan_ports(_parse(data), reserved, new=list(data["profiles"]))
    except PortConflictError as error:
        assert "No free slot up to port" in error.what  # noqa: PT017 - a refusal is an answer too
        return
    assert not reserved & set(_published(plan))
    # Written down, the plan holds without the natives, and whoever came later moves nobody.
    pinned = {name: item | {"port": plan.profiles[name].base} for name, item in data["profiles"].items()}
    assert plan_ports(_parse(data | {"profiles": pinned})) == plan
