"""The leases by which a gateway knows that nobody else uses its state."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A gateway under another host name would wait five minutes for the owner of such a lease that was killed.
LEASES = ("state_leases", "agent_database_leases")
# A gateway may put into its database what makes a statement endless, such as a trigger; seconds.
CLEARING = 10.0
DATABASES = ("state/*.sqlite", "agents/*/agent/*.sqlite")


def databases(state: Path) -> Iterator[Path]:
    """The databases of a state directory; none behind a link, since root would write somewhere else."""
    for pattern in DATABASES:
        for path in sorted(state.glob(pattern)):
            if path.resolve() == state.resolve() / path.relative_to(state) and path.stat().st_size:
                yield path


@contextmanager
def opened(path: Path, within: float) -> Iterator[sqlite3.Connection]:
    """Open a database for one transaction.

    Args:
        within: time limit; seconds. Whatever runs then fails with ``sqlite3.OperationalError``, and nothing is changed.
    """
    deadline = time.monotonic() + within
    with closing(sqlite3.connect(path)) as database, database:
        database.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)
        yield database


def clear_leases(state: Path) -> None:
    """Forget the owner of a state directory that no gateway uses; a damaged database stays as it is."""
    for path in databases(state):
        with suppress(sqlite3.Error), opened(path, CLEARING) as database:
            for table in LEASES:
                if database.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone():
                    database.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of our own
