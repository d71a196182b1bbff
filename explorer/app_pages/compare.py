"""Compare: is guided better than unguided, for this term (here) and against all methods (`results_view`)? And which
features tell two sets of proteins apart (`sets_view`)? `every_feature` lists all that was measured of each.
"""

from collections.abc import Sequence

import streamlit as st

from explorer.compare import (
    at_residues,
    comparison,
    curves,
    every_feature,
    results_view,
    sets_view,
    sharing,
    side_by_side,
    term_table,
    views,
)
from explorer.compare.comparison import Sides
from explorer.draw import markup, outward, steered, words
from explorer.services import audit, data
from explorer.services.comparing import Versus
from explorer.services.refs import FeatureRef
from explorer.shell import address, cards, frame, links
from protsae.ontology.namespaces import Namespace
from protsae.store.rows import SAERow, TermRow

TITLE = "Guided against unguided"


def main() -> None:
    """The view that the address names."""
    pages = {"methods": results_view.page, "sets": sets_view.page, "features": every_feature.page}
    pages.get(st.query_params.get("view", ""), one_term)()


def one_term() -> None:
    """The term of the address under both features."""
    namespaces = data.guiding_namespaces()
    if not namespaces or not data.baseline_saes():
        frame.headline(TITLE, "This page needs a guided autoencoder and one without guidance in one bundle.")
        views.switch()
        frame.problem("This bundle does not hold both kinds of autoencoder.", "Look at the features it has.")
        return
    term = asked_term(namespaces)
    if term is None:
        return
    compared = sides(term.namespace)
    pair = data.term_pair(term.go_id, compared.guided.name, compared.baseline.name)
    facts = (
        f"{words.NAMESPACES[term.namespace]} · {term.go_id} · {words.count(term.n_shipped, 'protein')} in this bundle"
    )
    lead = words.comparison(*pair, data.difference(pair), compared.baseline.role)
    eyebrow = " · ".join((markup.escape(facts), outward.html(outward.of_term(term.go_id))))
    frame.headline(words.capitalised(term.name), lead, eyebrow=eyebrow)
    chooser(namespaces, term, compared)
    both(term, pair, compared)
    if pair.guided is not None and pair.baseline is not None:
        side_by_side.proteins(term, pair.guided, pair.baseline)
        curves.show(pair.guided, pair.baseline, compared)
        sharing.show(term, pair.guided, pair.baseline, compared)
    at_residues.show(term, compared)
    table(term, compared, namespaces)


def sides(namespace: str) -> Sides:
    """The two autoencoders that the address and the side bar ask for."""
    found = comparison.sides(namespace, frame.settings().sae, st.query_params.to_dict())
    assert found is not None, namespace
    return found


def asked_term(namespaces: Sequence[Namespace]) -> TermRow | None:
    """The term of the address, else the one that shows most; None after an error was shown."""
    asked = st.query_params.get("go")
    if asked is None:
        own = next((row.namespace for row in data.saes() if row.name == frame.settings().sae), "")
        wanted = st.query_params.get("ns") or own
        namespace = wanted if wanted in namespaces else namespaces[0]
        asked = comparison.default_term(sides(namespace), namespace)
    if asked is None:
        frame.headline(TITLE, "This page needs a Gene Ontology term that was scored.")
        views.switch()
        frame.problem("No term of this bundle has a scored feature.", "Look at the features it has.")
        return None
    term = data.term(links.go_id_in(asked) or asked)
    if term is None or term.namespace not in namespaces:
        frame.headline(TITLE, "Choose a Gene Ontology term to see both autoencoders on the same proteins.")
        what = (
            f"{asked!r} is not a term of this bundle's ontology."
            if term is None
            else f"No autoencoder here is guided by {term.namespace}."
        )
        views.switch()
        frame.problem(what, "Search for the term by name.")
        return None
    return term


def chooser(namespaces: Sequence[Namespace], term: TermRow, compared: Sides) -> None:
    """View, namespace and term, and which autoencoders where the bundle has several; all follow the address."""
    top_row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    with top_row:
        views.switch()
        frame.choice(
            "Ontology",
            "ns",
            namespaces,
            show=words.NAMESPACES.__getitem__,
            clears=("go", "guided", *address.OF_PROTEIN),
            current=term.namespace,
        )
    listed = data.compare_table(compared.guided.name, compared.baseline.name, term.namespace)
    names = dict(zip(listed["go_id"], listed["name"], strict=True)) | {term.go_id: term.name}
    with top_row:
        order = sorted(names, key=lambda go_id: names[go_id].lower())
        frame.choice(
            "Term",
            "go",
            order,
            show=lambda go_id: f"{names[go_id]} · {go_id}",
            kind="select",
            clears=address.OF_PROTEIN,
            current=term.go_id,
        )
    saes = (data.guided_saes(term.namespace), data.baseline_saes())
    for column, name, label, rows in zip(
        st.columns(2, gap="large"), ("guided", "against"), ("Guided", "Against"), saes, strict=True
    ):
        if len(rows) > 1:
            with column:
                which(label, name, rows)


def which(label: str, name: str, rows: list[SAERow]) -> None:
    """One of several autoencoders that can stand on one side."""
    options = [row.name for row in comparison.preferred(rows, frame.settings().sae)]
    shown = {row.name: words.sae_long(row) for row in rows}
    frame.choice(label, name, options, show=shown.__getitem__, kind="select", clears=address.OF_PROTEIN)


def both(term: TermRow, pair: data.TermPair, compared: Sides) -> None:
    """Held-out scores side by side, and which other terms each feature serves."""
    for column, row, sae in zip(st.columns(2, gap="large"), pair, compared, strict=True):
        with column, st.container(border=True):
            cards.alignment(row, sae, opens=False)
            if row is not None:
                ref = FeatureRef(row.sae, row.feature)
                also = [other for other in data.feature_terms(ref) if other.go_id != term.go_id]
                st.html(markup.wrap(markup.paragraph(comparison.entanglement(also), "ps-small ps-soft")))
                if turned_up := steered.brief(audit.steered().get(ref)):
                    st.caption(words.capitalised(turned_up) + ".", help=steered.HELP)
                frame.link(
                    links.feature(*ref),
                    f"Open {sae.display_name} #{row.feature}",
                    icon=":material/arrow_forward:",
                )


def table(term: TermRow, compared: Sides, namespaces: Sequence[Namespace]) -> None:
    """All terms of all sub-ontologies; a click on one opens it."""
    st.header("All terms", anchor=False)
    asked, sae = st.query_params.to_dict(), frame.settings().sae
    found = {str(name): comparison.sides(name, sae, asked) for name in namespaces}
    others = {name: pair for name, pair in found.items() if pair is not None} | {term.namespace: compared}
    versus = [Versus(name, pair.guided.name, pair.baseline.name) for name, pair in others.items()]
    term_table.show(term, versus, compared.baseline.role)


main()
