"""What the models see in one protein: strips and structure of its most unusual features, then the tables behind them.

Read `show`, then `evidence`.
"""

import streamlit as st

from explorer.components.protein_view import StripRow
from explorer.draw import downloads, markup, views, words
from explorer.protein import predictions
from explorer.protein import subject as subjects
from explorer.protein.reading import Pasted, Stored
from explorer.protein.subject import Subject
from explorer.protein.uploads import Uploaded
from explorer.sequence.tables import feature_table, picked, take_away, term_table
from explorer.services import data, live
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links, viewer
from protsae.errors import ProtSAEError

SHOWN_ROWS, MOST_ROWS = 8, 14


def show(subject: Stored | Pasted, upload: Uploaded | None) -> None:
    """The report below the box."""
    about = subjects.learn(subject, upload)
    st.html(
        markup.wrap(
            f'<p class="ps-understood">{markup.escape(subjects.understood(about))}</p>',
            *map(markup.paragraph, about.notes),
        )
    )
    try:
        live.embed(about.sequence)
    except ProtSAEError as error:
        st.html(markup.empty(str(error), "The stored proteins' own pages do not need it."))
        return
    evidence(about)


@st.fragment
@frame.guarded
def evidence(about: Subject) -> None:
    """The view and its tables; a click or a brush redraws this part only."""
    sae = frame.settings().sae
    active = live.top_features(about.sequence, sae)
    table = live.features(sae)
    if not active:
        st.html(markup.empty("No feature of this autoencoder fires here.", "Choose another one in the side bar."))
        return
    chosen = picked(sae)[:MOST_ROWS] or [a.feature for a in active[:SHOWN_ROWS]]
    rows = strips(about, [FeatureRef(sae, feature) for feature in chosen])
    viewer.show(
        key="sequence_view", name=downloads.stem(about.name or "sequence"), sequence=about.sequence, rows=rows,
        tracks=subjects.tracks(about), structure=about.structure,
        scale_note=words.SCALE_NOTES[frame.settings().scale], height=440,
    )  # fmt: skip
    if about.structure is None:
        st.caption(
            "No structure: the strip shows every residue. Drop a PDB or mmCIF file beside the box to see it in 3D."
        )
    called = predictions.calls(about.sequence, sae)
    firm = sum(call.is_called and call.is_firm for call in called)
    features, terms, files = st.tabs([f"Features that fire · {len(active)}", f"GO terms called · {firm}", "Downloads"])
    with features:
        feature_table(about, sae, active, table, len(rows))
    with terms:
        term_table(about, called)
    with files:
        take_away(about, sae, active, rows, called)


def strips(about: Subject, refs: list[FeatureRef]) -> list[StripRow]:
    """Rows of the view."""
    features = [row for ref in refs if (row := data.feature(ref)) is not None]
    scales = views.full_colour(features, frame.settings().scale)
    values = live.feature_rows(about.sequence, [FeatureRef(row.sae, row.feature) for row in features])
    return [
        views.strip(
            f"{row.label} #{row.feature}" if row.label else f"#{row.feature}",
            acts,
            scale,
            links.feature(row.sae, row.feature).url,
            code=f"{row.sae} {row.feature}",
        )
        for row, acts, scale in zip(features, values, scales, strict=True)
    ]
