"""What may stand beside the store: analyses, each a folder of small Parquet tables with a version of its own.

    BUNDLE/analyses/<name>/analysis.json    name, version, bundle_id, created_by, settings, rows and hash of each table
    BUNDLE/analyses/<name>/<table>.parquet

The store holds what every page needs. An analysis can be added to a finished bundle, and a bundle without it, or with
one of another version, opens all the same. This is the contract between `precompute/analyses/`, which computes them,
and the explorer, which shows those that are there. `version` rises with every change to an analysis' tables.

Read `Analysis`; each stands in a module of its own, with its rows and the queries that return them, and all of them in
`known.py`. The files are written and read by `files.py`.
"""

from typing import Literal, NamedTuple

FOLDER = "analyses"
"""In a bundle, beside the store."""

ColumnType = Literal["VARCHAR", "BOOLEAN", "INTEGER", "REAL", "DOUBLE"]


class Column(NamedTuple):
    """One column of a table."""

    name: str
    type: ColumnType
    meaning: str
    """With its unit or range."""
    optional: bool = False
    """It may be NULL."""


class Table(NamedTuple):
    """One table; its rows lie sorted by `sorted_by`."""

    name: str
    """Of the file, and of the table in the reader's memory: not that of another table of store or analyses."""
    columns: tuple[Column, ...]
    sorted_by: tuple[str, ...]


class Analysis(NamedTuple):
    """What one analysis is called, holds and needs."""

    name: str
    """The folder below `analyses/`, and what `python -m precompute` calls it."""
    version: int
    meaning: str
    reads: tuple[str, ...]
    """Stages of the run whose results it is computed from."""
    tables: tuple[Table, ...]
    own_command: str = ""
    """That computes it, where `analyse` does not."""

    def command(self, bundle: str = "BUNDLE") -> str:
        """What a shell runs to add it to a finished bundle."""
        what = f"{self.own_command} {bundle}" if self.own_command else f"analyse {bundle} {self.name}"
        return f"python -m precompute {what}"
