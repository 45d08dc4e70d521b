"""The seccomp profile of the containers: allows the calls that a gateway, Chromium and common tools make.

Docker's default profile (https://docs.docker.com/engine/security/seccomp/) lets only privileged processes create
namespaces, so that Chromium needs ``--no-sandbox``. This one lets every process create the three kinds that Chromium's
sandbox is made of, and gives a process that is root in its own namespace nothing more: no mount, no raw packet, no
kernel interface beyond what other processes use.

Every other call fails with EPERM. A call that is newer than the engine's libseccomp fails with ENOSYS, since runc and
crun add that; programs then use the older call. Calls of 32-bit programs are not allowed: their ``socketcall`` has its
arguments where a filter does not see them.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ALLOWED: Final = {
    "files": (
        "access chdir chmod chown chroot close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 "
        "fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr "
        "flock fremovexattr fsetxattr fstat fstatfs fsync ftruncate futimesat getcwd getdents getdents64 getxattr "
        "getxattrat ioctl lchown lgetxattr link linkat listxattr listxattrat llistxattr lremovexattr lseek lsetxattr "
        "lstat mkdir mkdirat mknod mknodat newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 pwritev "
        "pwritev2 read readahead readlink readlinkat readv removexattr removexattrat rename renameat renameat2 rmdir "
        "sendfile setxattr setxattrat splice stat statfs statx symlink symlinkat sync sync_file_range syncfs tee "
        "truncate umask unlink unlinkat utime utimensat utimes vmsplice write writev"
    ),
    "events and timers": (
        "alarm clock_getres clock_gettime clock_nanosleep epoll_create epoll_create1 epoll_ctl epoll_pwait "
        "epoll_pwait2 epoll_wait eventfd eventfd2 getitimer gettimeofday inotify_add_watch inotify_init inotify_init1 "
        "inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit nanosleep pause poll "
        "ppoll pselect6 select setitimer signalfd signalfd4 time timer_create timer_delete timer_getoverrun "
        "timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times"
    ),
    "memory": (
        "brk cachestat get_mempolicy madvise map_shadow_stack membarrier memfd_create mincore mlock mlock2 mlockall "
        "mmap mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect "
        "remap_file_pages"
    ),
    "processes and threads": (
        "arch_prctl capget capset execve execveat exit exit_group fork futex futex_requeue futex_wait futex_waitv "
        "futex_wake get_robust_list getcpu getegid geteuid getgid getgroups getpgid getpgrp getpid getppid "
        "getpriority getrandom getresgid getresuid getrlimit getrusage getsid gettid getuid ioprio_get ioprio_set kill "
        "landlock_add_rule landlock_create_ruleset landlock_restrict_self listmount pidfd_open pidfd_send_signal prctl "
        "prlimit64 ptrace restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn "
        "rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min "
        "sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity "
        "sched_setattr sched_setparam sched_setscheduler sched_yield seccomp set_robust_list set_tid_address setfsgid "
        "setfsuid setgid setgroups setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setuid "
        "sigaltstack statmount sysinfo tgkill tkill uname vfork wait4 waitid"
    ),
    "pipes, queues and shared memory": (
        "mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd pipe pipe2 "
        "semctl semget semop semtimedop shmat shmctl shmdt shmget"
    ),
    "sockets, once made": (
        "accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg "
        "sendmsg sendto setsockopt shutdown socketpair"
    ),
}

# Numbers of the kernel's interface: linux/sched.h, linux/socket.h, linux/net.h, linux/in.h, linux/personality.h.
_NEWTIME, _NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000
_KINDS_NOT_OF_CHROMIUM: Final = _NEWNS | _NEWCGROUP | _NEWUTS | _NEWIPC
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_STREAM, _DATAGRAM, _SEQUENCED, _TYPE_BITS = 1, 2, 5, 0xF
_ANY_PROTOCOL, _ICMP, _TCP, _UDP, _ICMP6, _MPTCP = 0, 1, 6, 17, 58, 262
_NETLINK_ROUTE: Final = 0
_PER_LINUX, _ASK_PERSONALITY = 0, 0xFFFFFFFF
_ENOSYS: Final = 38

_SOCKETS: Final = [
    *((family, _STREAM, protocol) for family in (_AF_INET, _AF_INET6) for protocol in (_ANY_PROTOCOL, _TCP, _MPTCP)),
    *((_AF_INET, _DATAGRAM, protocol) for protocol in (_ANY_PROTOCOL, _UDP, _ICMP)),
    *((_AF_INET6, _DATAGRAM, protocol) for protocol in (_ANY_PROTOCOL, _UDP, _ICMP6)),
]


@functools.cache
def seccomp_text() -> str:
    """The profile in Docker's JSON format."""
    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "archMap": [{"architecture": name} for name in ("SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64")],
        "syscalls": list(_rules()),
    }
    return json.dumps(profile, indent=2) + "\n"


def _rules() -> Iterator[Mapping[str, object]]:
    for comment, names in _ALLOWED.items():
        yield _allow(comment, *names.split())
    yield _allow("user, process and network namespaces", "clone", args=[_without(0, _KINDS_NOT_OF_CHROMIUM)])
    yield _allow(
        "user, process and network namespaces", "unshare", args=[_without(0, _KINDS_NOT_OF_CHROMIUM | _NEWTIME)]
    )
    # Its flags are in memory, which a filter does not see; the C library then uses clone.
    yield {
        "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS, "comment": "clone does the same",
    }  # fmt: skip
    for kind in (_STREAM, _DATAGRAM, _SEQUENCED):
        yield _allow("local sockets", "socket", args=[_is(0, _AF_UNIX), _is(1, kind, _TYPE_BITS)])
    for family, kind, protocol in _SOCKETS:
        yield _allow("TCP, UDP and ping", "socket", args=[_is(0, family), _is(1, kind, _TYPE_BITS), _is(2, protocol)])
    yield _allow("addresses and routes", "socket", args=[_is(0, _AF_NETLINK), _is(2, _NETLINK_ROUTE)])
    for value in (_PER_LINUX, _ASK_PERSONALITY):
        yield _allow("no other personality", "personality", args=[_is(0, value)])


def _allow(comment: str, *names: str, args: list[dict[str, object]] | None = None) -> dict[str, object]:
    rule: dict[str, object] = {"names": list(names), "action": "SCMP_ACT_ALLOW", "comment": comment}
    return {**rule, "args": args} if args else rule


def _is(index: int, value: int, mask: int | None = None) -> dict[str, object]:
    if mask is None:
        return {"index": index, "value": value, "op": "SCMP_CMP_EQ"}
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}


def _without(index: int, bits: int) -> dict[str, object]:
    return _is(index, 0, bits)
