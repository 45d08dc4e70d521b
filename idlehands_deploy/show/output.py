"""Print data on standard output, and messages on standard error."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from idlehands_deploy.remedies import Command, Remedy
from idlehands_deploy.show.layout.table import fitted_table, plain_table
from idlehands_deploy.show.layout.wrapping import cells, terminal_width, wrap, wrap_lines, wrap_remedy
from idlehands_deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import TextIO

    from rich.console import Console, Group
    from rich.status import Status
    from rich.text import Text

    from idlehands_deploy.errors import DeployError
    from idlehands_deploy.show.layout.table import Column, Piece

_COLOURS = {
    "ready": "green", "degraded": "yellow", "starting": "cyan", "draining": "cyan", "stopped": "dim",
}  # fmt: skip


_directory: list[Path] = []


def remember_directory(directory: Path | None) -> None:
    """Keep the ``-C`` of this call, to repeat it in the commands that messages suggest."""
    _directory[:] = [] if directory is None else [directory]


def written(text: str | Remedy) -> str:
    """A text for the terminal: each command in it names the deployment directory of this call."""
    return text.text(_command_line) if isinstance(text, Remedy) else text


def _command_line(command: Command) -> str:
    if not _directory or command.words[:1] == ("-C",):
        return str(command)
    return str(Command(("-C", str(_directory[0]), *command.words), command.as_root))


class StderrProgress:
    """Progress on standard error: a status line on a terminal, one line per change in a pipe."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._lock = threading.Lock()
        self._now: dict[str, str] = {}
        self._began = time.monotonic()
        self._status: Status | None = None

    def say(self, text: str | Remedy) -> None:
        """Print a line that stays."""
        said = "\n".join(_wrapped(text, sys.stderr))
        with self._lock:
            if self._status is None:
                _tell(said)
            else:
                self._status.console.print(said, markup=False, highlight=False, soft_wrap=True)

    def update(self, subject: str, text: str) -> None:
        """Show the current state of a subject."""
        with self._lock:
            if self._now.get(subject) == text:
                return
            self._now[subject] = text
        if self._terminal:
            self._show()
        else:
            self.say(f"{subject}: {text}")

    def close(self) -> None:
        """Remove the status line."""
        with self._lock:
            if self._status is not None:
                self._status.stop()
                self._status = None

    def __rich__(self) -> Text:
        """The status line; rich asks for it repeatedly, so that its seconds count on between two changes."""
        from rich.text import Text  # noqa: PLC0415

        lines = [f"{subject}: {text}" for subject, text in self._now.copy().items()]
        return Text.assemble("\n".join(lines), (f"  {time.monotonic() - self._began:.0f} s", "dim"))

    def _show(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - slow to load, and only for terminals

        with self._lock:
            if self._status is None:
                self._status = Console(stderr=True).status(self)
                self._status.start()
            else:
                self._status.update(self)


def show_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: on a terminal in colour and as wide as that is, in a pipe as aligned plain text."""
    rows = _clean(rows)
    if not is_terminal():
        for line in plain_table(columns, rows):
            show(line)
        return
    console = _console()
    for text in _table_texts(columns, rows):
        console.print(text, soft_wrap=True)


class Line(NamedTuple):
    """A line of a result: a label and a text, which a narrow terminal breaks between words."""

    label: str
    label_style: str
    text: str | Remedy
    style: str = ""


def show_lines(lines: Sequence[Line]) -> None:
    """Print lines, with their styles on a terminal and as plain text in a pipe."""
    if not sys.stdout.isatty():
        for line in lines:
            show(line.label + printable(written(line.text)))
        return
    from rich.text import Text  # noqa: PLC0415 - slow to load, and only for terminals

    console, width = _console(), terminal_width(sys.stdout)
    for line in lines:
        first, *others = _beside_label(line, width)
        console.print(Text.assemble((line.label, line.label_style), (printable(first), line.style)), soft_wrap=True)
        for text in others:
            console.print(Text(printable(text), line.style), soft_wrap=True)


def _beside_label(line: Line, width: int) -> list[str]:
    """The lines of a text beside its label: the first without it, the others indented as far."""
    indent = " " * cells(line.label)
    if isinstance(line.text, Remedy):
        first, *others = wrap_remedy(line.text, width - len(indent), _command_line)
        return [first, *(indent + other.removeprefix("  ") for other in others)]
    first, *others = wrap(line.text, width - len(indent))
    return [first, *(indent + other for other in others)]


def show(text: str) -> None:
    """Print a line of data."""
    try:
        print(text)  # noqa: T201
    except OSError as error:
        _fail(error)


def show_line(text: str | Remedy) -> None:
    """Print a line of a result for a person; a terminal that is too narrow for it gets several."""
    for line in _wrapped(text, sys.stdout):
        show(printable(line))


def fitted(text: str) -> str:
    """A text for standard error, broken between words where that is a terminal that is too narrow for it."""
    return "\n".join(_wrapped(text, sys.stderr))


def flush() -> None:
    """Write buffered data now: at exit, Python would report an error in its own way."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _fail(error)


def _tell(text: str) -> None:
    """Print a message; where that is not possible, the command and its exit code matter more."""
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        # Else Python would try again at its end, and exit with 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _fail(error: OSError) -> NoReturn:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):  # the reader closed the pipe, as `| head` does
        sys.exit(141)
    _tell(f"Error: the output cannot be written: {error.strerror}.")
    sys.exit(2)


def show_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Print JSON for a script."""
    show(json.dumps(value, indent=2))


def show_error(error: DeployError) -> None:
    """Print what happened and, on the next line, what to do."""
    what = "\n".join(_wrapped(f"Error: {error.what}", sys.stderr))
    remedy = "\n".join(_wrapped(error.remedy, sys.stderr))
    if not sys.stderr.isatty():
        _tell(f"{what}\n{remedy}")
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    label, _, rest = what.partition(" ")
    Console(stderr=True, soft_wrap=True).print(
        Text.assemble((label, "bold red"), " ", rest, "\n", (remedy, "cyan")), highlight=False
    )


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def show_now(text: str) -> None:
    """Print a line of data and flush it, for a reader that waits for it."""
    show(printable(text))
    flush()


class LiveTable:
    """A table with lines below it, redrawn in place once a second and by ``refresh``.

    Args:
        content: returns the current rows and lines.
    """

    def __init__(
        self, columns: Sequence[Column], content: Callable[[], tuple[list[tuple[str, ...]], list[str | Remedy]]]
    ) -> None:
        from rich.live import Live  # noqa: PLC0415 - slow to load, and only for terminals

        self._columns = columns
        self._content = content
        self._live = Live(get_renderable=self._draw, refresh_per_second=1)

    def refresh(self) -> None:
        """Redraw it now."""
        self._live.refresh()

    def __enter__(self) -> LiveTable:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def _draw(self) -> Group:
        from rich.console import Group  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        rows, lines = self._content()
        below = [Text(printable(part)) for line in lines for part in _wrapped(line, sys.stdout)]
        return Group(*_table_texts(self._columns, _clean(rows)), *below)


def _clean(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[printable(cell) for cell in row] for row in rows]


def _console() -> Console:
    from rich.console import Console  # noqa: PLC0415 - slow to load, and only for terminals

    return Console(highlight=False)


def _table_texts(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[Text]:
    from rich.text import Text  # noqa: PLC0415 - slow to load, and only for terminals

    lines = fitted_table(columns, rows, terminal_width(sys.stdout))
    return [Text.assemble(*((piece.text, _style(piece)) for piece in line)) for line in lines]


def _style(piece: Piece) -> str:
    if piece.is_header:
        return "bold"
    return _COLOURS.get(piece.text.strip(), "red") if piece.column == "STATE" else ""


def _wrapped(text: str | Remedy, stream: TextIO) -> list[str]:
    """The lines of a text for a stream: in a pipe it stays as it is."""
    if not stream.isatty():
        return [written(text)]
    width = terminal_width(stream)
    return wrap_lines(text, width) if isinstance(text, str) else wrap_remedy(text, width, _command_line)
