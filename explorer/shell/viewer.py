"""The protein view of a page, with what the reader keeps of it in the address: `residue`, `range`, `row` and `style`.

Read `kept`, then `show`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from explorer.components.protein_view import STYLES, Kept, StripRow, StructureView, protein_view
from explorer.services.refs import FeatureRef
from explorer.shell import address, frame, takeaway
from protsae.errors import InputError

_NUMBER = re.compile(r"[1-9][0-9]{0,5}")
_CODE = re.compile(r"(.+?) ([0-9]+)(?: |$)")
_SPAN = re.compile(r"([1-9][0-9]{0,5})-([1-9][0-9]{0,5})")


def read(params: Mapping[str, str], length: int, n_rows: int) -> Kept:
    """What an address keeps of a chain of `length` residues with `n_rows` rows; without rows any may be meant.

    Raises:
        InputError: a residue, a range or a row lies outside of it, or no structure is drawn so.
    """
    residue, span, row = (params.get(name) for name in ("residue", "range", "row"))
    if residue is not None and not (_NUMBER.fullmatch(residue) and int(residue) <= length):
        raise InputError(f"residue={residue[:20]!r} is no residue of this chain; they are numbered 1 to {length}.")
    ends = _SPAN.fullmatch(span) if span is not None else None
    if span is not None and not (ends and int(ends[1]) <= int(ends[2]) <= length):
        raise InputError(f"range={span[:20]!r} is no range of this chain, such as 1-{length}.")
    if row is not None and n_rows and not (_NUMBER.fullmatch(row) and int(row) <= n_rows):
        raise InputError(f"row={row[:20]!r} is no row of this view; they are numbered 1 to {n_rows}.")
    style = STYLES.get(params.get("style", Kept().style))
    if style is None:
        raise InputError(f"style={params['style'][:20]!r} is no way to draw a structure: {', '.join(STYLES)}.")
    return Kept(
        residue=int(residue) if residue else None,
        span=(int(ends[1]), int(ends[2])) if ends else None,
        row=int(row) - 1 if row else 0,
        style=style,
    )


def kept(length: int, n_rows: int) -> Kept:
    """What the page's address keeps; nothing where it cannot be read, which `show` says."""
    try:
        return read(st.query_params, length, n_rows)
    except InputError:
        return Kept()


def write(now: Kept) -> None:
    """Put it into the address."""
    address.write(
        residue=str(now.residue) if now.residue else None,
        range="{}-{}".format(*now.span) if now.span else None,
        row=str(now.row + 1) if now.row else None,
        style=now.style if now.style != Kept().style else None,
    )


def show(
    *,
    key: str,
    sequence: str,
    rows: Sequence[StripRow],
    name: str = "",
    structure: StructureView | None = None,
    **how: Any,
) -> None:
    """`protein_view` under the address, with files of the picture and of the coloured structure."""
    problem = ""
    try:
        now = read(st.query_params, len(sequence), len(rows))
    except InputError as error:
        now, problem = Kept(), str(error)
    scale = frame.settings().scale
    refs = [ref for row in rows if (ref := _ref(row)) is not None]
    with takeaway.figure(key, f"Activation along {name or 'the sequence'}", refs=refs, scale=scale):
        protein_view(
            key=key, sequence=sequence, rows=rows, name=name, structure=structure, kept=now, on_kept=write, **how
        )
    colours = rows[now.row] if rows else None
    if structure is not None and colours is not None and (ref := _ref(colours)) is not None:
        takeaway.structure(f"files_{key}", colours, structure, protein=name or "sequence", ref=ref, scale=scale)
    if problem:
        frame.say(problem)


def _ref(row: StripRow) -> FeatureRef | None:
    """The feature that a row shows, where it shows one."""
    found = _CODE.match(row.code)
    return FeatureRef(found[1], int(found[2])) if found else None


alone = st.fragment(frame.guarded(show))
"""`show` where nothing else on the page depends on what is kept: only the view is drawn anew."""
