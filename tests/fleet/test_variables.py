from __future__ import annotations

import pytest

from idlehands_deploy.fleet.variables import refusal
from tests.support.helpers import fleet, problems

# Each kind by at least one of its names.
REFUSED = [
    "NODE_OPTIONS", "NODE_PATH", "NODE_REPL_EXTERNAL_MODULE", "NODE_COMPILE_CACHE", "PATH", "HOME", "LD_PRELOAD",
    "LD_LIBRARY_PATH", "LD_AUDIT", "LD_BIND_NOW", "GCONV_PATH", "OPENSSL_CONF", "BASH_ENV", "ENV", "SHELLOPTS",
    "BASHOPTS", "PS4", "PROMPT_COMMAND", "IFS", "SHELL", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "PERL5LIB",
    "PERL5OPT", "RUBYOPT", "LUA_INIT_5_4", "JAVA_TOOL_OPTIONS", "GIT_SSH_COMMAND", "GIT_SSH", "GIT_EXTERNAL_DIFF",
    "GIT_CONFIG_GLOBAL", "GIT_CONFIG_KEY_0", "SSH_ASKPASS", "LESSOPEN", "PAGER", "EDITOR", "VK_LAYER_PATH",
    "NPM_CONFIG_SCRIPT_SHELL", "IDLEHANDS_BUNDLED_PLUGINS_DIR", "OPENCLAW_BUNDLED_PLUGINS_DIR",
]  # fmt: skip
# What people need, some of it with a name close to a refused one.
TAKEN = [
    "TZ", "LANG", "DEBUG", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "HTTPS_PROXY", "NO_PROXY", "NODE_ENV",
    "NODE_NO_WARNINGS", "GIT_AUTHOR_NAME", "GIT_COMMITTER_EMAIL", "PYTHONUNBUFFERED", "OPENAI_API_KEY",
    "GH_TOKEN", "npm_config_registry",
    "MY_PATH", "path", "LDAP_URL", "IDLEHANDS_HANG_TIMEOUT", "OPENCLAW_OAUTH_DIR",
]  # fmt: skip


@pytest.mark.parametrize("name", [*REFUSED, "npm_config_node_options", "Npm_Config_Userconfig"])
def test_a_variable_that_loads_code_or_chooses_a_program_is_refused_by_name(name: str) -> None:
    (said,) = problems(f"profiles: {{main: {{environment: {{{name}: x}}}}}}").splitlines()
    assert said.startswith(f"profiles.main.environment.{name}: ")


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_as_a_secret_too(name: str) -> None:
    (said,) = problems(f"profiles: {{main: {{secrets: [OPENAI_API_KEY, {name}]}}}}").splitlines()
    assert said.startswith(f"profiles.main.secrets.1: {name} ")


@pytest.mark.parametrize("name", TAKEN)
def test_any_other_variable_is_taken(name: str) -> None:
    assert fleet(f"profiles: {{main: {{environment: {{{name}: x}}}}}}").profiles["main"].environment == {name: "x"}


def test_a_shell_s_function_is_refused_as_such() -> None:
    (said,) = problems("profiles: {main: {environment: {'BASH_FUNC_ls%%': '() { id; }'}}}").splitlines()
    assert (
        said
        == "profiles.main.environment.BASH_FUNC_ls%%: makes shells run code or read commands in another way; remove it"
    )


def test_what_to_use_instead_is_said_where_there_is_something() -> None:
    text = "profiles: {main: {environment: {NODE_OPTIONS: x, PATH: x, GIT_SSH_COMMAND: x, BASH_ENV: x}}}"
    assert problems(text) == (
        "profiles.main.environment.NODE_OPTIONS: loads code into the gateway; "
        "limit its memory with `resources.memory`\n"
        "profiles.main.environment.PATH: chooses which programs run; "
        "install programs with `packages`, or call yours by its path\n"
        "profiles.main.environment.GIT_SSH_COMMAND: makes git run other programs or read another config; "
        "write it in the gateway's ~/.gitconfig\n"
        "profiles.main.environment.BASH_ENV: makes shells run code or read commands in another way; remove it"
    )


def test_such_a_variable_is_told_together_with_every_other_problem() -> None:
    main = "{environment: {LD_PRELOAD: 1, HOME: /x}, secrets: [NODE_PATH]}"
    text = f"spacing: 1\nprofiles: {{main: {main}, b: {{secrets: [a]}}}}"
    assert [line.split(":")[0] for line in problems(text).splitlines()] == [
        "spacing", "profiles.main.secrets.0", "profiles.main.environment.LD_PRELOAD",
        "profiles.main.environment.LD_PRELOAD", "profiles.main.environment.HOME", "profiles.b.secrets.0",
    ]  # fmt: skip


def test_an_error_shows_no_value_of_such_a_variable() -> None:
    assert "hidden" not in problems("profiles: {main: {environment: {LD_PRELOAD: hidden, BASH_ENV: [hidden]}}}")


def test_the_remedies_name_no_key_that_a_fleet_file_lacks() -> None:
    named = {word for name in REFUSED if (found := refusal(name)) for word in found.instead.split("`")[1::2]}
    assert named == {"packages", "resources.memory"}
