"""Which features of a protein are listed: by evidence, by words of the label, and whether those alike stand apart.

All of it stands in the address. Read `wanted`, then `rows`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
import streamlit as st

from explorer.protein.subject import Subject
from explorer.services import alike
from explorer.services.live import ActiveFeature
from explorer.shell import frame
from protsae.store.grades import Grade
from protsae.store.spelling import folded, plain

EVIDENCE: dict[str, tuple[Grade, ...]] = {"all": (), "confirmed": ("strong", "weak"), "strong": ("strong",)}
NAMES = {"all": "All", "confirmed": "Strong or weak", "strong": "Strong"}
ALIKE = (
    f"Features that rise and fall together along this chain (correlation above {alike.ALIKE}) say one thing; they are "
    "shown as one, under the most unusual of them."
)


class Wanted(NamedTuple):
    """What the reader wants to see of the features that fire."""

    evidence: str
    label: str
    apart: bool


ALL = Wanted("all", "", apart=False)


def wanted() -> Wanted:
    """As the address says; an unknown kind of evidence is all."""
    evidence = st.query_params.get("evidence", "all")
    label = st.query_params.get("label", "").strip()
    return Wanted(evidence if evidence in EVIDENCE else "all", label, st.query_params.get("apart") == "1")


def controls() -> None:
    """The widgets for it."""
    st.session_state["sequence_label"] = st.query_params.get("label", "")

    def write() -> None:
        frame.write_address(label=st.session_state["sequence_label"].strip() or None)

    left, middle, right = st.columns([1.2, 1.2, 1], vertical_alignment="bottom")
    left.text_input(
        "Label holds", key="sequence_label", on_change=write, placeholder="zinc, transport …", icon=":material/search:"
    )
    with middle:
        frame.choice("Evidence for the label", "evidence", list(EVIDENCE), show=NAMES.__getitem__)
    with right:
        frame.flag("Show alike ones apart", "apart", tip=ALIKE)


def rows(
    about: Subject, sae: str, listed: Sequence[ActiveFeature], table: pd.DataFrame, asked: Wanted
) -> list[alike.Row]:
    """The features of a list that the reader wants to see, those that fire alike as one.

    Args:
        about: the protein.
        sae: the autoencoder.
        listed: features in the order of the list.
        table: every feature of the autoencoder, with its label.
        asked: what to see.
    """
    kept = list(listed)
    if EVIDENCE[asked.evidence]:
        grades = dict(zip(table["feature"].tolist(), table["label_grade"].tolist(), strict=True))
        kept = [active for active in kept if grades[active.feature] in EVIDENCE[asked.evidence]]
    if asked.label:
        labels = dict(zip(table["feature"].tolist(), table["label"].tolist(), strict=True))
        kept = [active for active in kept if _holds(labels[active.feature], asked.label)]
    return alike.fold(kept, alike.leaders(about.sequence, sae), apart=asked.apart)


def _holds(label: str, words: str) -> bool:
    """Whether every word begins a word of the label, whatever its spelling."""
    begun = f" {folded(plain(label))}"
    return all(f" {word}" in begun for word in folded(plain(words)).split())
