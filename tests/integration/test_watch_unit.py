"""`install --watch` on a host that boots with systemd."""

from __future__ import annotations

import pytest

from tests.support.machine import HOME, ROOTLESS, SYSTEM, TOOL, WATCH, Machine
from tests.support.site import until

pytestmark = pytest.mark.engine


def test_the_watch_starts_at_once_and_after_a_kill_and_at_each_boot(machine: Machine) -> None:
    machine.write(f"{SYSTEM}/{WATCH}.d/tool.conf", TOOL)
    said = machine.done("install", "--watch")
    assert said == f"{WATCH} runs the watch now and after each boot. Read its log: journalctl -u {WATCH}\n"
    assert machine.run("systemd-analyze", "verify", f"{SYSTEM}/{WATCH}") == (0, "", "")
    # The fake service has no engine, and the watch reports that.
    until("what it sees", lambda: machine.journal()[1:] or None)
    assert {entry.get("state") for entry in machine.journal()[1:]} == {"unknown"}
    first = until("a watch", machine.watch_runs)
    machine.ok("sh", "-c", f"kill -9 {first}")
    until("another", lambda: machine.watches() == 2 or None)
    machine.reboot()
    until("a third", lambda: machine.watches() == 3 or None)
    assert not machine.is_up()


@pytest.mark.full
def test_the_watch_runs_as_the_fleet_file_s_owner_if_they_may_use_the_engine_else_as_root(machine: Machine) -> None:
    machine.ok("chown", "-R", "person", "/srv/bots")
    machine.write(f"{SYSTEM}/{WATCH}.d/tool.conf", TOOL)
    machine.done("install", "--watch")
    assert machine.systemctl("show", "-P", "User", WATCH) == ""
    machine.ok("python3", "-c", "import socket; socket.socket(socket.AF_UNIX).bind('/var/run/docker.sock')")
    machine.ok("chown", "root:person", "/var/run/docker.sock")
    machine.ok("chmod", "660", "/var/run/docker.sock")
    machine.done("install", "--watch")
    assert machine.systemctl("show", "-P", "User", WATCH) == "person"
    until("what root's watch wrote is theirs", machine.watch_runs)
    assert machine.ok("stat", "--format", "%U", "/srv/bots/watch/journal.jsonl") == "person\n"


def test_root_s_watch_writes_in_another_user_s_deployment_and_nowhere_else(machine: Machine) -> None:
    machine.ok("sh", "-c", "chown -R person /srv/bots; chmod 700 /srv/bots; mkdir /root/kept /srv/kept")
    tried = ("/srv/bots", "/srv/kept", "/etc", "/usr", "/var/lib", "/run", "/run/systemd/system", HOME, "/root/kept")
    # It runs within the limits of the service.
    before = f"ExecStartPre=-touch {' '.join(f'{place}/tried' for place in tried)}\n"
    machine.write(f"{SYSTEM}/{WATCH}.d/tool.conf", TOOL + before)
    machine.done("install", "--watch")
    process = until("a watch", machine.watch_runs)
    until("what it sees", lambda: machine.journal()[1:] or None)
    assert [place for place in tried if machine.run("test", "-e", f"{place}/tried")[0] == 0] == ["/srv/bots"]
    assert machine.ok("stat", "--format", "%U", "/srv/bots/watch/journal.jsonl") == "person\n"
    status = machine.ok("cat", f"/proc/{process}/status").split("\n")
    assert {"CapEff:\t0000000000000003", "NoNewPrivs:\t1", "Seccomp:\t2"} <= set(status)
    machine.ok("systemd-analyze", "security", "--threshold=30", WATCH)


@pytest.mark.full
def test_uninstall_ends_the_watch_alone_or_with_the_rest(machine: Machine) -> None:
    before = machine.files()
    machine.done("install", "--watch", "--metrics", "127.0.0.1:9464", "--dashboard", "127.0.0.1:18700")
    command = machine.ok("cat", f"{SYSTEM}/{WATCH}")
    assert '"--metrics" "127.0.0.1:9464" "--dashboard" "127.0.0.1:18700"' in command
    assert machine.done("uninstall", "--watch") == "Stopped the watch and removed its unit.\n"
    assert (machine.files(), machine.is_up(WATCH)) == (before, False)
    assert machine.done("uninstall", "--watch") == "The watch had no unit.\n"
    machine.done("install")
    machine.done("install", "--watch")
    assert machine.done("uninstall").endswith("Stopped the watch and removed its unit.\n")
    assert machine.files() == before


@pytest.mark.full
def test_the_watch_s_unit_is_valid_for_systemd_with_any_directory_name(machine: Machine) -> None:
    odd = '/srv/50% "of"\\x41 $it\n[Service]'
    machine.fleet("main", at=odd)
    machine.write(f"{SYSTEM}/{WATCH}.d/tool.conf", TOOL)
    machine.done("install", "--watch", at=odd)
    assert machine.run("systemd-analyze", "verify", f"{SYSTEM}/{WATCH}") == (0, "", "")
    until("a watch of that directory", lambda: machine.journal(odd)[1:] or None)


def test_a_user_s_own_service_manager_runs_the_watch_too(machine: Machine, persons: Machine) -> None:
    root_s = machine.files()
    persons.write(f"{HOME}/.config/systemd/user/{WATCH}.d/tool.conf", TOOL)
    said = persons.done("install", "--watch", at=f"{HOME}/bots", DOCKER_HOST=ROOTLESS)
    assert f"journalctl --user -u {WATCH}" in said
    until("a watch", persons.watch_runs)
    until("what it sees", lambda: persons.journal(f"{HOME}/bots")[1:] or None)
    assert ROOTLESS.removeprefix("unix://") in persons.journal(f"{HOME}/bots")[1]["reason"]
    assert machine.files() == root_s
    persons.done("uninstall", "--watch", at=f"{HOME}/bots", DOCKER_HOST=ROOTLESS)
    assert not persons.is_up(WATCH)
