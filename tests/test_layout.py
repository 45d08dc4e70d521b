"""How the tests themselves are laid out."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent
FILES = sorted(TESTS.rglob("*.py"))
MOST_LINES = 400


def imported(path: Path) -> Iterator[str]:
    """The modules that a file may have asked for: `from a import b` may mean the module `a.b`."""
    package = path.relative_to(TESTS.parent).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, *([node.module] if node.module else [])))
            yield from (f"{module}.{name.name}" for name in node.names)


def is_a_test_file(module: str) -> bool:
    parts = module.split(".")
    return parts[0] == "tests" and any(part == "conftest" or part.startswith("test_") for part in parts)


def test_no_test_file_is_longer_than_a_person_reads() -> None:
    lengths = {str(path.relative_to(TESTS)): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_what_test_files_share_lies_in_the_support_package() -> None:
    crossed = {
        str(path.relative_to(TESTS)): [name for name in imported(path) if is_a_test_file(name)] for path in FILES
    }
    assert {name: modules for name, modules in crossed.items() if modules} == {}
