from __future__ import annotations

import errno
import os
import shutil
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.locks import containers_locked
from idlehands_deploy.errors import EngineUnreachableError, NotReadyError, StateRefusedError, UsageError
from idlehands_deploy.gateway.probe import Answer, GatewayAnswers, GatewayProbe
from idlehands_deploy.operations import lifecycle, profiles
from idlehands_deploy.operations.state import snapshots
from idlehands_deploy.state import trees, verbs
from idlehands_deploy.state.transaction import ToldInterrupt, recover
from tests.support.containers import RUNNING
from tests.support.engine import AWAY, commands
from tests.support.kills import each_kill
from tests.support.natives import everything
from tests.support.states import content, here, kept_aside, left_over, put_back, two_states

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.fake_site import FakeSite

# Killed at each of some 200 changes, or at every nineteenth.
STEP = 1 if "IDLEHANDS_TEST_EXAMPLES" in os.environ else 19
# Whether the gateway runs.
BOTH = pytest.mark.parametrize("runs", [False, True], ids=["stopped", "running"])


def test_going_back_is_told_before_it_is_done(site: FakeSite) -> None:
    first, _, _ = two_states(site, runs=True)
    plan = snapshots.prepare_rollback(site.session, "main", first, 180).plan
    new = plan.changes[-1].how[1].removesuffix(".in").rpartition(".")[2]
    assert plan.lines == [
        f"main: snapshot {first} copied (0 MB)",
        f"main: container stopped{AWAY}",
        f"main: state, workspace and home exchanged for those of {first}; what is there now becomes snapshot {new}",
        "main: container started",
        "main: must be ready within 180 s, or all is put back as it was",
    ]


@BOTH
def test_going_back_puts_everything_back_and_keeps_what_was_there(site: FakeSite, *, runs: bool) -> None:
    first, old, new = two_states(site, runs=runs)
    done = snapshots.rollback(site.session, "main", first, 5)
    assert here(site) == old
    assert (done is not None and done.failure is None) if runs else done is None
    kept = snapshots.list_snapshots(site.session, ["main"])[-1]
    assert kept.reason == f"before a rollback to {first}"
    assert content(site.root / "snapshots/main" / kept.id) == new
    assert left_over(site) == []


def test_a_gateway_that_runs_is_stopped_first_and_started_again(site: FakeSite) -> None:
    first, _, _ = two_states(site, runs=True)
    commands(site.compose)
    snapshots.rollback(site.session, "main", first, 5)
    assert commands(site.compose) == ["stop main", "start main"]


def test_going_back_twice_is_going_forth(site: FakeSite) -> None:
    first, _, new = two_states(site, runs=False)
    snapshots.rollback(site.session, "main", first, 5)
    snapshots.rollback(site.session, "main", None, 5)
    assert here(site) == new


def test_a_gateway_that_is_not_ready_with_the_snapshot_gets_everything_back(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, new = two_states(site, runs=True)

    def ask(*_: object) -> GatewayAnswers:
        answer = Answer(200, {"ready": True, "status": "started"}) if here(site) == new else Answer(503)
        return GatewayAnswers(answer, answer)

    monkeypatch.setattr(GatewayProbe, "ask", ask)
    commands(site.compose)
    with pytest.raises(NotReadyError, match="main is not ready after 1 s"):
        snapshots.rollback(site.session, "main", first, 1)
    assert here(site) == new
    assert commands(site.compose)[2:] == ["stop --timeout 5 main", "start main"]
    kept, failed = snapshots.list_snapshots(site.session, ["main"])
    assert (kept.id, failed.reason) == (first, "what a gateway made of a rollback that was undone")
    assert left_over(site) == []


@pytest.mark.parametrize("verb", ["copy", "exchange", "note", "start", "prove"])
def test_ctrl_c_puts_everything_back_and_says_so(site: FakeSite, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    first, _, new = two_states(site, runs=True)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(verbs._VERBS, verb, _once(interrupt, verbs._VERBS[verb]))
    with pytest.raises(ToldInterrupt, match=r"Interrupted: the rollback of main was undone\."):
        snapshots.rollback(site.session, "main", first, 5)
    assert here(site) == new
    assert left_over(site) == []
    assert site.engine.there["main"].state == "running"


@BOTH
def test_whatever_kills_it_the_next_command_makes_it_whole(site: FakeSite, *, runs: bool) -> None:
    first, old, new = two_states(site, runs=runs)
    before = kept_aside(site)
    killed = 0

    def prepare() -> Callable[[], object]:
        put_back(site, before)
        return lambda: snapshots.rollback(site.session, "main", first, 5)

    for number in each_kill(prepare, STEP):
        killed += 1
        said = list(recover(site.session))
        assert here(site) in (old, new), number
        assert left_over(site) == [], number
        undone = "A rollback of main was interrupted, and is undone now: main has its state of before."
        finished = "A rollback of main was interrupted when it had succeeded, and is finished now."
        assert here(site) == {undone: new, finished: old}.get(said[0] if said else "", here(site))
    assert here(site) == old
    assert killed > 5


def test_whatever_kills_the_undoing_the_next_command_undoes_it(site: FakeSite) -> None:
    first, _, new = two_states(site, runs=False)
    interrupted = _killed_after_exchange(site, first)

    def prepare() -> Callable[[], object]:
        put_back(site, interrupted)
        return lambda: list(recover(site.session))

    for number in each_kill(prepare, STEP):
        list(recover(site.session))
        assert here(site) == new, number
        assert left_over(site) == [], number


@pytest.mark.parametrize("ignored", [False, True], ids=["in a terminal", "under nohup"])
def test_a_terminal_that_is_closed_undoes_it_and_nohup_keeps_it(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch, *, ignored: bool
) -> None:
    first, old, new = two_states(site, runs=False)
    exchange = verbs._VERBS["exchange"]

    def hung_up(run: verbs.Run, how: verbs.How) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        exchange(run, how)

    monkeypatch.setitem(verbs._VERBS, "exchange", hung_up)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        snapshots.rollback(site.session, "main", first, 5)
    except ToldInterrupt as interrupt:
        said = str(interrupt)
    else:
        said = ""
    finally:
        signal.signal(signal.SIGHUP, before)
    assert said == ("" if ignored else "Interrupted: the rollback of main was undone.")
    assert (here(site), left_over(site)) == (old if ignored else new, [])


def test_what_comes_in_is_on_the_disk_before_it_is_exchanged(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    first, old, new = two_states(site, runs=False)
    synced: list[str] = []

    def noted(directory: Path) -> None:
        there = "new" if here(site) == new else "old" if here(site) == old else "mixed"
        synced.append(f"{directory.suffix or 'snapshot'} while {there} is in place")

    # A test double: a power cut cannot be had here. Without this, it could leave files that are named and empty.
    monkeypatch.setattr(trees, "sync_file_system", noted)
    snapshots.rollback(site.session, "main", first, 5)
    assert synced[0] == ".in while new is in place"


def test_one_that_was_proven_is_finished_and_not_undone(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    first, old, new = two_states(site, runs=True)

    def killed(*_: object) -> None:
        raise _Killed

    with monkeypatch.context() as patch:
        patch.setitem(verbs._VERBS, "place", killed)
        with pytest.raises(_Killed):
            snapshots.rollback(site.session, "main", first, 5)
    assert list(recover(site.session)) == [
        "A rollback of main was interrupted when it had succeeded, and is finished now."
    ]
    assert (here(site), left_over(site)) == (old, [])
    assert content(site.root / "snapshots/main" / snapshots.list_snapshots(site.session, ["main"])[-1].id) == new


def test_what_a_gateway_wrote_before_a_rollback_was_undone_is_kept(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, new = two_states(site, runs=True)

    def killed(*_: object) -> None:
        raise _Killed

    with monkeypatch.context() as patch:
        patch.setitem(verbs._VERBS, "prove", killed)
        patch.setattr("idlehands_deploy.state.transaction._undo", lambda *_: None)
        with pytest.raises(_Killed):
            snapshots.rollback(site.session, "main", first, 5)
    (site.root / "profiles/main/state/written-meanwhile").touch()
    list(recover(site.session))
    assert here(site) == new
    kept = snapshots.list_snapshots(site.session, ["main"])[-1]
    assert (site.root / "snapshots/main" / kept.id / "state/written-meanwhile").exists()


def test_no_other_command_goes_on_where_one_was_cut_off(site: FakeSite) -> None:
    first, _, _ = two_states(site, runs=True)
    _killed_after_exchange(site, first)
    commands: list[Callable[[], object]] = [
        lambda: profiles.rename(site.session, "main", "other", 5),
        lambda: lifecycle.start(site.session, ["main"], 5),
    ]
    for work in commands:
        with pytest.raises(StateRefusedError, match="is being changed by another command, or was"):
            work()


def test_a_second_rollback_undoes_the_first_that_was_cut_off_before_it_begins(site: FakeSite) -> None:
    first, old, _ = two_states(site, runs=False)
    _killed_after_exchange(site, first)
    snapshots.rollback(site.session, "main", first, 5)
    assert (here(site), left_over(site)) == (old, [])


def test_a_link_in_the_place_of_a_cache_leaves_out_nothing_else(site: FakeSite) -> None:
    _, _, new = two_states(site, runs=False)
    (site.root / "profiles/main/state/tmp").symlink_to("agents")
    (site.root / "profiles/main/workspace/gateway.my.lock").touch()
    (made,) = snapshots.create(site.session, ["main"])
    copy = content(site.root / "snapshots/main" / made.id)
    assert copy.keys() == {*new, "state/tmp", "workspace/gateway.my.lock"}


def test_a_snapshot_that_lacks_a_directory_is_refused(site: FakeSite) -> None:
    first, _, new = two_states(site, runs=False)
    shutil.rmtree(site.root / "snapshots/main" / first / "state")
    with pytest.raises(StateRefusedError, match="state is not there"):
        snapshots.rollback(site.session, "main", first, 5)
    assert (here(site), left_over(site)) == (new, [])


def test_an_interrupted_one_that_cannot_be_undone_stays_for_the_next_command(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, new = two_states(site, runs=True)
    _killed_after_exchange(site, first)

    def refuse(_: object) -> None:
        raise EngineUnreachableError("No engine.", "Start it.")

    with monkeypatch.context() as patch:
        patch.setattr(type(site.session), "engine", refuse)
        with pytest.raises(EngineUnreachableError):
            list(recover(site.session))
    list(recover(site.session))
    assert here(site) == new


def test_one_that_another_command_carries_out_is_left_alone(site: FakeSite) -> None:
    first, _, new = two_states(site, runs=False)
    _killed_after_exchange(site, first)
    with containers_locked(site.session.deployment, ["main"], pytest.fail, recovers=True):
        assert list(recover(site.session)) == []
    list(recover(site.session))
    assert here(site) == new


def test_on_a_file_system_without_locks_a_running_one_is_left_alone(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, new = two_states(site, runs=False)
    monkeypatch.setattr("fcntl.flock", _no_locks)
    seen: list[int] = []

    def from_another_process(*_: object) -> None:
        child = os.fork()
        if child == 0:
            os._exit(len(list(recover(site.session))))
        seen.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    monkeypatch.setitem(verbs._VERBS, "note", from_another_process)
    snapshots.rollback(site.session, "main", first, 5)
    assert seen == [0]
    assert here(site) != new


def _no_locks(*_: object) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


def test_a_damaged_journal_is_named_and_nothing_is_touched(site: FakeSite) -> None:
    two_states(site, runs=False)
    journal = site.root / ".transactions" / "main.json"
    journal.write_text('{"version": 2}')
    before = everything(site.root)
    with pytest.raises(StateRefusedError, match="cannot be read by this version"):
        list(recover(site.session))
    assert everything(site.root) == before


def test_a_journal_that_leads_elsewhere_is_refused(site: FakeSite) -> None:
    two_states(site, runs=False)
    run = verbs.Run(site.session, "main", ())
    for path in ("profiles/rescue/state", "snapshots/main/../../profiles", "/etc", "snapshots/main//etc"):
        with pytest.raises(StateRefusedError):
            verbs.do(run, ("delete", path))


def test_the_only_copy_of_a_state_is_never_deleted(site: FakeSite) -> None:
    two_states(site, runs=False)
    here_, copy = site.root / "profiles/main", site.root / "snapshots/main/.new"
    copy.mkdir()
    (here_ / "state").rename(copy / "state")
    with pytest.raises(StateRefusedError, match="may be the only copy"):
        trees.delete_copy(here_, copy)
    assert (copy / "state").is_dir()


def test_what_cannot_be_gone_back_to_is_refused_and_nothing_is_changed(site: FakeSite) -> None:
    first, _, _ = two_states(site, runs=False)
    site.engine.becomes(replace(RUNNING, state="paused"))
    before = here(site)
    with pytest.raises(StateRefusedError, match="main is paused"):
        snapshots.rollback(site.session, "main", first, 5)
    with pytest.raises(UsageError, match="rescue has no snapshot"):
        snapshots.rollback(site.session, "rescue", None, 5)
    with pytest.raises(UsageError, match="main has no snapshot 2001"):
        snapshots.rollback(site.session, "main", "2001", 5)
    assert (here(site), left_over(site)) == (before, [])


def test_a_directory_that_is_a_link_is_refused(site: FakeSite) -> None:
    first, _, _ = two_states(site, runs=False)
    workspace = site.root / "profiles/main/workspace"
    workspace.rename(site.root.parent / f"{site.root.name}-elsewhere")
    workspace.symlink_to(site.root.parent / f"{site.root.name}-elsewhere")
    with pytest.raises(StateRefusedError, match="workspace is a link"):
        snapshots.rollback(site.session, "main", first, 5)


def _killed_after_exchange(site: FakeSite, first: str) -> Path:
    """The deployment as a kill leaves it in the middle of its exchange."""
    with pytest.MonkeyPatch.context() as patch:
        exchange = trees.exchange

        def cut_off(here: Path, incoming: Path, outgoing: Path) -> None:
            exchange(here, incoming, outgoing)
            raise _Killed

        patch.setattr(trees, "exchange", cut_off)
        patch.setattr("idlehands_deploy.state.transaction._undo", lambda *_: None)
        # Else a child of this process would take it for alive.
        patch.setattr("idlehands_deploy.state.journal.process_mark", lambda _: "")
        with pytest.raises(_Killed):
            snapshots.rollback(site.session, "main", first, 5)
    return kept_aside(site)


class _Killed(BaseException):
    pass


def _once(first: Callable[..., None], then: Callable[..., None]) -> Callable[..., None]:
    calls = iter([first])

    def call(*arguments: object) -> None:
        function = next(calls, then)
        function(*arguments)

    return call
