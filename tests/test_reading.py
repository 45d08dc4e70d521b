"""What a gateway may have written is read by the bounded reader: each other place that reads says why it may."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.support.house import MODULES

if TYPE_CHECKING:
    from collections.abc import Iterator

# The bounded reader.
READER = "host.file_facts:open_ordinary"
FUNCTIONS = {"open", "read_text"}  # Python's, and that of `host.files`
METHODS = {"read_text", "read_bytes", "open", "iterdir", "glob", "rglob", "walk"}
OF_MODULES = {
    "os.open", "os.scandir", "os.listdir", "os.walk", "os.fwalk", "tarfile.open", "sqlite3.connect",
}  # fmt: skip

# Paths of a deployment, as its attributes.
DEPLOYMENT = {"fleet_file", "compose_file", "seccomp_file", "page_link_file", "rename_file"}

KERNEL = "the kernel's own files"
SYSTEM = "files of this host's administrator"
PACKAGE = "files of this package"
PERSON = "a person's own file, above the directories that a gateway can write"
OURS = "written by this tool, above the directories that a gateway can write"
NAMES = "names alone, and of one directory"
DOWNWARD = "directories alone, by open directories, and no link among them"
MEMORY = "an archive in memory"

# Each place that opens, reads or lists by itself, and why it reads nothing that a gateway writes, or how it is bounded.
ALLOWED = {
    "__main__:_open_missing_streams": "/dev/null",
    "deployment.additions:other_compose_files": PERSON,
    "deployment.belongings:_is_generated": OURS,
    "deployment.belongings:_names": NAMES,
    "deployment.directory:Deployment.in_transaction": NAMES,
    "deployment.locks:_hand_over": OURS,
    "deployment.locks:containers_locked": "a directory above those that a gateway can write, for a lock",
    "doctor.archive:_archive": MEMORY,
    "doctor.bundle:_Collector._profiles": NAMES,
    "doctor.bundle_parts:_listed": "names and sizes of a state and of its `state`, of well-known names alone",
    "doctor.bundle_parts:_proc": KERNEL,
    "doctor.bundle_parts:difference": OURS,
    "doctor.bundle_parts:host_facts": SYSTEM,
    "doctor.bundle_parts:secrets_listing": NAMES,
    "doctor.examine:_examine_generated": OURS,
    "engine.images.build:ca_bundle": SYSTEM,
    "engine.images.context:context_files": PACKAGE,
    "engine.images.context:pack": MEMORY,
    "engine.images.lock:lock_digest": PACKAGE,
    "engine.limits:_number": KERNEL,
    "engine.limits:_of_files": KERNEL,
    "engine.limits:read_limits": KERNEL,
    "engine.usage:_stat": KERNEL,
    "engine.usage:cgroup_paths": KERNEL,
    "engine.usage:memory_in_use": KERNEL,
    "engine.usage:read_counters": KERNEL,
    "fleet.time_zones:_known": PACKAGE,
    "gateway.leases:databases": NAMES,
    "gateway.leases:opened": "a database of a stopped gateway, none behind a link, written to in limited time",
    "gateway.versions:_read": "a version from a database, none behind a link, in limited time",
    "health.deep_check.pages:CdpPage.__init__": "a page of a browser, no file",
    "host.access:dangerous_device": NAMES,
    "host.facts:_available_memory": KERNEL,
    "host.facts:_setting": KERNEL,
    "host.facts:_taken": KERNEL,
    "host.facts:process_mark": KERNEL,
    "host.file_facts:names_in": NAMES,
    "host.file_facts:walk": "names alone, without recursion, and no directory behind a link",
    "host.files:_empty": DOWNWARD,
    "host.files:sync": "nothing in it",
    "host.files:read_text": "for a person's own files and for ours: each of its callers is here",
    "host.files:remove_tree": DOWNWARD,
    "host.gateway_processes:_pids_on_linux": KERNEL,
    "host.handover:make_private": OURS,
    "host.mounts:mounted": KERNEL,
    "host.network.listeners:_read": KERNEL,
    "host.network.reach:_lines": KERNEL,
    "host.owned_files:_write": "a new file, by an open directory",
    "host.packages:_os_release": SYSTEM,
    "host.programs.browser:open_in_browser": "a person's browser, no file",
    "host.systemd:Systemd.matching": SYSTEM,
    "host.systemd:_text": SYSTEM,
    "host.trees.census:_place": "where a link leads; what is there is not opened",
    "host.trees.copier:Copier.file": "any file of a tree is copied, and none of it is kept in memory",
    "host.trees.descent:Descent.enter": DOWNWARD,
    "host.trees.descent:Descent.entries": DOWNWARD,
    "host.trees.descent:_open_above": "up again, to the directory that was there on the way down",
    "host.trees.space:sync_file_system": "nothing in it",
    "host.trees.descent:open_directory": DOWNWARD,
    "host.trees.descent:opened": DOWNWARD,
    "importing.files:_revert_state": NAMES,
    "importing.importer:_journal": NAMES,
    "importing.importer:forget_token": NAMES,
    "importing.journal:read_journal": OURS,
    "importing.lock:import_lock": "a directory above those that a gateway can write, for a lock",
    "importing.native:_database_locks": NAMES,
    "importing.native:_lock_files": NAMES,
    "importing.plan:_is_empty_directory": NAMES,
    "isolation.additions:_directories": NAMES,
    "isolation.native_scan:_state_directories": NAMES,
    "isolation.native_scan:_units": NAMES,
    "isolation.native_scan:user_homes": NAMES,
    "operations.cleanup.destroy:_remove_empty": NAMES,
    "operations.cleanup.destroy:destroy": NAMES,
    "operations.config.edit:edit": "the copy that a person has edited",
    "operations.dashboard:_made": PERSON,
    "operations.generation:check_generated": OURS,
    "planning.cleanup.facts:_adopted": OURS,
    "planning.cleanup.facts:_find_units": SYSTEM,
    "planning.cleanup.facts:_may_delete": NAMES,
    "planning.draft:store": OURS,
    "planning.facts:look_at_files": OURS,
    "planning.reach:_shown": OURS,
    "planning.rename_files:check_rename": NAMES,
    "redaction.known_secrets:given_secrets": NAMES,
    "show.output:_fail": "/dev/null",
    "show.output:_tell": "/dev/null",
    "state.journal:read_journal": OURS,
    "state.snapshots:_values": OURS,
    "state.trees:_holds_something": NAMES,
    "state.trees:read_mark": "a note of ours, in a directory above those that a gateway can write",
    "watch.journal:_Handler._open": OURS,
    "watch.journal:locked": OURS,
    "watch.journal:read_entries": OURS,
    "web.handler:": PACKAGE,
}


def places(tree: ast.AST, module: str, within: str = "") -> Iterator[str]:
    """Where a module opens, reads or lists: ``module:function``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from places(node, module, f"{within}.{node.name}".lstrip("."))
            continue
        if isinstance(node, ast.Call) and _reads(node.func) and not _is_deployment_s(node):
            yield f"{module}:{within}"
        yield from places(node, module, within)


def _reads(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id in FUNCTIONS
    if not isinstance(function, ast.Attribute):
        return False
    owner = ast.unparse(function.value)
    if owner in {"os", "tarfile", "sqlite3"}:
        return f"{owner}.{function.attr}" in OF_MODULES
    return function.attr in METHODS


def _is_deployment_s(call: ast.Call) -> bool:
    """Whether it reads one of the files beside the profiles, which are a person's or ours."""
    file = call.args[0] if call.args else None
    return isinstance(call.func, ast.Name) and isinstance(file, ast.Attribute) and file.attr in DEPLOYMENT


FOUND = {
    place for module, path in MODULES.items() for place in places(ast.parse(path.read_text(encoding="utf-8")), module)
}


def test_only_the_bounded_reader_reads_what_a_gateway_may_have_written() -> None:
    """A new place uses ``read_ordinary`` of ``host.file_facts``, or says in the table why it need not."""
    assert sorted(FOUND - ALLOWED.keys() - {READER}) == []


def test_the_table_of_other_places_holds_none_that_is_gone() -> None:
    assert sorted(ALLOWED.keys() - FOUND) == []
    assert READER in FOUND


@pytest.mark.parametrize(
    "call",
    [
        "path.read_text()", "path.read_bytes()", "path.open()", "open(path)", "os.open(path, 0)", "os.scandir(path)",
        "os.listdir(path)", "path.iterdir()", "path.glob('*')", "path.rglob('*')", "os.walk(path)", "os.fwalk(path)",
        "path.walk()", "tarfile.open(path)", "sqlite3.connect(path)", "read_text(path)", "(path / 'x').read_text()",
    ],
)  # fmt: skip
def test_each_way_to_read_is_seen(call: str) -> None:
    source = f"class Some:\n    def read(self, path):\n        return [{call} for _ in 'x']\n"
    assert list(places(ast.parse(source), "some")) == ["some:Some.read"]
