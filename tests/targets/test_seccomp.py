from __future__ import annotations

import json
from collections import Counter
from typing import Any

from idlehands_deploy.targets.seccomp import seccomp_text


def rules() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = json.loads(seccomp_text())["syscalls"]
    return rules


def allowed() -> list[str]:
    """The calls that are allowed with all arguments."""
    whole = [rule for rule in rules() if rule["action"] == "SCMP_ACT_ALLOW" and "args" not in rule]
    return [name for rule in whole for name in rule["names"]]


def test_a_call_that_is_not_listed_is_refused() -> None:
    assert json.loads(seccomp_text())["defaultAction"] == "SCMP_ACT_ERRNO"
    assert not {
        "mount", "umount2", "pivot_root", "setns", "init_module", "finit_module", "kexec_load", "reboot", "keyctl",
        "bpf", "open_by_handle_at", "open_tree_attr", "io_uring_setup", "userfaultfd", "process_vm_writev",
    } & set(allowed())  # fmt: skip


def test_calls_that_are_filtered_by_argument_are_nowhere_allowed_without() -> None:
    filtered = {name for rule in rules() if "args" in rule for name in rule["names"]}
    assert filtered == {"clone", "unshare", "socket", "personality"}
    # One rule without arguments would win over all that have some.
    assert not (filtered | {"clone3", "socketcall"}) & set(allowed())


def test_the_c_library_is_told_that_clone3_does_not_exist() -> None:
    assert [(rule["action"], rule["errnoRet"]) for rule in rules() if "clone3" in rule["names"]] == [
        ("SCMP_ACT_ERRNO", 38)
    ]


def test_chromium_keeps_what_its_sandbox_is_made_of() -> None:
    assert {"chroot", "ptrace", "seccomp", "prctl", "capset", "setresuid"} <= set(allowed())


def test_programs_of_other_architectures_make_no_call() -> None:
    assert [each for each in json.loads(seccomp_text())["archMap"] if "subArchitectures" in each] == []


def test_no_call_is_named_twice() -> None:
    assert [name for name, count in Counter(allowed()).items() if count > 1] == []


def test_the_same_text_is_written_every_time() -> None:
    assert seccomp_text() == seccomp_text()
