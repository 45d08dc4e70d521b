from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.errors import DeployError, FleetError, UsageError
from idlehands_deploy.host.files import remove_tree
from idlehands_deploy.operations import generation, profiles
from idlehands_deploy.planning import draft
from tests.support.engine import FakeEngine, with_fakes
from tests.support.helpers import session, snapshot

if TYPE_CHECKING:
    from pathlib import Path


def dropped(root: Path, text: str, name: str) -> str:
    """The fleet file after a profile was taken out of it."""
    (root / "fleet.yaml").write_text(dedent(text), encoding="utf-8")
    draft.drop(session(root), name)
    return (root / "fleet.yaml").read_text(encoding="utf-8")


def asked(root: Path, name: str) -> list[str]:
    """What a purge asks before it deletes; the answer is no."""
    questions: list[str] = []

    def no(question: str) -> bool:
        questions.append(question)
        return False

    with pytest.raises(UsageError, match="nothing was changed"):
        profiles.remove(session(root), name, purge=True, confirm=no)
    return questions


def test_a_purge_asks_about_the_profile_s_own_directories_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_fakes(monkeypatch, FakeEngine(None))
    profiles.init(session(tmp_path), ["main", "rescue"])
    before = snapshot(tmp_path)
    assert asked(tmp_path, "rescue") == [
        f"Delete {tmp_path}/profiles/rescue and {tmp_path}/secrets/rescue for good, "
        "with rescue's sessions and credentials?"
    ]
    assert snapshot(tmp_path) == before


def test_deleting_a_profile_s_secrets_keeps_a_neighbour_s(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main", "rescue"])
    deployment = Deployment(tmp_path)
    remove_tree(deployment.secrets_directory("rescue"))
    assert not (tmp_path / "secrets" / "rescue").exists()
    assert deployment.secret_file("main", "IDLEHANDS_GATEWAY_TOKEN").exists()


def test_the_secrets_of_a_profile_lie_in_a_directory_of_its_name(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    assert deployment.secrets_directory("rescue") == tmp_path / "secrets" / "rescue"
    assert deployment.secret_file("rescue", "A").parent == deployment.secrets_directory("rescue")


COMMENTED = """\
# of the file
profiles:
  # of first
  first: {port: 20000}  # beside first
  # of middle
  middle:
    # within middle
    port: 21000  # beside its port
    resources:
      memory: 3g
      # last within middle
  # of last
  last: {port: 22000}
# of the end
"""


def test_removing_the_first_profile_keeps_the_comments_of_what_follows(tmp_path: Path) -> None:
    assert dropped(tmp_path, COMMENTED, "first") == COMMENTED.replace(
        "  first: {port: 20000}  # beside first\n", ""
    )  # fmt: skip


def test_removing_a_middle_profile_of_many_lines_takes_the_comments_within_it_alone(tmp_path: Path) -> None:
    lines = COMMENTED.splitlines(keepends=True)
    assert dropped(tmp_path, COMMENTED, "middle") == "".join(lines[:5] + lines[11:])


def test_removing_the_last_profile_keeps_the_comments_at_the_end(tmp_path: Path) -> None:
    assert dropped(tmp_path, COMMENTED, "last") == COMMENTED.replace("  last: {port: 22000}\n", "")


@pytest.mark.parametrize(
    "settings", ["", " {}", " {port: 20000}", "\n    port: 20000", "\n    # only\n    port: 20000\n"]
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_profile_of_any_form_is_removed_from_any_place(tmp_path: Path, settings: str, place: int) -> None:
    others = ["  a: {port: 30000}\n", "  b:\n    port: 31000\n"]
    gone = f"  gone:{settings}".rstrip("\n") + "\n"
    text = "profiles:\n" + "".join([*others[:place], gone, *others[place:]]) + "name: mine  # kept\n"
    assert dropped(tmp_path, text, "gone") == "profiles:\n" + "".join(others) + "name: mine  # kept\n"


@pytest.mark.parametrize("form", ["main:", "main: {}", "main: {port: 20000}", "main:\n    port: 20000"])
def test_the_only_profile_can_be_removed(tmp_path: Path, form: str) -> None:
    text = dropped(tmp_path, f"name: mine  # kept\nprofiles:\n  {form}\n", "main")
    assert text.startswith("name: mine  # kept\n")
    assert session(tmp_path).fleet().profiles == {}


@pytest.mark.parametrize(
    "form", ["rescues: [gone]", "rescues: [gone, b]", "rescues: ['gone']", "rescues:\n    - gone\n    - b"]
)
def test_a_removed_profile_s_name_is_dropped_from_what_others_rescue(tmp_path: Path, form: str) -> None:
    text = f"profiles:\n  # of a\n  a:\n    port: 20000\n    {form}\n  gone: {{}}\n  # of b\n  b: {{port: 21000}}\n"
    kept = dropped(tmp_path, text, "gone")
    assert "gone" not in session(tmp_path).fleet().profiles["a"].rescues
    assert "  # of a\n" in kept
    assert "  # of b\n" in kept


def test_a_profile_whose_name_is_part_of_another_s_is_removed_alone(tmp_path: Path) -> None:
    text = "profiles:\n  a: {port: 20000}\n  a-b: {port: 21000, rescues: [a-c]}\n  a-c: {port: 22000}\n"
    assert dropped(tmp_path, text, "a") == text.replace("  a: {port: 20000}\n", "")


def test_a_profile_within_braces_can_be_removed(tmp_path: Path) -> None:
    dropped(tmp_path, "profiles: {a: {port: 20000}, b: {port: 21000}}\n", "a")
    assert list(session(tmp_path).fleet().profiles) == ["b"]


def test_a_removed_profile_that_others_take_settings_from_is_refused_or_leaves_them_as_they_were(
    tmp_path: Path,
) -> None:
    text = "profiles:\n  a: &shared {port: 20000, publish: {cdp: false}}\n  b: {<<: *shared, port: 21000}\n"
    (tmp_path / "fleet.yaml").write_text(text, encoding="utf-8")
    before = session(tmp_path).fleet().profiles["b"]
    try:
        draft.drop(session(tmp_path), "a")
    except FleetError as error:
        assert "profiles.a: take it out yourself" in str(error)  # noqa: PT017 - a refusal is an answer too
    assert session(tmp_path).fleet().profiles["b"] == before


MERGED = """\
profiles:
  <<: {gone: {port: 20000}}
  kept: {port: 21000}
"""


def test_a_profile_that_comes_from_a_merge_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(MERGED, encoding="utf-8")
    generation.generate(session(tmp_path))
    before = snapshot(tmp_path)
    for change in (draft.drop, draft.draft_without):
        with pytest.raises(DeployError) as caught:
            change(session(tmp_path), "gone")
        assert caught.value.exit_code == 2
        assert "profiles.gone: take it out yourself: the tool cannot in a file of this form" in str(caught.value)
    assert snapshot(tmp_path) == before


def test_a_profile_that_cannot_be_taken_out_is_refused_before_its_files_are_asked_about(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(MERGED, encoding="utf-8")
    with pytest.raises(FleetError):
        profiles.remove(session(tmp_path), "gone", purge=True, confirm=lambda _: pytest.fail("asked"))
