"""The rooms of the package and the doors between them, as DESIGN.md draws them."""

from __future__ import annotations

import ast
import functools
import sys
from typing import TYPE_CHECKING

import pytest

from tests.helpers import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "idlehands_deploy"
MODULES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}
FLOW = (
    "errors", "addresses", "fleet_values", "fleet_checks", "fleet", "ports", "compose", "gateway", "fleet_file",
    "seccomp", "accounts", "findings", "gateway_config", "members", "config_paths", "overrides", "isolation",
    "onboarding", "secret_shapes", "redaction", "outline", "native_config", "boot_unit", "supervision", "news",
)  # fmt: skip
OUTSIDE = {"docker", "requests", "subprocess", "socket", "psutil", "time", "threading"}


@functools.cache
def imports(path: Path) -> tuple[str, ...]:
    """Whatever the module loads when it runs, also inside of functions; not what only type checkers read."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending += node.orelse
        else:
            pending += ast.iter_child_nodes(node)


def importers(*libraries: str) -> set[str]:
    return {
        module for module, path in MODULES.items() if any(name.split(".")[0] in libraries for name in imports(path))
    }


def rooms(module: str) -> set[str]:
    """Our own rooms that a module imports; a folder is one room."""
    found = {name.removeprefix(f"{NAME}.") for name in imports(MODULES[module]) if name.startswith(f"{NAME}.")}
    return {name.split(".")[0] for name in found}


def test_only_the_engine_talks_to_docker_and_starts_processes() -> None:
    found = importers("docker", "subprocess")
    assert found
    assert {module for module in found if not module.startswith("engine.")} == set()


def test_only_one_room_speaks_to_chromium() -> None:
    assert importers("websocket") == {"cdp"}


def test_only_one_room_speaks_to_prometheus() -> None:
    assert importers("prometheus_client") == {"metrics"}


def test_outside_the_engine_only_the_probe_speaks_http() -> None:
    found = importers("requests", "urllib3", "httpx", "aiohttp")
    assert {module for module in found if not module.startswith("engine.")} == {"probe"}


@pytest.mark.parametrize("module", FLOW)
def test_what_is_left_of_the_engine_touches_neither_docker_nor_the_network_nor_the_clock(module: str) -> None:
    assert rooms(module) <= set(FLOW)
    assert not importers(*OUTSIDE) & {module}


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("errors", set()),
        ("addresses", set()),
        ("fleet_values", {"addresses"}),
        ("fleet_checks", {"addresses", "errors", "fleet_values"}),
        ("fleet", {"errors", "fleet_checks", "fleet_values"}),
        ("ports", {"errors", "fleet", "fleet_values"}),
        ("compose", {"addresses", "fleet", "fleet_values", "ports"}),
        ("findings", set()),
        ("gateway_config", set()),
        ("members", {"accounts", "addresses", "compose", "fleet", "fleet_values", "ports"}),
        ("overrides", {"addresses", "compose", "config_paths", "findings", "fleet_values", "members", "ports"}),
        ("isolation", {"addresses", "findings", "members", "config_paths", "overrides"}),
        ("neighbours", {"file_facts", "gateway_config", "members", "ports"}),
        ("gateway", {"addresses", "fleet", "ports"}),
        ("native_config", {"addresses", "compose", "errors", "ports"}),
        ("fleet_file", {"errors", "fleet"}),
        ("seccomp", set()),
        ("secret_shapes", set()),
        ("redaction", {"secret_shapes"}),
        ("outline", set()),
        ("bundle", {"directory", "errors"}),
        ("directory", {"errors", "fleet", "fleet_values", "ports", "compose", "gateway"}),
        ("native", {"engine", "errors", "gateway_config", "native_config"}),
        ("native_databases", {"native_config"}),
        ("copying", set()),
        ("image", {"__version__", "engine", "errors", "fleet"}),
        ("probe", set()),
        ("health", {"ports", "probe"}),
        ("waiting", set()),
        ("supervision", set()),
        ("news", set()),
        ("moments", set()),
        ("journal", {"directory", "errors", "moments"}),
        ("metrics", {"errors", "health"}),
    ],
)
def test_the_flow_goes_one_way(module: str, allowed: set[str]) -> None:
    assert rooms(module) <= allowed


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("engine.")])
def test_the_engine_knows_nothing_of_fleets(module: str) -> None:
    assert rooms(module) <= {"engine", "errors"}


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("operations.")])
def test_operations_know_nothing_of_the_command_line(module: str) -> None:
    assert not rooms(module) & {
        "cli", "output", "finding_views", "health_views", "port_views", "status_views", "views", "watch_views",
    }  # fmt: skip


def test_nothing_imports_the_command_line_but_the_program() -> None:
    found = {module for module in MODULES if "cli" in rooms(module)}
    assert {module for module in found if not module.startswith("cli.")} == {"__main__"}


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("cli.")])
def test_commands_leave_the_engine_to_operations(module: str) -> None:
    assert rooms(module) <= {
        "__version__",
        "cli",
        "errors",
        "operations",
        "output",
        "finding_views",
        "health_views",
        "port_views",
        "status_views",
        "views",
        "watch_views",
    }


def test_the_values_of_a_fleet_file_need_nothing_but_pydantic() -> None:
    found = {name.split(".")[0] for name in imports(MODULES["fleet_values"])}
    assert found - sys.stdlib_module_names == {"pydantic", "idlehands_deploy"}


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_longer_than_a_person_reads_at_once(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 320
