"""A second protein beside the one on the page: aligned, its features on the first one's numbers and on one scale.

Read `show`, then `compared`.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st
from jaxtyping import Float

from explorer.components.protein_view import StripRow
from explorer.draw import corpus, downloads, markup, views, words
from explorer.protein import matching, reading
from explorer.protein.matching import Match
from explorer.protein.reading import Pasted, Stored
from explorer.protein.subject import Subject
from explorer.sequence.scans import named_as
from explorer.services import data, live, searching
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links, viewer
from protsae.errors import InputError

MOST_STRIPS = 6
MOST_ROWS = 60
LEAST_ALIKE = 0.2
"""Identity below which an alignment says little."""


class Other(NamedTuple):
    """The second protein."""

    name: str
    sequence: str
    match: Match
    """Where the first protein's residues lie in it."""

    def on_first(self, values: Float[np.ndarray, " n_other"], n_first: int) -> Float[np.ndarray, " n_first"]:
        """Its values at the first protein's residues; nan where it has none."""
        found = np.full(n_first, np.nan)
        places = self.match.query_positions
        found[places[places > 0] - 1] = values[places > 0]
        return found


def show(about: Subject, sae: str, rows: list[StripRow]) -> None:
    """Box, alignment in a sentence, strips, table and file."""
    st.session_state["sequence_beside"] = st.query_params.get("beside", st.session_state.get("beside_kept", ""))

    def write() -> None:
        text = st.session_state["sequence_beside"].strip()
        st.session_state["beside_kept"] = text
        frame.write_address(beside=text if 0 < len(text) <= reading.LONGEST_IN_ADDRESS else None)

    st.text_area(
        "Another protein: sequence, FASTA, accession or name", key="sequence_beside", on_change=write, height=70,
        placeholder="A mutant, a homologue, another chain …",
    )  # fmt: skip
    if not st.session_state["sequence_beside"].strip():
        return
    try:
        other = read(about, st.session_state["sequence_beside"])
        live.embed(other.sequence)
    except InputError as error:
        st.html(markup.empty(str(error), "Your text is still in the box."))
        return
    frame.say(sentence(other))
    table = compared(about.sequence, other.sequence, sae)
    shown = [int(row.code.split(" ")[-1]) for row in rows if row.code.startswith(f"{sae} ")]
    apart = table["feature"].head(3).tolist()
    pairs = [
        row for feature in dict.fromkeys([*apart, *shown[:3]]) for row in pair(about, other, FeatureRef(sae, feature))
    ]
    viewer.show(
        key="beside_view", name=f"{downloads.stem(about.name or 'sequence')} and {other.name}", sequence=about.sequence,
        rows=pairs[: 2 * MOST_STRIPS], structure=about.structure, height=320,
        scale_note=words.SCALE_NOTES[frame.settings().scale],
    )  # fmt: skip
    st.caption(
        "Each feature twice on one scale, on the first protein's numbers; hatched: no residue of the other there."
    )
    listed(about, other, sae, table)


def read(about: Subject, text: str) -> Other:
    """The second protein, aligned.

    Raises:
        InputError: the text is no protein, or holds several.
    """
    found = reading.understand(text, data.protein, searching.search_proteins, corpus.described(data.corpus()))
    row = data.protein(found.accession) if isinstance(found, Stored) else None
    if row is not None:
        name, letters = row.accession, row.sequence
    elif isinstance(found, Pasted):
        name, letters = found.name or "the other", found.sequence
    else:
        raise InputError("The box holds several proteins: leave one of them.")
    return Other(name, letters, matching.aligned(about.sequence, letters, name))


def sentence(other: Other) -> str:
    """How alike the two are, and what has no counterpart."""
    match = other.match
    n_missing = int((match.query_positions == 0).sum())
    text = (
        f"{other.name}: {len(other.sequence):,} residues, {100 * match.identity:.0f} % identical over "
        f"{100 * match.coverage:.0f} % of the first protein's residues"
    )
    text += f"; {n_missing:,} of its residues have no counterpart and are not on the strips." if n_missing else "."
    if match.identity < LEAST_ALIKE:
        text += " So unlike sequences align by chance as well: read the table, not the places."
    return text


def compared(first: str, second: str, sae: str) -> pd.DataFrame:
    """Features that fire in either, those that differ most first: feature, four activations, and the difference.

    `difference` is that of the means over the chains, in shares of full colour.
    """
    one, other = live.by_feature(first, sae), live.by_feature(second, sae)
    facts = live.features(sae)
    full = np.where(facts["p999_act"] > 0, facts["p999_act"], facts["max_act"]).astype(float)
    firing = np.flatnonzero((np.diff(one.starts) + np.diff(other.starts) > 0) & (full > 0))
    rows = []
    for feature in firing.tolist():
        a, b = one.of(feature)[1], other.of(feature)[1]
        means = float(a.sum()) / len(first), float(b.sum()) / len(second)
        rows.append(
            (feature, float(a.max(initial=0)), float(b.max(initial=0)), *means, (means[1] - means[0]) / full[feature])
        )
    table = pd.DataFrame(
        rows, columns=["feature", "first_peak", "second_peak", "first_mean", "second_mean", "difference"]
    )
    return table.sort_values("difference", key=np.abs, ascending=False, ignore_index=True)


def pair(about: Subject, other: Other, ref: FeatureRef) -> list[StripRow]:
    """The feature along both."""
    row = data.feature(ref)
    if row is None:
        return []
    scale = views.full_colour([row], frame.settings().scale)[0]
    code, href = f"{ref.sae} {ref.feature}", links.feature(ref.sae, ref.feature).url
    first, second = live.feature_rows(about.sequence, [ref])[0], live.feature_rows(other.sequence, [ref])[0]
    return [
        views.strip(words.named(row), first, scale, href, code=code),
        views.strip(f"… in {other.name}", other.on_first(second, len(first)), scale, href, code=code),
    ]


def listed(about: Subject, other: Other, sae: str, table: pd.DataFrame) -> None:
    """The table and its file."""
    top = table.head(MOST_ROWS)
    st.dataframe(
        pd.DataFrame({
            "Feature": [links.feature(sae, feature).url for feature in top["feature"]],
            "Label": [named_as(sae, feature) for feature in top["feature"]],
            "Peak here": top["first_peak"],
            f"in {other.name}": top["second_peak"],
            "Mean here": top["first_mean"],
            f"mean in {other.name}": top["second_mean"],
            "Difference": 100 * top["difference"],
        }),
        hide_index=True, height=min(420, 38 + 35 * len(top)), key="beside_table",
        column_config={
            "Feature": st.column_config.LinkColumn(display_text=r"feature=(\d+)", width="small"),
            "Difference": st.column_config.NumberColumn(
                format="%+.2f %%", help="Of the means over the chains, other minus this one, in % of full colour."
            ),
        },
    )  # fmt: skip
    file = downloads.file_name(downloads.stem(about.name or "sequence"), other.name, sae, "beside.csv")
    st.download_button(
        "Both proteins (CSV)", lambda: table.to_csv(index=False), file, "text/csv", icon=":material/download:",
        on_click="ignore", key="beside_csv",
    )  # fmt: skip
