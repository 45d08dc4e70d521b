"""`install` and `uninstall` on a host with systemd: the host is a container, and its restart is a reboot."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.support.machine import HOME, ROOTLESS, SYSTEM, Machine
from tests.support.site import until

pytestmark = pytest.mark.engine


def test_install_makes_the_next_boot_start_the_engine_and_starts_nothing_now(machine: Machine) -> None:
    machine.reboot()
    assert not machine.is_up()
    assert machine.done("install", "main") == (
        "main comes back after a reboot if it was up then: idlehands-bots.main.target starts its engine.\n"
    )
    assert not machine.is_up()
    machine.reboot()
    assert machine.is_up()
    assert machine.is_up("idlehands-bots.main.target")


def test_uninstall_removes_every_unit_and_stops_nothing_and_the_next_boot_starts_no_engine(machine: Machine) -> None:
    before = machine.files()
    machine.done("install")
    machine.reboot()
    assert machine.done("uninstall") == (
        "main no longer starts its engine at boot.\nrescue no longer starts its engine at boot.\n"
    )
    assert machine.files() == before
    assert machine.systemctl("list-units", "--all", "--plain", "--no-legend", "idlehands-*") == ""
    assert machine.is_up()
    machine.reboot()
    assert not machine.is_up()
    assert machine.done("uninstall", "main") == "main had no unit.\n"


@pytest.mark.full
def test_the_units_are_valid_for_systemd_with_any_directory_name(machine: Machine) -> None:
    odd = '/srv/50% "of"\\x41 $it\n[Service]'
    machine.fleet("main", at=odd)
    # An administrator's umask must not hide the unit from other users.
    code, _, said = machine.run(
        "sh", "-c", 'umask 077; exec python3 -m idlehands_deploy -C "$1" install', "sh", odd, PYTHONPATH="/opt/tool"
    )
    assert code == 0, said
    unit = "idlehands-bots.main.target"
    assert machine.run("systemd-analyze", "verify", f"{SYSTEM}/{unit}") == (0, "", "")
    assert machine.ok("stat", "--format", "%a", f"{SYSTEM}/{unit}") == "644\n"
    where = odd.replace("\n", " ")
    assert machine.systemctl("show", "-P", "Description", unit) == f"IdleHands gateway main of bots in {where}"


@pytest.mark.full
def test_installing_twice_changes_nothing(machine: Machine) -> None:
    first = machine.done("install")
    before = machine.files()
    assert machine.done("install") == first
    assert machine.files() == before


@pytest.mark.full
def test_after_one_profile_s_uninstall_the_other_still_starts_the_engine(machine: Machine) -> None:
    machine.done("install")
    machine.done("uninstall", "main")
    assert "idlehands-bots.main" not in machine.files()
    machine.reboot()
    assert machine.is_up()


@pytest.mark.full
def test_deployments_with_similar_names_have_separate_units(machine: Machine) -> None:
    machine.fleet("eu-main", "rescue")
    machine.fleet("main", name="bots-eu", at="/srv/eu")
    machine.done("install", "eu-main")
    before = machine.files()
    machine.done("install", at="/srv/eu")
    machine.done("uninstall", at="/srv/eu")
    assert machine.files() == before
    machine.reboot()
    assert machine.is_up()


@pytest.mark.full
def test_the_unit_of_a_removed_profile_is_uninstalled_by_its_name_and_with_all(machine: Machine) -> None:
    before = machine.files()
    machine.fleet("main", "rescue", "third")
    machine.done("install")
    machine.fleet("main")
    assert machine.done("uninstall", "rescue") == "rescue no longer starts its engine at boot.\n"
    assert "third" in machine.done("uninstall")
    assert machine.files() == before
    assert machine.deploy("uninstall", "rescue")[0] == 2


@pytest.mark.full
def test_an_engine_that_starts_at_boot_by_itself_needs_no_unit(machine: Machine) -> None:
    machine.ok("systemctl", "enable", "docker.service")
    before = machine.files()
    assert machine.done("install", "main") == (
        "main comes back after a reboot if it was up then: its engine starts by itself.\n"
    )
    assert machine.files() == before


@pytest.mark.full
def test_an_engine_that_is_enabled_until_the_next_boot_only_needs_one(machine: Machine) -> None:
    machine.ok("systemctl", "enable", "--runtime", "docker.service")
    machine.done("install")
    machine.reboot()
    assert machine.is_up()


@pytest.mark.full
def test_an_engine_that_does_not_start_does_not_stop_the_rest_of_the_boot(machine: Machine) -> None:
    machine.done("install")
    machine.write(f"{SYSTEM}/docker.service.d/broken.conf", "[Service]\nType=oneshot\nExecStart=\nExecStart=false\n")
    machine.container.restart(timeout=30)
    until("the boot is over", lambda: machine.systemctl("is-system-running", "--wait") == "degraded" or None)
    assert machine.is_up("multi-user.target")
    assert not machine.is_up("idlehands-bots.main.target")


def test_a_masked_or_missing_engine_unit_is_reported_and_nothing_is_written(machine: Machine) -> None:
    machine.ok("mv", f"{SYSTEM}/docker.service", "/usr/lib/systemd/system/docker.service")
    machine.ok("systemctl", "mask", "docker.service")
    before = machine.files()
    assert machine.deploy("install") == (
        2,
        "",
        "Error: docker.service is masked, so systemd refuses to start it.\n"
        "Permit it: sudo systemctl unmask docker.service\n",
    )
    assert machine.files() == before
    machine.ok("systemctl", "unmask", "docker.service")
    machine.ok("rm", "/usr/lib/systemd/system/docker.service")
    machine.ok("systemctl", "daemon-reload")
    code, _, said = machine.deploy("install")
    assert (code, said.splitlines()[0]) == (
        2,
        "Error: systemd has no docker.service, so it cannot start the engine.",
    )


def test_a_user_without_permission_gets_the_sudo_command_and_changes_nothing(machine: Machine) -> None:
    machine.done("install", "rescue")
    before = machine.files()
    person = machine.as_person()
    for command, profile in (("install", "main"), ("uninstall", "rescue")):
        assert person.deploy(command, profile) == (
            2,
            "",
            f"Error: Cannot write {SYSTEM}/idlehands-bots.{profile}.target: Permission denied.\n"
            f"Run this as root: sudo idlehands-deploy -C /srv/bots {command}\n",
        )
    assert machine.files() == before


def test_a_user_s_own_engine_starts_at_boot_and_neither_touches_the_other_s(machine: Machine, persons: Machine) -> None:
    before, root_s = persons.files(), machine.files()
    persons.done("install", "main", at=f"{HOME}/bots", DOCKER_HOST=ROOTLESS)
    assert machine.files() == root_s
    machine.done("install", "main")
    machine.done("uninstall", "main")
    persons.container.restart(timeout=30)
    persons.wait_until_booted()
    assert persons.is_up()
    assert not machine.is_up()
    persons.done("uninstall", "main", at=f"{HOME}/bots", DOCKER_HOST=ROOTLESS)
    assert persons.files() == before


@pytest.mark.full
def test_the_engine_of_the_current_docker_context_is_used(machine: Machine, persons: Machine) -> None:
    # As the set-up script of a rootless engine leaves it.
    meta = f"{HOME}/.docker/contexts/meta/{hashlib.sha256(b'rootless').hexdigest()}/meta.json"
    persons.write(meta, json.dumps({"Name": "rootless", "Metadata": {}, "Endpoints": {"docker": {"Host": ROOTLESS}}}))
    persons.write(f"{HOME}/.docker/config.json", json.dumps({"currentContext": "rootless"}))
    before = machine.files()
    persons.done("install", "main", at=f"{HOME}/bots")
    assert machine.files() == before
    assert persons.systemctl("is-enabled", "idlehands-bots.main.target") == "enabled"


def test_with_services_that_start_at_login_the_result_says_how_to_start_them_at_boot(
    machine: Machine, persons: Machine
) -> None:
    # The service manager keeps running, as for a user who is logged in.
    machine.ok("rm", "/var/lib/systemd/linger/person")
    assert persons.done("install", "main", at=f"{HOME}/bots", DOCKER_HOST=ROOTLESS) == (
        "main comes back after a reboot, once person has logged in (or at boot, after: sudo loginctl enable-linger "
        "person), if it was up then: idlehands-bots.main.target starts its engine.\n"
    )
    assert persons.deploy("install", at=f"{HOME}/bots", DOCKER_HOST=ROOTLESS, XDG_RUNTIME_DIR="/nowhere")[0] == 5
