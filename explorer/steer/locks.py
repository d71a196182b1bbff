"""Residues that must not change: what the reader names, and what annotation offers.

Read `read`, then `offered`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from protsae.errors import InputError
from protsae.store.rows import AnnotationRow

_PIECE = re.compile(r"[A-Za-z]?(\d{1,6})(?:\s*[-\u2013:]\s*[A-Za-z]?(\d{1,6}))?")
MOST_OFFERED_SHARE = 0.6
"""A kind that covers more of the chain, a whole domain say, is not offered for locking."""


class Offer(NamedTuple):
    """One kind of annotation whose residues can be locked."""

    kind: str
    residues: tuple[int, ...]
    """From 1, ascending."""


def read(text: str, length: int) -> tuple[int, ...]:
    """Residues as a reader writes them, e.g. "34, 57-60, H102"; from 1, ascending.

    Raises:
        InputError: a piece is no residue of the chain.
    """
    found: set[int] = set()
    for piece in filter(None, re.split(r"[,;\s]+(?![-\u2013:])", re.sub(r"\s*([-\u2013:])\s*", r"\1", text.strip()))):
        matched = _PIECE.fullmatch(piece)
        if matched is None:
            raise InputError(f"{piece[:30]!r} is no residue: write numbers and ranges, such as 34, 57-60.")
        first = int(matched[1])
        last = int(matched[2] or first)
        if not 1 <= first <= last <= length:
            raise InputError(f"{piece[:30]!r} does not lie in residues 1 to {length}.")
        found.update(range(first, last + 1))
    return tuple(sorted(found))


def written(residues: Iterable[int]) -> str:
    """The same as text, neighbours as ranges."""
    parts: list[list[int]] = []
    for residue in sorted(residues):
        if parts and parts[-1][1] == residue - 1:
            parts[-1][1] = residue
        else:
            parts.append([residue, residue])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in parts)


def offered(annotations: Sequence[AnnotationRow], length: int) -> list[Offer]:
    """Kinds of annotation of a protein, the shortest first; none that covers most of the chain."""
    kinds: dict[str, set[int]] = {}
    for row in annotations:
        kinds.setdefault(row.kind, set()).update(range(row.start_pos, min(row.end_pos, length) + 1))
    fit = [Offer(kind, tuple(sorted(found))) for kind, found in kinds.items()]
    return sorted(
        (one for one in fit if 0 < len(one.residues) <= MOST_OFFERED_SHARE * length),
        key=lambda one: (len(one.residues), one.kind),
    )
