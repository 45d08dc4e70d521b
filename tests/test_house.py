"""The house: which package may import which, as CONTRIBUTING.md lists them."""

from __future__ import annotations

import ast
import functools
from typing import TYPE_CHECKING

import pytest

from tests.support.house import MODULES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "idlehands_deploy"
LEAVES = ("text", "timestamps", "remedies", "errors", "findings", "progress")
# A package may import those before it, and itself. What only type checkers read counts too.
ORDER = (
    *LEAVES, "contract", "fleet", "targets", "gateway", "host", "engine", "deployment", "isolation", "health",
    "planning", "redaction", "state", "importing", "watch", "doctor", "rescue", "operations", "show", "api", "web",
    "cli", "__main__",
)  # fmt: skip
# These do not import each other, although one stands before the other.
APART = ("doctor", "watch", "importing", "rescue")
PURE = ("fleet", "targets")
OUTSIDE = {"docker", "requests", "subprocess", "socket", "psutil", "time", "threading"}


@functools.cache
def imports(path: Path, *, types: bool = True) -> tuple[str, ...]:
    """Whatever the module imports, also inside of functions.

    Args:
        types: with what only type checkers read.
    """
    return tuple(_imports(path, types=types))


def _imports(path: Path, *, types: bool) -> Iterator[str]:
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not types:
            pending += node.orelse
        else:
            pending += ast.iter_child_nodes(node)


def importers(*libraries: str) -> set[str]:
    return {
        module
        for module, path in MODULES.items()
        if any(name.split(".")[0] in libraries for name in imports(path, types=False))
    }


def package(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def packages(module: str) -> set[str]:
    """Our own packages that a module imports."""
    own = {name.removeprefix(f"{NAME}.") for name in imports(MODULES[module]) if name.startswith(f"{NAME}.")}
    return {package(name) for name in own} - {"__version__"}


@pytest.mark.parametrize("module", [name for name in MODULES if name != "__init__"])
def test_a_package_imports_only_those_before_it(module: str) -> None:
    own = package(module)
    before = ORDER[: ORDER.index(own)]
    assert packages(module) - {own} <= set(before)


@pytest.mark.parametrize("module", [name for name in MODULES if package(name) in APART])
def test_packages_that_stand_apart_do_not_import_each_other(module: str) -> None:
    assert not packages(module) & (set(APART) - {package(module)})


@pytest.mark.parametrize("module", LEAVES)
def test_leaves_import_only_leaves(module: str) -> None:
    assert packages(module) <= set(LEAVES)


def test_only_the_engine_talks_to_docker() -> None:
    assert {package(module) for module in importers("docker")} == {"engine"}


def test_only_the_engine_and_the_host_start_processes() -> None:
    assert {package(module) for module in importers("subprocess")} == {"engine", "host"}


@pytest.mark.parametrize(
    ("library", "module"),
    [
        ("requests", "gateway.probe"),
        ("websocket", "gateway.channel"),
        ("prometheus_client", "watch.metrics"),
        ("re2", "redaction.scan"),
        ("filelock", "host.file_lock"),
    ],
)
def test_a_library_that_reaches_out_has_one_importer(library: str, module: str) -> None:
    assert importers(library) == {module}


@pytest.mark.parametrize("module", [name for name in MODULES if package(name) in {"engine", "host"}])
def test_the_engine_and_the_host_know_no_fleet(module: str) -> None:
    assert not packages(module) & {"fleet", "targets", "gateway"}


@pytest.mark.parametrize("module", [name for name in MODULES if package(name) in PURE])
def test_what_is_left_of_the_engine_touches_neither_docker_nor_the_network_nor_the_clock(module: str) -> None:
    assert not importers(*OUTSIDE) & {module}


def test_the_values_of_a_fleet_file_need_no_library_but_pydantic() -> None:
    ours_and_standard = {
        "pydantic",
        NAME,
        "__future__",
        "collections",
        "hashlib",
        "ipaddress",
        "re",
        "typing",
        "urllib",
    }
    assert {name.split(".")[0] for name in imports(MODULES["fleet.values"])} <= ours_and_standard


@pytest.mark.parametrize("module", [name for name in MODULES if package(name) == "cli"])
def test_commands_leave_the_work_to_operations(module: str) -> None:
    assert packages(module) <= {*LEAVES, "cli", "deployment", "operations", "show", "web"}


@pytest.mark.parametrize("module", [name for name in MODULES if package(name) == "web"])
def test_the_page_knows_the_fleet_through_operations_and_views_alone(module: str) -> None:
    assert packages(module) <= {*LEAVES, "web", "operations", "show"}


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_longer_than_a_person_reads_at_once(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES.values()}))
def test_no_folder_holds_more_modules_than_a_person_overlooks(folder: Path) -> None:
    assert len(list(folder.glob("*.py"))) <= 15
