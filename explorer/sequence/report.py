"""What the models see in one protein: strips and structure of its most unusual features, then the tables behind them.

Read `show`, then `evidence`.
"""

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from explorer.components.protein_view import StripRow
from explorer.draw import corpus, downloads, markup, outward, views, words
from explorer.firing import choosing
from explorer.firing.lists import picked
from explorer.protein import predictions
from explorer.protein import subject as subjects
from explorer.protein.reading import Pasted, Stored
from explorer.protein.subject import Subject
from explorer.protein.uploads import Uploaded
from explorer.sequence import beside, relied, scans, variants
from explorer.sequence.answer import answer
from explorer.sequence.tables import feature_table, take_away, term_table
from explorer.services import data, live
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links, viewer
from protsae.errors import InputError, ProtSAEError

SHOWN_ROWS, MOST_ROWS = 8, 14


def show(subject: Stored | Pasted, upload: Uploaded | None) -> None:
    """The report below the box."""
    about = subjects.learn(subject, upload)
    st.html(
        markup.wrap(
            f'<p class="ps-understood">{markup.escape(subjects.understood(about))}</p>',
            *map(markup.paragraph, (*about.notes, *corpus_notes(about))),
            elsewhere(about, is_own=upload is not None),
        )
    )
    if about.known is not None and about.match is not None:
        which = "this" if about.match.is_same else "the nearest stored"
        frame.link(
            links.protein(about.known.accession),
            f"Open the page of {which} protein, {about.known.accession}",
            icon=":material/biotech:",
            tip="Its known and called GO terms, its structure, and all features that fire in it.",
        )
    try:
        live.embed(about.sequence)
    except ProtSAEError as error:
        st.html(markup.empty(str(error), "The stored proteins' own pages do not need it."))
        return
    evidence(about)


def corpus_notes(about: Subject) -> list[str]:
    """What the corpus that the models learnt from has to do with this protein."""
    held = data.corpus()
    family = corpus.family_note(about.known.split if about.known is not None else None, held)
    return [note for note in (corpus.organism_note(about.organism, held), family) if note]


def elsewhere(about: Subject, *, is_own: bool) -> str:
    """Links to what other databases say of the protein that this is, or nearly is."""
    if about.known is None:
        return ""
    stored = data.structure(about.known.accession) if about.known.has_structure and not is_own else None
    found = outward.of_protein(about.known.accession, stored.pdb_id if stored is not None else "")
    found += outward.of_sequence(about.sequence)
    which = markup.escape(about.known.accession)
    return f'<div class="ps-small ps-soft">{which} elsewhere: {outward.html(found)}</div>' if found else ""


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
    called = predictions.calls(about.sequence, sae)
    surest = predictions.surest(called) if len(about.sequence) >= predictions.WHOLE else []
    if said := answer(surest, about.known.split if about.known is not None else None):
        st.html(markup.wrap(said))
    refs = pairs(called) if st.query_params.get("pairs") == "1" else []
    chosen = picked(sae)[:MOST_ROWS] or first_rows(about, sae, active, table, surest)
    rows = strips(about, refs or [FeatureRef(sae, feature) for feature in chosen])
    viewer.show(
        key="sequence_view", name=downloads.stem(about.name or "sequence"), sequence=about.sequence, rows=rows,
        tracks=subjects.tracks(about), structure=about.structure,
        scale_note=words.SCALE_NOTES[frame.settings().scale], height=440,
    )  # fmt: skip
    if about.structure is None:
        st.caption(
            "No structure: the strip shows every residue. Drop a PDB or mmCIF file beside the box to see it in 3D."
        )
    firm = sum(call.is_called and call.is_firm for call in called)
    opened = tabs({
        "": f"Features that fire · {len(active)}", "terms": f"GO terms called · {firm}", "mutations": "Mutations",
        "relies": "What it relies on", "beside": "Beside another", "files": "Downloads",
    })  # fmt: skip
    with opened[""]:
        feature_table(about, sae, active, table, len(rows))
    with opened["terms"]:
        term_table(about, called)
    with opened["files"]:
        take_away(about, sae, active, rows, called)
    why_not = corpus.reads_only(data.bundle().plm)
    for name, draw in (("mutations", mutations), ("relies", relied.show), ("beside", beside.show)):
        if opened[name].open:
            with opened[name]:
                if why_not and name != "beside":
                    frame.say(why_not)
                else:
                    draw(about, sae, rows)


def tabs(labels: dict[str, str]) -> dict[str, TabContainer]:
    """The tabs below the view, by the name that the address knows; the open one is kept there."""

    def write() -> None:
        shown = st.session_state["sequence_tabs"]
        frame.write_address(tab=next((name for name, label in labels.items() if label == shown and name), None))

    st.session_state["sequence_tabs"] = labels[frame.asked_tab(labels)]
    found = st.tabs(list(labels.values()), key="sequence_tabs", on_change=write)
    return dict(zip(labels, found, strict=True))


def mutations(about: Subject, sae: str, rows: list[StripRow]) -> None:
    """Variants that the reader types, and the map of all single ones."""
    typed = variants.box(about)
    if typed:
        variants.show(about, sae, typed)
    st.divider()
    marked = sorted({position for variant in typed for position in variant.positions})
    scans.show(about, sae, rows, marked)


def first_rows(
    about: Subject,
    sae: str,
    active: list[live.ActiveFeature],
    table: pd.DataFrame,
    surest: Sequence[predictions.Call],
) -> list[int]:
    """The feature that the address names, those that call the surest terms, then the first ones of the list below."""
    listed = choosing.rows(about, sae, active, table, choosing.wanted()._replace(apart=False))
    features = [row.feature.feature for row in listed or choosing.rows(about, sae, active, table, choosing.ALL)]
    try:
        asked = links.read_feature(st.query_params.to_dict() | {"sae": sae}, data.saes())
    except InputError as error:
        st.html(markup.empty(str(error), "Shown instead: the most unusual features."))
        asked = None
    named = [] if asked is None else [asked.feature]
    named += [call.term.feature for call in surest if call.term.sae == sae and call.term.feature not in named]
    return [*named, *(feature for feature in features if feature not in named)][:SHOWN_ROWS]


def pairs(called: list[predictions.Call]) -> list[FeatureRef]:
    """Of the most telling called terms the guided feature and the best one without guidance, side by side."""
    found: list[FeatureRef] = []
    for call in (call for call in called if call.is_called and call.is_firm):
        other = data.term_pair(call.term.go_id).baseline
        if other is not None:
            found += [FeatureRef(call.term.sae, call.term.feature), FeatureRef(other.sae, other.feature)]
        if len(found) == SHOWN_ROWS:
            break
    return found


def strips(about: Subject, refs: list[FeatureRef]) -> list[StripRow]:
    """Rows of the view."""
    features = [row for ref in refs if (row := data.feature(ref)) is not None]
    scales = views.full_colour(features, frame.settings().scale)
    values = live.feature_rows(about.sequence, [FeatureRef(row.sae, row.feature) for row in features])
    return [
        views.strip(
            words.named(row),
            acts,
            scale,
            links.feature(row.sae, row.feature).url,
            code=f"{row.sae} {row.feature}",
        )
        for row, acts, scale in zip(features, values, scales, strict=True)
    ]
