"""Find: which feature knows about a function, a protein, a kind of site?"""

import itertools
import random

import streamlit as st

from explorer.draw import markup, outward, views, words
from explorer.find import filters, results
from explorer.services import data
from explorer.services.refs import FeatureRef
from explorer.shell import address, cards, doubts, frame, links, viewer
from protsae.store.rows import ExampleRow, FeatureRow

CLEAREST = 1 / 3
"""Share of the chain in colour that tells a structure's parts apart best."""


def main() -> None:
    """The page."""
    query = st.query_params.get("q", "").strip()
    if query:
        frame.headline(*results.title(query), search=False)
    else:
        frame.headline(
            "What does a protein language model know?",
            "Trained on nothing but sequences, it forms thousands of inner signals. A sparse autoencoder separates "
            "them into features: each fires on certain residues, and here you can see on which. "
            f"{words.kinds_of_saes({row.role for row in data.saes()})} Every match is scored on proteins that none of "
            "them had seen.",
            search=False,
            tab=("",),
        )
        frame.model_note()
    search_box()
    if query:
        results.show(query)
    else:
        landing()


def search_box() -> None:
    """The one box; it follows the address and searches while you type."""
    st.session_state["find_box"] = st.query_params.get("q", "")

    def write() -> None:
        gone = dict.fromkeys(("roll", *results.SHOWN, *filters.PARAMETERS, *address.OF_PROTEIN))
        frame.write_address(q=st.session_state["find_box"].strip() or None, **gone)

    st.text_input(
        "Search functions, proteins, sites or features",
        key="find_box",
        type="search",
        on_change=write,
        live="400ms",
        placeholder="zinc ion binding · GO:0008270 · P00331 · alcohol dehydrogenase · transmembrane · "
        f"{data.saes()[-1].display_name} #12",
        icon=":material/search:",
        label_visibility="collapsed",
    )


def landing() -> None:
    """One picture, six validated features, a surprise."""
    chosen = data.diverse()
    if not chosen:
        st.html(
            markup.empty(
                "No feature of this bundle held up on unseen proteins.", "Search for a term, or look at the map."
            )
        )
        return
    picture([FeatureRef(row.sae, row.feature) for row in chosen])
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.header("Features that hold up on unseen proteins", anchor=False, width="content")
        if st.button("Surprise me", icon=":material/casino:", help="A random feature among those that hold up."):
            row = random.choice(data.validated())
            frame.go(links.feature(row.sae, row.feature))
    for start in range(0, len(chosen), 3):
        for column, row in zip(st.columns(3), chosen[start : start + 3], strict=False):
            with column:
                cards.feature_card(row)
    st.html(cards.markup.wrap(markup.legend("normalised", None)))


def picture(refs: list[FeatureRef]) -> None:
    """Strip and structure of a protein that carries the feature's term, with about a third of it in colour."""
    seen = []
    for ref in refs:
        shown = itertools.chain.from_iterable(data.examples(ref, band) for band in ("with", "top", "3d"))
        examples = filter(data.peak_in_space, shown)
        feature = data.feature(ref)
        if feature is None:
            continue
        carriers = data.accessions_with_term(feature.label_id)
        for example in examples:
            share = len(example.positions) / example.length
            known = (example.accession in carriers, bool(example.protein_name))
            seen.append(((*known, -abs(share - CLEAREST)), ref, feature, example))
    if not seen:
        return
    _, ref, feature, example = max(seen, key=lambda found: found[0])
    hero(feature, example)
    by_residues(ref, example)
    full = views.full_colour([feature], frame.settings().scale)[0]
    viewer.alone(
        key="landing_view",
        name=example.accession,
        sequence=example.sequence,
        rows=[
            views.strip(
                words.named(feature),
                data.dense(example),
                full,
                links.feature(*ref).url,
                code=f"{ref.sae} {ref.feature}",
            )
        ],
        tracks=views.tracks(data.annotations(example.accession))[:4],
        structure=views.structure(data.structure(example.accession)),
        height=300,
    )


def by_residues(ref: FeatureRef, example: ExampleRow) -> None:
    """The way to a search that starts from residues instead of words, on the protein of the picture."""
    first = max(1, example.peak_pos - 7)
    span = (first, min(example.length, first + 14))
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.caption("No word for it? Start from residues:", width="content")
        frame.link(
            links.protein(example.accession, ref, span=span),
            f"which features prefer residues {span[0]} to {span[1]} of it?",
            tip="On a protein's page drag over residues, or choose an annotated region: features are ranked by how "
            "much they prefer it over the rest of the chain, beside shifted stretches.",
        )


def hero(feature: FeatureRow, example: ExampleRow) -> None:
    """Whose residues the picture shows, and where both of them are told in full."""
    protein = data.protein(example.accession)
    whose = example.accession + (f", {words.species(protein.organism)}" if protein and protein.organism else "")
    with st.container(key="hero", horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.html(markup.wrap(markup.dot(data.sae(feature.sae).role)), width="content")
        doubts.link(FeatureRef(feature.sae, feature.feature), words.capitalised(words.named(feature)))
        st.caption("fires on these residues of", width="content")
        frame.link(links.protein(example.accession), words.protein_name(example.accession, example.protein_name))
        st.caption(words.md(f"({whose})"), width="content")
        known = outward.of_protein(example.accession)[:1] + outward.of_sequence(example.sequence)
        st.html(markup.wrap(outward.html(known)), width="content")


main()
