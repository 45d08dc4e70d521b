from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.doctor.examine import Diagnosis
from idlehands_deploy.findings import Finding
from idlehands_deploy.remedies import Remedy
from idlehands_deploy.show import findings as views
from tests.support.helpers import run
from tests.support.terminal import WIDTHS, on_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.findings import Level

CHOWN = Remedy("sudo chown -R 1000:1000 /srv/a /srv/b")


def finding(level: Level, place: str, why: str = "it cannot write there", fix: Remedy = CHOWN) -> Finding:
    return Finding(level, place, "belongs to user 0", why, fix)


@pytest.mark.parametrize(
    ("levels", "passes", "passes_strictly"),
    [
        ([], True, True),
        (["note"], True, True),
        (["note", "warning"], True, False),
        (["warning", "error"], False, False),
    ],
)
def test_warnings_alone_are_no_failure_unless_it_is_strict(
    levels: list[Level], *, passes: bool, passes_strictly: bool
) -> None:
    diagnosis = Diagnosis(1, [finding(level, "a") for level in levels])
    assert (diagnosis.passes(strict=False), diagnosis.passes(strict=True)) == (passes, passes_strictly)
    assert views.as_json(diagnosis, strict=True)["ok"] is passes_strictly


def test_findings_that_one_command_mends_stand_above_it_together() -> None:
    found = [
        finding("error", "a"),
        finding("error", "port", "it does not start", Remedy("stop what holds it")),
        finding("error", "b"),
        finding("error", "c", "it cannot read it"),
    ]
    assert views.text(Diagnosis(2, found)) == (
        "error   a: belongs to user 0\n"
        "error   b: belongs to user 0\n"
        "        why: it cannot write there\n"
        "error   c: belongs to user 0\n"
        "        why: it cannot read it\n"
        "        fix for these 3: sudo chown -R 1000:1000 /srv/a /srv/b\n"
        "error   port: belongs to user 0\n"
        "        why: it does not start\n"
        "        fix: stop what holds it\n"
        "4 errors in 2 profiles.\n"
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_the_summary_of_doctor_starts_at_column_one_of_any_terminal(tmp_path: Path, width: int) -> None:
    assert run(tmp_path, "init").returncode == 0
    code, shown = on_terminal(tmp_path, "doctor", width=width)
    assert code == 6
    assert shown[-1] == "1 error in 1 profile."
    assert "".join(shown).startswith("error   Docker Engine: ")


def test_a_deployment_with_warnings_alone_exits_with_6_only_if_it_is_strict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.main import get_command

    from idlehands_deploy.cli import app
    from idlehands_deploy.operations import doctor

    monkeypatch.setattr(doctor, "examine", lambda _: Diagnosis(1, [finding("warning", "a")]))
    monkeypatch.chdir(tmp_path)
    program = get_command(app)
    assert program(["doctor"], standalone_mode=False) in {0, None}
    assert program(["doctor", "--strict"], standalone_mode=False) == 6
