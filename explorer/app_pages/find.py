"""Find: which feature knows about a function, a protein, a kind of site?"""

import random

import streamlit as st

from explorer.draw import markup, views, words
from explorer.services import data
from explorer.services.refs import FeatureRef
from explorer.shell import address, cards, frame, links, viewer

LIMIT = 20
SHOWN = 4
MOST_REPEATED = 80
CLEAREST = 1 / 3
"""Share of the chain in colour that tells a structure's parts apart best."""


def main() -> None:
    """The page."""
    query = st.query_params.get("q", "").strip()
    if query:
        frame.headline(
            f"Results for “{shortened(query)}”",
            "Terms, proteins, sites and features that match, best first.",
            search=False,
        )
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
    search_box()
    if query:
        results(query)
    else:
        landing()


def shortened(query: str) -> str:
    """What the page repeats of a search text."""
    return query if len(query) <= MOST_REPEATED else query[:MOST_REPEATED].rstrip() + " …"


def search_box() -> None:
    """The one box; it follows the address and searches while you type."""
    st.session_state["find_box"] = st.query_params.get("q", "")

    def write() -> None:
        gone = dict.fromkeys(("roll", *address.OF_PROTEIN))
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
    chosen = data.showcase()
    if not chosen:
        st.html(
            markup.empty(
                "No feature of this bundle held up on unseen proteins.", "Search for a term, or look at the map."
            )
        )
        return
    picture([FeatureRef(row.sae, row.feature) for row in chosen])
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    left.subheader("Features that hold up on unseen proteins", anchor=False)
    with right:
        if st.button(
            "Surprise me", icon=":material/casino:", help="A random feature among those that hold up.", width="stretch"
        ):
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
        examples = filter(data.peak_in_space, (*data.examples(ref, "top"), *data.examples(ref, "3d")))
        feature = data.feature(ref)
        if feature is None:
            continue
        carriers = {hit.accession for hit in data.proteins_with_term(feature.go_id)} if feature.go_id else set()
        for example in examples:
            share = len(example.positions) / example.length
            seen.append(((example.accession in carriers, -abs(share - CLEAREST)), ref, feature, example))
    if not seen:
        return
    _, ref, feature, example = max(seen, key=lambda found: found[0])
    name = words.protein_name(example.accession, example.protein_name)
    st.html(
        markup.wrap(
            f"{markup.dot(data.sae(ref.sae).role)}<b>{markup.escape(words.capitalised(feature.label))}</b> "
            f'<span class="ps-soft">fires on these residues of {markup.escape(name)}</span>'
        )
    )
    full = views.full_colour([feature], frame.settings().scale)[0]
    viewer.alone(
        key="landing_view",
        name=example.accession,
        sequence=example.sequence,
        rows=[views.strip(f"#{ref.feature}", data.dense(example), full, code=f"{ref.sae} {ref.feature}")],
        tracks=views.tracks(data.annotations(example.accession))[:4],
        structure=views.structure(data.structure(example.accession)),
        height=300,
    )


def results(query: str) -> None:
    """Everything that matches, by kind."""
    go_id = links.go_id_in(query)
    if go_id and data.term(go_id) is None:
        frame.problem(f"{go_id} is not in this bundle's ontology.", "Check the digits, or search for the term by name.")
        return
    found = data.search(query, LIMIT)
    numbered = [row for ref in links.feature_in(query, data.saes()) if (row := data.feature(ref)) is not None]
    features = [*numbered, *found.features]
    counts = (
        ("Terms", found.terms),
        ("Proteins", found.proteins),
        ("Annotations", found.annotations),
        ("Features", features),
    )
    if not any(rows for _, rows in counts):
        frame.problem(
            f"Nothing matches “{shortened(query)}”.",
            "Try a GO term's name or id, a protein's name or accession, or a kind of site.",
        )
        return
    st.caption(" · ".join(f"{name} {len(rows)}{'+' if len(rows) == LIMIT else ''}" for name, rows in counts))
    if numbered:
        cards.feature_rows(numbered)
    if found.terms:
        terms(found.terms)
    if found.proteins:
        st.subheader("Proteins", anchor=False)
        with st.container(gap="xxsmall"):
            cards.protein_rows(found.proteins[:8])
    if found.annotations:
        st.subheader("Kinds of annotated sites", anchor=False)
        for hit in found.annotations[:8]:
            cards.annotation_row(hit)
    if found.features:
        st.subheader("Features by label", anchor=False)
        cards.feature_rows(found.features[:8])


def terms(hits: list) -> None:
    """Terms as cards; the rest as links."""
    left, right = st.columns([4, 1.4], vertical_alignment="bottom")
    left.subheader("Gene Ontology terms", anchor=False)
    with right:
        rolled = frame.flag(
            "Include narrower terms", "roll", tip="Also list the scored features of every term below the ones found."
        )
    for index, hit in enumerate(hits[:SHOWN]):
        row = data.term(hit.go_id)
        if row is not None:
            cards.term_card(row, hit, roll_up=rolled, first=index == 0)
    if len(hits) > SHOWN:
        with st.expander(f"{len(hits) - SHOWN} more terms"):
            for hit in hits[SHOWN:]:
                frame.link(links.find(hit.go_id), f"{hit.name} · {hit.go_id} · {words.count(hit.n_shipped, 'protein')}")


main()
