"""A few measured things side by side as bars of HTML: names, lengths and numbers, for eyes and for screen readers.

Read `bars`.
"""

from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from protsae.store.rows import Role


class Drawn(NamedTuple):
    """One bar."""

    name: str
    share: float
    """Of the full length, 0 to 1; what lies beyond is cut."""
    text: str
    role: Role | None = None
    """Whose colour it takes; None: a yardstick, grey."""


def bars(rows: Iterable[Drawn], scale: str) -> str:
    """A table whose second column is drawn; `scale` says what the lengths are."""
    lines = "".join(
        f'<tr><th scope="row">{escape(row.name)}</th><td><span class="ps-bar"><i style="width:'
        f'{100 * min(max(row.share, 0.0), 1.0):.1f}%;background:{_colour(row.role)}"></i></span></td>'
        f"<td>{escape(row.text)}</td></tr>"
        for row in rows
    )
    return f'<table class="ps-bars">{lines}</table><div class="ps-small ps-soft">{escape(scale)}</div>'


def _colour(role: Role | None) -> str:
    return "var(--ps-missing)" if role is None else f"var(--ps-{role})"
