from __future__ import annotations

import json
from collections import Counter

from idlehands_deploy.targets.seccomp import seccomp_text


def refused() -> list[str]:
    return [
        name
        for group in json.loads(seccomp_text())["syscalls"]
        if group["action"] == "SCMP_ACT_ERRNO"
        for name in group["names"]
    ]


def test_a_process_that_is_root_in_its_own_namespace_still_cannot_mount_or_load_anything() -> None:
    assert {
        "mount", "umount2", "pivot_root", "setns", "init_module", "finit_module", "kexec_load", "reboot",
        "bpf", "keyctl", "open_by_handle_at", "io_uring_setup", "userfaultfd", "process_vm_writev",
    } <= set(refused())  # fmt: skip


def test_chromium_keeps_what_its_sandbox_is_made_of() -> None:
    assert not {"clone", "clone3", "unshare", "chroot", "ptrace", "seccomp", "prctl"} & set(refused())


def test_no_call_is_named_twice() -> None:
    assert [name for name, count in Counter(refused()).items() if count > 1] == []


def test_the_same_text_is_written_every_time() -> None:
    assert seccomp_text() == seccomp_text()
