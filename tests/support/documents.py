"""The documents as data: the commands that they show, with what comes of each, and the links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tests.support.helpers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "images/gateway/README.md", *ROOT.glob("docs/*.md")]
MULTIPLE_GATEWAYS = ROOT / "docs/multiple-gateways.md"
STATE = ROOT / "docs/state.md"


class Step(NamedTuple):
    """A command of a console block.

    Attributes:
        code: the exit code that a comment at the command's end names, else 0.
        shown: its output as the document has it, with ``...`` in the place of what is left out.
    """

    command: str
    code: int
    shown: str


def steps(text: str) -> Iterator[Step]:
    """Every command of a document's console blocks, in order."""
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for command, shown in re.findall(r"^\$ ((?:.*\\\n)*.*\n)((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            code = re.search(r"#.*\bexit (\d+)$", command.strip())
            yield Step(command.strip(), int(code[1]) if code else 0, shown)


def shows(step: Step, output: str) -> bool:
    """Whether a document shows this output: all of it, but for ``...`` in a line or in the place of lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + r"\n"
        for line in _even(step.shown).splitlines()
    )
    return re.fullmatch(pattern, _even(output)) is not None


def _even(text: str) -> str:
    """The text without what differs from run to run: how long something is up, and the room that this takes."""
    ageless = re.sub(r"\b\d+[smhd]\b", "0s", text)
    return "".join(f"{' '.join(line.split())}\n" for line in ageless.splitlines())


def own_commands(text: str) -> Iterator[str]:
    """Every command line of ours in a document, in a block or within a sentence."""
    sources = [step.command for step in steps(text)] + re.findall(r"`([^`\n]+)`", text)
    for source in sources:
        if found := re.match(r"(?:\./)?idlehands-deploy (.+)", source, re.DOTALL):
            yield found[1].replace("\\\n", " ")


def links(text: str) -> Iterator[tuple[str, str]]:
    """Path and fragment of every link to a file of this project; either can be empty."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target:
            path, _, fragment = target.partition("#")
            yield path, fragment


def fragments(text: str) -> set[str]:
    """The fragments that a document's headings can be reached by."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
