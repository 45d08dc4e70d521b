from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.contract import DIGEST_LABEL
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.planning.causes import Recipe, is_seen_by_compose, out_of_date, recreate_cause, restart_cause
from idlehands_deploy.targets.compose import build_document, render
from tests.support.engine import IMAGE, made_from
from tests.support.helpers import USER, fleet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idlehands_deploy.engine.facts import ContainerFacts, ImageFacts

PLAIN = "profiles: {main: {}}"
NEWER = replace(IMAGE, id="sha256:2")


def document(text: str) -> dict[str, Any]:
    written = fleet(text)
    return build_document(written, plan_ports(written), USER)


def services(text: str) -> Mapping[str, Any]:
    made: Mapping[str, Any] = document(text)["services"]
    return made


def container(text: str = PLAIN) -> ContainerFacts:
    return made_from(services(text)["main"], "main")


def recipe(now: str = PLAIN, before: str | None = PLAIN, image: ImageFacts | None = IMAGE) -> Recipe:
    return Recipe(services(now), None if before is None else render(document(before)), all_are(image, now))


def all_are(image: ImageFacts | None, text: str) -> dict[str, ImageFacts]:
    """The images of a fleet's containers, each of which is this one."""
    return {service["image"]: image for service in services(text).values()} if image else {}


def test_a_container_that_is_what_the_fleet_file_says_has_no_cause() -> None:
    assert out_of_date(container(), recipe()) == ""


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ("resources: {memory: 3g}", "mem_limit from 2g to 3g"),
        ("resources: {memory: 3g, pids: 600}", "mem_limit from 2g to 3g, pids_limit from 512 to 600"),
        ("resources: {cpus: 1.5}", "cpus"),
        ("environment: {TZ: Europe/Berlin}", "environment (TZ)"),
        ("publish: {cdp: false}", "environment (IDLEHANDS_GUARDED_PORTS), ports, secrets"),
        ("publish: {control: false}", "environment (IDLEHANDS_FORWARD_PORTS), ports"),
        ("secrets: [OPENAI_API_KEY]", "secrets"),
        ("volumes: ['/srv/media:/media']", "volumes"),
        ("devices: [/dev/dri], groups: [104], dns: [1.1.1.1]", "devices, group_add, dns"),
        ("labels: {colour: hunter2}", "labels (colour)"),
    ],
)
def test_a_changed_setting_is_named_with_both_values(settings: str, cause: str) -> None:
    now = f"profiles: {{main: {{{settings}}}}}"
    assert recreate_cause(container(), recipe(now)) == f"its settings changed: {cause}"


def test_no_value_of_a_variable_is_shown() -> None:
    now = "profiles: {main: {environment: {KEY: hunter2}}}"
    assert "hunter2" not in recreate_cause(container(), recipe(now))


def test_a_setting_that_was_generated_before_is_still_a_cause() -> None:
    now = "profiles: {main: {resources: {memory: 3g}}}"
    assert recreate_cause(container(), recipe(now, before=now)) == "its settings changed"
    assert recreate_cause(container(), recipe(now, before=None)) == "its settings changed"


def test_a_container_of_another_maker_is_made_again() -> None:
    assert recreate_cause(replace(container(), digest=""), recipe()) == "it was not made from this compose.yaml"


def test_another_image_is_named_with_the_one_before() -> None:
    now = f"image: idlehands/gateway:2026.10.1\n{PLAIN}"
    assert recreate_cause(container(), recipe(now)) == (
        "its image changed from idlehands/gateway:2026.9.6 to idlehands/gateway:2026.10.1"
    )


def test_a_new_gateway_under_the_same_name_is_told_by_its_version() -> None:
    newer = replace(NEWER, labels={"idlehands.gateway.version": "2026.10.1"})
    before = replace(container(), version="2026.9.6")
    assert recreate_cause(before, recipe(image=newer)) == "its image changed from gateway 2026.9.6 to 2026.10.1"
    assert recreate_cause(before, recipe(image=NEWER)) == "its image changed"


def test_an_image_that_is_gone_is_a_cause() -> None:
    assert recreate_cause(container(), recipe(image=None)) == "the engine no longer has idlehands/gateway:2026.9.6"


def test_several_causes_are_all_told() -> None:
    now = f"image: idlehands/gateway:2026.10.1\n{PLAIN.replace('{}', '{resources: {memory: 3g}}')}"
    assert recreate_cause(container(), recipe(now)) == (
        "its image changed from idlehands/gateway:2026.9.6 to idlehands/gateway:2026.10.1 "
        "and its settings changed: mem_limit from 2g to 3g"
    )


def test_a_new_seccomp_profile_is_a_cause_although_no_setting_changed() -> None:
    old = document(PLAIN)
    old["services"]["main"]["labels"] = {DIGEST_LABEL: "sha256:old"}
    before = replace(container(), digest="sha256:old")
    assert (
        recreate_cause(before, Recipe(services(PLAIN), render(old), all_are(IMAGE, PLAIN)))
        == "its seccomp profile changed"
    )


def test_a_running_container_without_a_network_is_made_again_and_a_stopped_one_is_not() -> None:
    lost = replace(container(), is_connected=False)
    assert recreate_cause(lost, recipe()) == "it lost its network"
    assert recreate_cause(replace(lost, state="exited"), recipe()) == ""


def test_a_container_that_plain_compose_made_from_more_files_is_made_again_by_force() -> None:
    other = replace(container(), other_files=("compose.override.yaml",))
    cause = recreate_cause(other, recipe())
    assert cause == "it was not made from compose.yaml alone, but from compose.override.yaml too"
    assert not is_seen_by_compose(cause)
    assert is_seen_by_compose(recreate_cause(container(), recipe("profiles: {main: {resources: {memory: 3g}}}")))


def test_a_secret_that_changed_restarts_and_so_does_a_gateway_that_waits() -> None:
    assert restart_cause(container(), replace(recipe(), secrets={"main": "changed"})) == (
        "a secret changed since it started"
    )
    assert restart_cause(container(), replace(recipe(), secrets={"main": "touched"})) == (
        "a secret may have changed since it started"
    )
    assert restart_cause(container(), replace(recipe(), held=frozenset({"main"}))) == (
        "it waits for its config or its host to be fixed"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not: [yaml",
        "services: 3",
        "services: {main: }",
        "- a",
        "a: 2024-13-45",
        "services: {main: {labels: [a=b]}}",
    ],
)
def test_a_compose_file_that_is_none_makes_no_trouble(text: str) -> None:
    edited = "profiles: {main: {resources: {memory: 3g}}}"
    now = Recipe(services(edited), text, all_are(IMAGE, edited))
    assert recreate_cause(container(), now) == "its settings changed"
