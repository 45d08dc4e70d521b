from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from idlehands_deploy.errors import FleetError
from idlehands_deploy.fleet.model import Fleet, parse_fleet
from idlehands_deploy.fleet.rules import check_profile_name
from idlehands_deploy.fleet.schema import json_schema
from tests.support.helpers import ROOT, fleet, problems

NAME_RULE = (
    "a profile name must be 1 to 63 letters, digits, - and _, starting with a letter or digit but not with x- "
    "(the gateway, the engine or Compose reject other names)"
)
USER_RULE = 'user: must be uid:gid in numbers and not root, such as "1000:1000"'
REFERENCE = ROOT / "compose" / "fleet.yaml"

FULL = """\
name: idlehands
image: idlehands/gateway:2026.9.6
base_port: 18789
spacing: 1000
bind: 127.0.0.1
user: "1000:1000"
profiles:
  main:
  rescue:
    port: 19789
    rescues: [main]
    browser:
      sandbox: required
      profiles:
        work:
        office: {cdp_url: "http://10.0.0.42:9222"}
    publish: {control: true, cdp: false}
    resources: {memory: 2g, cpus: 2, pids: 512, shm: 256m}
    secrets: [OPENAI_API_KEY]
    environment: {TZ: Europe/Berlin, DEBUG: "1"}
"""

BAD = {
    # misspelt keys, at every depth
    "{naem: x}": "naem: unknown key; did you mean name?",
    "{x-common: 1}": "x-common: unknown key",
    "profiles: {main: {prot: 1}}": "profiles.main.prot: unknown key; did you mean port?",
    "profiles: {main: {browser: {profile: {}}}}":
        "profiles.main.browser.profile: unknown key; did you mean profiles?",
    "profiles: {main: {browser: {profiles: {work: {cdpurl: x}}}}}":
        "profiles.main.browser.profiles.work.cdpurl: unknown key; did you mean cdp_url?",
    "profiles: {main: {publish: {cpd: false}}}":
        "profiles.main.publish.cpd: unknown key; did you mean cdp?",
    "profiles: {main: {resources: {memroy: 2g}}}":
        "profiles.main.resources.memroy: unknown key; did you mean memory?",
    # wrong types
    "[main]": "the file: must be a mapping of keys to values, not a list",
    "main": "the file: must be a mapping of keys to values, not 'main'",
    "profiles: [main]": "profiles: must be a mapping of keys to values, not a list",
    "profiles: 3": "profiles: must be a mapping of keys to values, not 3",
    "profiles: {main: text}": "profiles.main: must be a mapping of keys to values, not 'text'",
    "profiles: {1: {}}": "profiles.1: must be a valid string, not 1",
    "base_port: '18789'": "base_port: must be a valid integer, not '18789'",
    "profiles: {main: {port: true}}": "profiles.main.port: must be a valid integer, not True",
    "profiles: {main: {port: 19789.0}}": "profiles.main.port: must be a valid integer, not 19789.0",
    "profiles: {main: {rescues: main}}": "profiles.main.rescues: must be a list, not 'main'",
    "profiles: {main: {environment: [A]}}":
        "profiles.main.environment: must be a mapping of keys to values, not a list",
    # ports
    "spacing: 19": "spacing: must be greater than or equal to 20, not 19",
    "base_port: 65426": "base_port: must be less than or equal to 65425, not 65426",
    "base_port: 1023": "base_port: must be greater than or equal to 1024, not 1023",
    "profiles: {main: {port: 80}}": "profiles.main.port: must be greater than or equal to 1024, not 80",
    "profiles: {main: {port: 65426}}":
        "profiles.main.port: must be less than or equal to 65425, not 65426",
    "bind: localhost": "bind: must be an IP address of this host, such as 127.0.0.1",
    "bind: 256.0.0.1": "bind: must be an IP address of this host, such as 127.0.0.1",
    "bind: fe80::1%eth0": "bind: must be an IP address of this host, such as 127.0.0.1",
    # the containers
    "image: ''": "image: must be the name of an image, such as idlehands/gateway:2026.9.6",
    "image: Idle/gateway": "image: must be the name of an image, such as idlehands/gateway:2026.9.6",
    "user: '0:0'": USER_RULE,
    "user: '1000:0'": USER_RULE,
    "user: '0:1000'": USER_RULE,
    "user: '1000'": USER_RULE,
    "user: root": USER_RULE,
    "name: Idle":
        "name: must be lower-case letters, digits, - and _, as Compose requires for a project name",
    "profiles: {main: {resources: {memory: 2}}}":
        "profiles.main.resources.memory: must be a valid string, not 2",
    "profiles: {main: {resources: {memory: 2gigs}}}":
        "profiles.main.resources.memory: must be a size such as 512m or 2g",
    "profiles: {main: {resources: {memory: 0m}}}":
        "profiles.main.resources.memory: must be a size such as 512m or 2g",
    "profiles: {main: {resources: {cpus: .inf}}}":
        "profiles.main.resources.cpus: must be a finite number, not inf",
    "profiles: {main: {resources: {cpus: .nan}}}":
        "profiles.main.resources.cpus: must be a finite number, not nan",
    "profiles: {main: {resources: {cpus: 0}}}":
        "profiles.main.resources.cpus: must be greater than 0, not 0",
    "profiles: {main: {resources: {cpus: two}}}":
        "profiles.main.resources.cpus: must be a valid number, not 'two'",
    "profiles: {main: {resources: {pids: 63}}}":
        "profiles.main.resources.pids: must be greater than or equal to 64, not 63",
    "profiles: {main: {resources: {shm: 64}}}":
        "profiles.main.resources.shm: must be a valid string, not 64",
    "profiles: {main: {environment: {PUID: '0'}}}":
        'profiles.main.environment.PUID: must be the number of a user or group and not root, such as "1000"',
    "profiles: {main: {environment: {PGID: users}}}":
        'profiles.main.environment.PGID: must be the number of a user or group and not root, such as "1000"',
    "profiles: {main: {environment: {PUID: 1000}}}":
        "profiles.main.environment.PUID: must be text: put it in quotes",
    "profiles: {main: {browser: {sandbox: no}}}":
        "profiles.main.browser.sandbox: must be 'required', 'preferred' or 'off', not 'no'",
    "profiles: {main: {browser: {sandbox: false}}}":
        "profiles.main.browser.sandbox: must be 'required', 'preferred' or 'off', not False",
    "profiles: {main: {environment: {IDLEHANDS_BROWSER_SANDBOX: 'off'}}}":
        "profiles.main.environment.IDLEHANDS_BROWSER_SANDBOX: is set from profiles.main.browser.sandbox, "
        "and another value would contradict it; remove it",
    # secrets and variables
    "profiles: {main: {secrets: [A, B, A]}}": "profiles.main.secrets: A is listed twice",
    "profiles: {main: {secrets: [openai]}}":
        "profiles.main.secrets.0: must be the name of an environment variable in capitals, "
        "such as OPENAI_API_KEY",
    "profiles: {main: {secrets: [../main/A]}}":
        "profiles.main.secrets.0: must be the name of an environment variable in capitals, "
        "such as OPENAI_API_KEY",
    "profiles: {main: {secrets: [IDLEHANDS_GATEWAY_TOKEN]}}":
        "profiles.main.secrets.0: is created by this tool and always present",
    "profiles: {main: {secrets: [A], environment: {A: x}}}":
        "profiles.main.environment.A: is also listed as a secret; keep only one of the two",
    "profiles: {main: {environment: {IDLEHANDS_GATEWAY_PORT: '1'}}}":
        "profiles.main.environment.IDLEHANDS_GATEWAY_PORT: is set from profiles.main.port, "
        "and another value would contradict it; remove it",
    "profiles: {main: {environment: {OPENCLAW_STATE_DIR: /x}}}":
        "profiles.main.environment.OPENCLAW_STATE_DIR: is set from the mount profiles/main/state, "
        "and another value would contradict it; remove it",
    "profiles: {main: {browser: {profiles: {work: {cdp_url: 'http://localhost:9222'}}}}}":
        "profiles.main.browser.profiles.work.cdp_url: localhost is the container itself, not this host; "
        "for a Chrome on this host write host.docker.internal",
    "profiles: {main: {environment: {A: true}}}":
        "profiles.main.environment.A: must be text: put it in quotes",
    "profiles: {main: {environment: {A: }}}":
        "profiles.main.environment.A: must be a valid string, not nothing",
    "profiles: {main: {environment: {'A B': x}}}":
        "profiles.main.environment.A B: is not a valid name for an environment variable",
    r'profiles: {main: {environment: {A: "x\0y"}}}':
        "profiles.main.environment.A: contains a character that is not allowed in a variable",
    "watch: {patience: ９s}": "watch.patience: must be a time such as 90s, 5m or 5m30s",
    # what profiles say of each other
    "profiles: {main: {rescues: [main]}}": "profiles.main.rescues.0: a profile cannot rescue itself",
    "profiles: {main: {rescues: [gone]}}": "profiles.main.rescues.0: there is no profile 'gone'",
    "profiles: {main: {rescues: [resuce]}, rescue: {}}":
        "profiles.main.rescues.0: there is no profile 'resuce'; did you mean rescue?",
    "profiles: {main: {rescues: [a, b, a]}, a: , b: }": "profiles.main.rescues: a is listed twice",
    "profiles: {Main: {}, main: {}}":
        "profiles.main: differs from Main only in case, and some file systems ignore case",
    # browsers
    "profiles: {main: {browser: {profiles: {Work: {}}}}}":
        "profiles.main.browser.profiles.Work: must be lower-case letters, digits and -",
    "profiles: {main: {browser: {profiles: {work: {cdp_url: 'ftp://x'}}}}}":
        "profiles.main.browser.profiles.work.cdp_url: must be an http, https, ws or wss address, "
        "such as http://10.0.0.42:9222",
    "profiles: {main: {browser: {profiles: {work: {cdp_url: 'http://[::1'}}}}}":
        "profiles.main.browser.profiles.work.cdp_url: must be an http, https, ws or wss address, "
        "such as http://10.0.0.42:9222",
    "profiles: {main: {browser: {profiles: {work: {cdp_url: 'http://'}}}}}":
        "profiles.main.browser.profiles.work.cdp_url: must be an http, https, ws or wss address, "
        "such as http://10.0.0.42:9222",
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BAD.items(), ids=BAD.keys())
def test_a_wrong_fleet_file_is_refused_with_the_path_of_the_problem(text: str, expected: str) -> None:
    assert problems(text) == expected


@pytest.mark.parametrize("name", ["", "-a", "_a", "a/b", ".", "..", "a.b", "a b", "é", "a\n", "x" * 64, "x-foo", "x-"])
def test_a_profile_name_that_is_no_host_name_is_refused(name: str) -> None:
    assert check_profile_name(name) == NAME_RULE
    with pytest.raises(FleetError) as caught:
        parse_fleet({"profiles": {name: {}}}, "fleet.yaml")
    assert [str(problem) for problem in caught.value.problems] == [f"profiles.{name}: {NAME_RULE}"]


@pytest.mark.parametrize("name", ["a", "0", "main", "Rescue-2_b", "x" * 63])
def test_letters_digits_dash_and_underscore_make_a_profile_name(name: str) -> None:
    assert check_profile_name(name) is None
    assert list(parse_fleet({"profiles": {name: {}}}, "fleet.yaml").profiles) == [name]


def test_all_problems_come_at_once_under_the_name_of_the_file() -> None:
    with pytest.raises(FleetError) as caught:
        fleet(
            """
            spacing: 19
            bind: x
            profiles:
              a/b: {prot: 1}
              MAIN: {port: 1}
              main: {}
            """
        )
    assert str(caught.value) == (
        "fleet.yaml has 6 problems:\n"
        "  spacing: must be greater than or equal to 20, not 19 (line 2)\n"
        "  bind: must be an IP address of this host, such as 127.0.0.1 (line 3)\n"
        "  profiles.a/b.prot: unknown key; did you mean port? (line 5)\n"
        "  profiles.MAIN.port: must be greater than or equal to 1024, not 1 (line 6)\n"
        f"  profiles.a/b: {NAME_RULE} (line 5)\n"
        "  profiles.main: differs from MAIN only in case, and some file systems ignore case (line 7)\n"
        "Edit the file and run the command again."
    )
    assert caught.value.exit_code == 2


def test_one_problem_is_called_one_problem() -> None:
    with pytest.raises(FleetError, match=r"^fleet\.yaml has 1 problem:\n"):
        fleet("spacing: 19")


def test_the_same_remote_chrome_is_refused_at_each_further_place() -> None:
    text = """
        profiles:
          main:
            browser:
              profiles:
                a: {cdp_url: "http://10.0.0.42:9222"}
                b: {cdp_url: "http://10.0.0.42:9222"}
          rescue:
            browser: {profiles: {a: {cdp_url: "http://10.0.0.42:9222"}}}
    """
    first = "profiles.main.browser.profiles.a.cdp_url"
    assert problems(text) == (
        f"profiles.main.browser.profiles.b.cdp_url: is the same Chrome as {first}; "
        "each browser needs a separate one\n"
        f"profiles.rescue.browser.profiles.a.cdp_url: is the same Chrome as {first}; "
        "each browser needs a separate one"
    )


def test_a_hundredth_browser_is_refused() -> None:
    def browsers(count: int) -> dict[str, Any]:
        return {"profiles": {"main": {"browser": {"profiles": {f"b{n}": {} for n in range(count)}}}}}

    parse_fleet(browsers(99), "fleet.yaml")
    with pytest.raises(FleetError, match=r"profiles\.main\.browser\.profiles: "):
        parse_fleet(browsers(100), "fleet.yaml")


@pytest.mark.parametrize(
    "shape",
    ["A: [VALUE]", "A: {b: VALUE}", "A: !!bool true, B: {c: [VALUE]}", "'A B': VALUE", "PATH: VALUE\\0"],
)
def test_an_error_never_shows_the_value_of_a_variable(shape: str) -> None:
    value = secrets.token_hex(8)
    settings = shape.replace("VALUE\\0", f'"{value}\\0"').replace("VALUE", value)
    assert value not in problems(f"profiles: {{main: {{environment: {{{settings}}}}}}}")


@pytest.mark.parametrize(
    "settings",
    [
        "secrets: VALUE",
        "secrets: {A: VALUE}",
        "secrets: [VALUE]",
        "secrets: [A=VALUE]",
        "secrets: [{A: VALUE}]",
        "environment: VALUE",
        "environment: A=VALUE",
        "environment: [A=VALUE]",
        "environment: {A=VALUE: x}",
        "environment: {A=VALUE: 1}",
        "environment: {A=VALUE: [x]}",
        "environment: {A=VALUE}",
        "environment: {A:VALUE}",
        "environment: {A: VALUE, A: x}",
        "environment: {A: x, A: VALUE}",
        "environment: {A=VALUE: x, A=VALUE: y}",
        "environment: {A: *VALUE}",
        "environment: {A: 'VALUE}",
    ],
)
def test_an_error_never_shows_a_value_that_was_written_in_the_wrong_way(settings: str) -> None:
    value = f"hidden-{secrets.token_hex(8)}"
    assert value not in problems(f"profiles: {{main: {{{settings.replace('VALUE', value)}}}}}")


def test_a_profile_may_be_written_without_a_value() -> None:
    written = fleet(
        """
        profiles:
          main:
          rescue:
            browser:
            publish:
            resources:
        """
    )
    assert written == fleet("profiles: {main: {}, rescue: {}}")


def test_an_empty_file_is_an_empty_fleet_with_the_documented_defaults() -> None:
    assert fleet("") == Fleet(
        name="idlehands", image="idlehands/gateway:2026.9.6", base_port=18789, spacing=1000,
        bind="127.0.0.1", user=None, profiles={},
    )  # fmt: skip


@pytest.mark.parametrize("value", ["1", "2.5", "1.10", "007", "1e3", "0x1f", "true", "False", ".inf"])
def test_a_variable_that_yaml_would_change_must_be_in_quotes(value: str) -> None:
    assert problems(f"profiles: {{main: {{environment: {{A: {value}}}}}}}") == (
        "profiles.main.environment.A: must be text: put it in quotes"
    )


def test_a_variable_in_quotes_keeps_its_spelling() -> None:
    written = fleet("profiles: {main: {environment: {A: '1', B: \"1.10\", C: on, D: '007', E: 'true'}}}")
    assert written.profiles["main"].environment == {
        "A": "1", "B": "1.10", "C": "on", "D": "007", "E": "true",
    }  # fmt: skip


@pytest.mark.parametrize(
    "image",
    ["gateway", "idlehands/gateway:2026.9.6", "reg:5000/a/b:1", "localhost/a", f"a/b@sha256:{'0' * 64}"],
)
def test_every_way_of_naming_an_image_is_taken(image: str) -> None:
    assert fleet(f"image: {image}").image == image


def test_limits_of_the_ranges_are_in_them() -> None:
    fleet("{base_port: 1024, spacing: 20}")
    fleet("{base_port: 65425, profiles: {main: {port: 65425, resources: {pids: 64, cpus: 0.1}}}}")


def _schema_accepts(text: str) -> bool:
    value = YAML(typ="safe", pure=True).load(text)
    return bool(jsonschema.Draft202012Validator(json_schema()).is_valid(value))


def test_the_schema_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        "{}",
        "profiles: {main: , rescue: {browser: , publish: , resources: }}",
        "profiles: {main: {browser: {profiles: {work: }}}}",
        "profiles: {main: {environment: {A: '1', B: '2.5', C: x}}}",
    ],
)
def test_the_schema_accepts_what_the_parser_accepts(text: str) -> None:
    fleet(text)
    assert _schema_accepts(text)


@pytest.mark.parametrize(
    "text", [text for text, expected in BAD.items() if "unknown key" in expected or "must be g" in expected]
)
def test_the_schema_refuses_unknown_keys_and_ports_out_of_range(text: str) -> None:
    assert not _schema_accepts(text)


@pytest.mark.parametrize(
    "text",
    ["{a/b: {}}", *(f"{{main: {{environment: {{A: {value}}}}}}}" for value in ("true", "1", "2.5"))],
)
def test_the_schema_refuses_bad_names_and_variables_without_quotes(text: str) -> None:
    assert not _schema_accepts(f"profiles: {text}")


def test_the_reference_fleet_file_is_right_for_the_parser_and_the_schema() -> None:
    text = Path(REFERENCE).read_text(encoding="utf-8")
    fleet(text)
    assert _schema_accepts(text)
