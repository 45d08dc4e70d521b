"""The seccomp profile of the containers: denies the calls that Docker denies, but allows Chromium's sandbox.

Docker's default profile lets only privileged processes create namespaces, so that Chromium needs ``--no-sandbox``.
This one allows user namespaces and denies the rest of Docker's list
(https://docs.docker.com/engine/security/seccomp/): a process that is root in its own namespace still cannot mount
anything or load code into the kernel. Unlike Docker's profile it allows calls that it does not know.
"""

from __future__ import annotations

import functools
import json

# The calls that Docker documents as blocked by default, with one reason per group.
_DENIED = {
    "the clock is the host's": ["adjtimex", "clock_adjtime", "clock_settime", "settimeofday", "stime"],
    "the kernel and its modules are the host's": [
        "create_module", "delete_module", "finit_module", "get_kernel_syms", "init_module", "kexec_file_load",
        "kexec_load", "query_module", "reboot", "swapoff", "swapon", "syslog", "uselib", "_sysctl",
    ],
    "keys are not in a namespace": ["add_key", "keyctl", "request_key"],
    "mounts are fixed when the container starts": [
        "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount", "open_tree",
        "pivot_root", "umount", "umount2",
    ],
    "namespaces of others are not for joining": ["setns"],
    "a way around the mounts": ["name_to_handle_at", "open_by_handle_at"],
    "hardware": ["ioperm", "iopl", "vm86", "vm86old"],
    "other processes and their memory": [
        "kcmp", "lookup_dcookie", "perf_event_open", "pidfd_getfd", "process_vm_readv", "process_vm_writev",
    ],
    "memory placement is the host's": ["mbind", "migrate_pages", "move_pages", "set_mempolicy"],
    "a history of escapes": [
        "bpf", "fanotify_init", "io_uring_enter", "io_uring_register", "io_uring_setup", "userfaultfd",
    ],
    "accounting and quotas are the host's": ["acct", "quotactl", "quotactl_fd"],
    "obsolete": ["nfsservctl", "personality", "sysfs", "ustat", "vhangup"],
}  # fmt: skip

# The second names are for the 32-bit calls that a 64-bit kernel also accepts.
_ARCHITECTURES = {
    "SCMP_ARCH_X86_64": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    "SCMP_ARCH_AARCH64": ["SCMP_ARCH_ARM"],
}


@functools.cache
def seccomp_text() -> str:
    """The profile in Docker's JSON format."""
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "archMap": [{"architecture": name, "subArchitectures": others} for name, others in _ARCHITECTURES.items()],
        "syscalls": [
            {"names": names, "action": "SCMP_ACT_ERRNO", "comment": reason} for reason, names in _DENIED.items()
        ],
    }
    return json.dumps(profile, indent=2) + "\n"
