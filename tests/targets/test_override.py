"""An override file of Compose is refused, with the place of each key in the fleet file."""

from __future__ import annotations

import pytest

from idlehands_deploy.fleet.model import Profile
from idlehands_deploy.targets.override import KEYS, TOP_LEVEL, environment_problems, override_problems
from tests.support.helpers import fleet

NAME = "compose.override.yaml"
REFUSED = f"{NAME}: `docker compose` applies it, and this tool does not; move its content to fleet.yaml, then delete it"


def said(text: str) -> list[str]:
    return [str(problem) for problem in override_problems(NAME, text, fleet("profiles: {main: {}}").profiles)]


def test_each_key_of_a_profile_has_its_place_or_none() -> None:
    text = """
services:
  main:
    volumes: [/mnt/nas:/nas]
    mem_limit: 3g
    image: my/gateway:1
    privileged: true
"""
    assert said(text) == [
        REFUSED,
        f"{NAME}:services.main.volumes: write it as profiles.main.volumes in fleet.yaml",
        f"{NAME}:services.main.mem_limit: write it as profiles.main.resources.memory in fleet.yaml",
        f"{NAME}:services.main.image: write it as image in fleet.yaml, for every profile",
        f"{NAME}:services.main.privileged: fleet.yaml has no key for it",
    ]


def test_a_service_of_its_own_goes_elsewhere() -> None:
    assert said("services: {ollama: {image: x}}")[1:] == [
        f"{NAME}:services.ollama: is no profile; give it a Compose project of its own, in another directory"
    ]


@pytest.mark.parametrize("text", ["", "a: [", "services:", "services: {main: !reset null}", "[]"])
def test_an_override_file_is_refused_whatever_it_holds(text: str) -> None:
    assert said(text) == [REFUSED]


def test_every_place_is_a_key_of_the_fleet_file() -> None:
    assert {key.split(".")[0] for key in KEYS.values()} <= Profile.model_fields.keys()
    assert set(TOP_LEVEL.values()) <= type(fleet("profiles: {}")).model_fields.keys()


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("COMPOSE_FILE=compose.yaml:nas.yaml\n", [".env:COMPOSE_FILE"]),
        ("A=b\n export COMPOSE_PROJECT_NAME = x\n", [".env:COMPOSE_PROJECT_NAME"]),
        ("#COMPOSE_FILE=x\nMY_COMPOSE_FILE=x\nCOMPOSE_FILE=\nTZ=Europe/Berlin\n", []),
        ("", []),
    ],
)
def test_variables_that_lead_compose_elsewhere_are_refused(text: str, places: list[str]) -> None:
    assert [problem.path for problem in environment_problems(text)] == places
