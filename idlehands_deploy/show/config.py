"""A gateway's config, and what was found in it, for people and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idlehands_deploy.text import count, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from idlehands_deploy.health.config_check import ConfigCheck
    from idlehands_deploy.operations.config import ConfigText, Saved
    from idlehands_deploy.remedies import Remedy


def text_lines(texts: Sequence[ConfigText], *, terminal: bool) -> Iterator[str]:
    """The files of a config, each under its name if there are several.

    Args:
        terminal: whether a person reads them, whose terminal a gateway's text must not control.
    """
    for item in texts:
        if len(texts) > 1:
            yield f"// {item.place}"
        lines = item.text.removesuffix("\n").split("\n")
        yield from (printable(line.replace("\t", "    ")) if terminal else line for line in lines)


def check_lines(checks: Sequence[ConfigCheck]) -> Iterator[str | Remedy]:
    """What each gateway says of its config: each problem as ``path: problem``, then how to mend it."""
    for item in checks:
        if not item.problems:
            asked = (
                "accepts its config" if item.is_its_own else "was not asked: nothing is plainly wrong with its config"
            )
            yield f"{item.profile} {asked}."
            continue
        yield f"{item.profile} refuses its config, {item.file}:"
        yield from (f"  {problem}" for problem in item.problems)
        yield from item.remedies


def checks_json(checks: Sequence[ConfigCheck]) -> list[dict[str, Any]]:
    """One object per profile."""
    return [
        {
            "profile": item.profile,
            "file": str(item.file),
            "accepted": not item.problems,
            "asked": item.is_its_own,
            "problems": [{"path": problem.path, "problem": problem.problem} for problem in item.problems],
        }
        for item in checks
    ]


def saved_lines(name: str, saved: Saved) -> Iterator[str | Remedy]:
    """What was saved, what was lost, and what takes effect when."""
    if saved.file is None:
        yield "Nothing was changed: it is so already."
        return
    yield f"Saved {saved.file}."
    if saved.lost:
        yield f"Gone with what was replaced: {count(len(saved.lost), 'comment')}:"
        yield from (f"  {printable(comment)}" for comment in saved.lost)
    if not saved.is_asked:
        yield f"{name} could not be asked whether it accepts it: only its syntax was checked."
    if saved.left:
        yield f"{name} does not start yet: what was wrong before still is:"
        yield from (f"  {problem}" for problem in saved.left)
    yield saved.effect
