"""Filters, order and page of the list of all results; all of it stands in the address.

Read `Asked`, then `kept`.
"""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd
import streamlit as st

from explorer.draw import words
from explorer.shell import frame
from explorer.shell.bound import bound, number

PARAMETERS = ("list", "sub", "grade", "f1", "rare", "origin", "space", "organism", "sort", "at")
"""Query parameters that a new search drops."""

GRADES = {"all": "Any", "confirmed": "Strong or weak", "strong": "Strong"}
ORIGINS = {"all": "Any", "defined": "Guided", "free": "Free"}
SPACES = {"all": "Any", "yes": "With a structure", "no": "Without"}
DENSEST = 100.0
"""Percent of residues: no limit."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "terms": ("sub", "grade", "f1", "rare"),
    "features": ("sub", "grade", "f1", "rare", "origin", "space"),
    "proteins": ("space", "organism"),
    "sites": ("grade", "f1", "rare"),
}
"""What each kind of result can be filtered by."""

SORTS: Mapping[str, Mapping[str, str]] = {
    "terms": {
        "match": "Best match",
        "f1": "Held-out F1",
        "proteins": "Proteins",
        "rare": "Rarest firing",
        "name": "Name",
    },
    "features": {"match": "Best match", "f1": "Held-out F1", "rare": "Rarest firing", "number": "Number"},
    "proteins": {"match": "Best match", "name": "Name", "organism": "Organism", "length": "Length"},
    "sites": {"match": "Most proteins", "f1": "Held-out F1", "name": "Name"},
}
_BY = {
    "f1": ("f1", False),
    "proteins": ("n_proteins", False),
    "rare": ("density", True),
    "name": ("name", True),
    "organism": ("organism", True),
    "length": ("length", True),
    "number": ("feature", True),
}
"""Column and whether it ascends."""


class Asked(NamedTuple):
    """What the reader wants to see of one kind of result."""

    sub: str = "all"
    grade: str = "all"
    f1: float = 0.0
    """Least held-out F1."""
    rare: float = DENSEST
    """Largest share of residues, percent."""
    origin: str = "all"
    space: str = "all"
    organism: str = "all"
    sort: str = "match"


def asked(kind: str) -> Asked:
    """As the address says; what it says wrongly is the default."""
    params, can = st.query_params, COLUMNS[kind]

    def one(name: str, options: Mapping[str, str]) -> str:
        value = params.get(name, "all")
        return value if name in can and value in options else "all"

    return Asked(
        sub=one("sub", words.NAMESPACES),
        grade=one("grade", GRADES),
        f1=number(params.get("f1"), 0.0, 0.0, 1.0) if "f1" in can else 0.0,
        rare=number(params.get("rare"), DENSEST, 0.0, DENSEST) if "rare" in can else DENSEST,
        origin=one("origin", ORIGINS),
        space=one("space", SPACES),
        organism=params.get("organism", "all") if "organism" in can else "all",
        sort=params.get("sort", "match") if params.get("sort") in SORTS[kind] else "match",
    )


def controls(kind: str, rows: pd.DataFrame) -> None:
    """One widget for each column that can be filtered, and the order."""
    can = COLUMNS[kind]
    again = ("at",)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if "sub" in can:
            options = {"all": "Any", **words.NAMESPACES}
            frame.choice("Sub-ontology", "sub", list(options), show=options.__getitem__, kind="select", clears=again)
        if "grade" in can:
            frame.choice(
                "Evidence", "grade", list(GRADES), show=GRADES.__getitem__, kind="select", clears=again,
                tip=words.HELP["grade"],
            )  # fmt: skip
        if "origin" in can:
            frame.choice(
                "Guided or free", "origin", list(ORIGINS), show=ORIGINS.__getitem__, kind="select", clears=again
            )
        if "space" in can:
            frame.choice("Structure", "space", list(SPACES), show=SPACES.__getitem__, kind="select", clears=again)
        if "organism" in can:
            names = ["all", *rows["organism"].loc[rows["organism"] != ""].value_counts().index.tolist()]
            frame.choice(
                "Organism", "organism", names, kind="select", clears=again,
                show=lambda name: "Any" if name == "all" else words.species(name),
            )  # fmt: skip
        if "f1" in can:
            st.number_input(
                "Held-out F1 from", step=0.05, help=words.HELP["f1"], width=150, min_value=0.0, max_value=1.0,
                **bound("f1", 0.0, 0.0, 1.0),
            )  # fmt: skip
        if "rare" in can:
            st.number_input(
                "Fires on at most (%)", step=0.5, help=words.HELP["density"], width=170, min_value=0.0,
                max_value=DENSEST, **bound("rare", DENSEST, 0.0, DENSEST),
            )  # fmt: skip
        sorts = SORTS[kind]
        frame.choice("Sort by", "sort", list(sorts), show=sorts.__getitem__, kind="select", clears=again)


def kept(rows: pd.DataFrame, ask: Asked) -> pd.DataFrame:
    """The rows that pass, in order; a row without a number passes no limit on it.

    Args:
        rows: in the order of the search, with those of the columns namespace, grade, f1, density (share), origin,
            in_space and organism that the kind has.
        ask: what to keep.
    """
    keep = pd.Series(data=True, index=rows.index)
    if ask.sub != "all":
        keep &= rows["namespace"] == ask.sub
    if ask.grade != "all":
        keep &= rows["grade"].isin(("strong",) if ask.grade == "strong" else ("strong", "weak"))
    if ask.f1 > 0:
        keep &= rows["f1"].fillna(-1) >= ask.f1
    if ask.rare < DENSEST:
        keep &= 100 * rows["density"].fillna(2) <= ask.rare
    if ask.origin != "all":
        keep &= rows["origin"] == ask.origin
    if ask.space != "all":
        keep &= rows["in_space"] == (ask.space == "yes")
    if ask.organism != "all":
        keep &= rows["organism"] == ask.organism
    found = rows.loc[keep]
    if ask.sort == "match":
        return found
    column, ascending = _BY[ask.sort]
    return found.sort_values(column, ascending=ascending, na_position="last", kind="stable")
