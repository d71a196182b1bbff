"""Lists of features that fire in one protein: what ranks them, what they say of themselves, what is saved of them.

Read `picked`.
"""

from collections.abc import Callable

import streamlit as st

from explorer.draw import words
from explorer.services import alike, data

SURPRISE = (
    "What the list is sorted by: by how many nats “so many residues fire this strongly” explains this chain better "
    "than the feature's rate over the corpus. It is no p-value, for neighbouring residues are not independent."
)
INFORMATION = (
    "Information content: minus log2 of the share of annotated proteins that carry the term. 1 bit is every second "
    "protein, 10 bits one in a thousand."
)
MOST_SAID = (
    "Sorted by information content, the most specific first: the fewer proteins carry a term, the more its call says."
)
STRENGTH = "Peak, as a share of the feature's 99.9th percentile over the corpus."
ONE_IN = "One residue of the corpus in so many fires this feature at least as strongly as its peak here."
PREDICTOR = "The concept predictor's own probability, mean over residues."
TERM_FIELDS = (
    "go_id name namespace information_bits called score threshold pooling test_precision test_f1 n_pos_test grade pi"
)


def counted(rows: list[alike.Row], n_ranked: int, most: int) -> str:
    """How many rows there are, what they stand for, and how many of them are listed at most."""
    n_features = sum(1 + row.n_folded for row in rows)
    text = f"{words.count(n_features, 'feature')} of {n_ranked:,} in {words.count(len(rows), 'row')}"
    return f"{text}; the first {most} are listed." if len(rows) > most else f"{text}."


def folded(row: alike.Row) -> str:
    """How many features fire alike, or which one this is like."""
    if row.leader is not None:
        return f"as #{row.leader}"
    return f"+ {row.n_folded}" if row.n_folded else ""


def picked(sae: str) -> list[int]:
    """Features that the reader ticked, as the address has them."""
    numbers = [text for text in st.query_params.get("rows", "").split(".") if text.isascii() and text.isdigit()]
    return [int(text) for text in dict.fromkeys(numbers) if len(text) < 8 and int(text) < data.sae(sae).d_sae]


def save(label: str, text: str | Callable[[], str], file: str) -> None:
    """One download; what takes long to write is given as a function, called when it is asked for."""
    st.download_button(words.md(label), text, file, icon=":material/download:", key=f"save_{file}", on_click="ignore")
