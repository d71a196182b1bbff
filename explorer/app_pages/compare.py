"""Compare: is guided better than unguided, for this term (here) and against all methods (`results_view`)?"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from explorer.compare import comparison, results_view
from explorer.compare.comparison import Sides
from explorer.draw import charts, confounded, markup, outward, views, words
from explorer.services import data
from explorer.services.refs import FeatureRef
from explorer.shell import address, cards, doubts, frame, links, tables, viewer
from protsae.errors import ProtSAEError
from protsae.store.rows import SAERow, TermFeature, TermRow

TITLE = "Guided against unguided"
GAIN = "Guided minus {} held-out F1."
GAIN_INTERVAL = "95 % bootstrap interval of the difference, both features on the same resampled test proteins."


def main() -> None:
    """The view that the address names."""
    if st.query_params.get("view") == "methods":
        results_view.page()
    else:
        one_term()


def one_term() -> None:
    """The term of the address under both features."""
    namespaces = data.guiding_namespaces()
    if not namespaces or not data.baseline_saes():
        frame.headline(TITLE, "This page needs a guided autoencoder and one without guidance in one bundle.")
        results_view.switch()
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
        proteins(term, pair.guided, pair.baseline)
    table(term, compared)


def sides(namespace: str) -> Sides:
    """The two autoencoders that the address and the side bar ask for."""
    found = comparison.sides(namespace, frame.settings().sae, st.query_params.to_dict())
    assert found is not None, namespace
    return found


def this_view(go_id: str, protein: str = "") -> links.Link:
    """A link that keeps the two autoencoders."""
    kept = {name: st.query_params.get(name, "") for name in ("guided", "against")}
    return links.compare(go_id, protein=protein, **kept)


def asked_term(namespaces: Sequence[str]) -> TermRow | None:
    """The term of the address, else the one that shows most; None after an error was shown."""
    asked = st.query_params.get("go")
    if asked is None:
        own = next((row.namespace for row in data.saes() if row.name == frame.settings().sae), "")
        wanted = st.query_params.get("ns") or own
        namespace = wanted if wanted in namespaces else namespaces[0]
        asked = comparison.default_term(sides(namespace), namespace)
    if asked is None:
        frame.headline(TITLE, "This page needs a Gene Ontology term that was scored.")
        results_view.switch()
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
        results_view.switch()
        frame.problem(what, "Search for the term by name.")
        return None
    return term


def chooser(namespaces: Sequence[str], term: TermRow, compared: Sides) -> None:
    """View, namespace and term, and which autoencoders where the bundle has several; all follow the address."""
    top_row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    with top_row:
        results_view.switch()
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
                frame.link(
                    links.feature(*ref),
                    f"Open {sae.display_name} #{row.feature}",
                    icon=":material/arrow_forward:",
                )


def proteins(term: TermRow, guided: TermFeature, baseline: TermFeature) -> None:
    """The same proteins in the same order under both features, on one rule of colour."""
    refs = [FeatureRef(row.sae, row.feature) for row in (guided, baseline)]
    features = [row for ref in refs if (row := data.feature(ref)) is not None]
    scale = frame.settings().scale
    scales = views.full_colour(features, scale)
    st.header("The same proteins under both features", anchor=False)
    st.html(markup.wrap(markup.legend(scale, scales[0] if scale == "raw" else None)))
    chosen = comparison.proteins(term.go_id, guided, baseline)
    if not chosen:
        st.html(
            markup.empty(
                "No protein of this bundle carries the term, and neither feature fires on one without it.",
                "The held-out scores above and the table below come from the whole corpus.",
            )
        )
        return
    try:
        rows = comparison.activations(chosen, refs)
    except ProtSAEError as error:
        st.html(
            markup.empty(str(error), "The held-out scores above and the table below do not need the language model.")
        )
        return
    chosen = comparison.by_score(chosen, rows, guided)
    colours = markup.kind_colours(region for picked in chosen for region in data.annotations(picked.accession))
    st.html(markup.wrap(markup.dots_legend(colours.items())))
    for carries, title in (
        (True, f"Annotated with “{term.name}”"),
        (False, "Not annotated with it: the strongest false alarms of either feature"),
    ):
        group = [picked for picked in chosen if picked.carries == carries]
        if group:
            st.caption(words.md(title))
            if carries:
                st.caption(
                    "Drawn evenly from all of them, whatever the features do there; ordered by the score that the "
                    f"guided feature's card uses, its {guided.pooling} over residues."
                )
        for picked in group:
            name, *strips = st.columns([1.1, 2, 2], vertical_alignment="center")
            with name:
                frame.link(
                    this_view(term.go_id, picked.accession),
                    words.protein_name(picked.accession, picked.name, limit=42),
                )
            ribbon = markup.ribbon(data.annotations(picked.accession), picked.length, colours)
            for strip, values, full, row in zip(
                strips, rows[picked.accession], scales, (guided, baseline), strict=True
            ):
                facts = words.peak(picked.accession, picked.length, float(values.max()), int(values.argmax()) + 1)
                note = f'<div class="ps-small ps-soft">{markup.dot(data.sae(row.sae).role)}{outward.ids(facts)}</div>'
                strip.html(markup.wrap(ribbon, cards.strip_thumbnail(values, full), note))
    in_full(chosen, rows, refs, scales)


def in_full(chosen: list[comparison.Picked], rows: dict, refs: list[FeatureRef], scales: list[float]) -> None:
    """One of the proteins with both strips and its structure."""
    asked = st.query_params.get("protein")
    picked = next((p for p in chosen if p.accession == asked), None) or next(
        (p for p in chosen if p.has_structure), chosen[0]
    )
    protein = data.protein(picked.accession)
    if protein is None:
        return
    name = f"<b>{markup.escape(picked.name or picked.accession)}</b>"
    st.html(
        markup.wrap(
            address.place("protein"),
            f'{name} <span class="ps-soft">{outward.ids(picked.accession)}, both features in full</span>',
        )
    )
    viewer.alone(
        key="compare_view",
        name=picked.accession,
        sequence=protein.sequence,
        rows=[
            views.strip(
                f"{data.sae(ref.sae).display_name} #{ref.feature}", values, full, code=f"{ref.sae} {ref.feature}"
            )
            for ref, values, full in zip(refs, rows[picked.accession], scales, strict=True)
        ],
        tracks=views.tracks(data.annotations(picked.accession)),
        structure=views.structure(data.structure(picked.accession)),
        scale_note=words.SCALE_NOTES[frame.settings().scale],
    )


def table(term: TermRow, compared: Sides) -> None:
    """All terms of the namespace: the distribution of the difference, and a table that opens a term."""
    rows = data.compare_table(compared.guided.name, compared.baseline.name, term.namespace)
    scored = rows.dropna(subset=["guided_f1", "baseline_f1"])
    role = compared.baseline.role
    st.header(f"All {len(rows)} terms: {words.NAMESPACES[term.namespace]}", anchor=False)
    st.html(markup.wrap(markup.paragraph(comparison.summary(scored, role))))
    st.plotly_chart(
        charts.difference(rows, frame.mode(), term.go_id, role),
        key="difference",
        config={"displayModeBar": False},
        alt=f"Terms by held-out F1, guided minus {role}",
    )
    shown = comparison.display(rows, explained(rows, compared))
    st.dataframe(
        shown.assign(quickgo=[f"{outward.QUICKGO}{go_id}" for go_id in shown["go_id"]]),
        hide_index=True,
        height=420,
        placeholder="-",
        column_config=columns(compared),
        **tables.clickable("all_terms"),
    )
    row = tables.clicked_row("all_terms")
    if row is not None and (go_id := str(shown["go_id"].iloc[row])) != term.go_id:
        frame.go(this_view(go_id))


def explained(rows: pd.DataFrame, compared: Sides) -> dict[str, list[str]]:
    """For both sides' features what simple fact alone explains them."""
    return {
        f"{side}_explained": doubts.column((sae.name, -1 if pd.isna(n) else int(n)) for n in rows[f"{side}_feature"])
        for side, sae in (("guided", compared.guided), ("baseline", compared.baseline))
    }


def columns(compared: Sides) -> dict[str, Any]:
    """Names, help and number formats of the table."""
    score: dict[str, Any] = {"format": "%.2f", "width": "small"}
    number = st.column_config.NumberColumn
    return {
        "go_id": st.column_config.TextColumn("GO id", width="small"),
        "quickgo": st.column_config.LinkColumn("QuickGO", display_text="QuickGO ↗", width="small"),
        "name": st.column_config.TextColumn("Term", width="large"),
        "n_pos_test": number("n", help=words.HELP["n"], width="small"),
        "composition_auroc": number("Composition AUROC", help=words.HELP["composition"], **score),
        "all_positive_f1": number("All positive F1", help=words.HELP["all_positive"], **score),
        "gain": number("Difference", help=GAIN.format(compared.baseline.role), format="%+.2f", width="small"),
        "gain_interval": st.column_config.TextColumn("its interval", help=GAIN_INTERVAL),
        **{
            f"{side}_{column}": kind(f"{sae.display_name} {name}", help=words.HELP[tip], **shape)
            for column, name, tip, kind, shape in (
                ("f1", "F1", "f1", number, score),
                ("interval", "interval", "ci", st.column_config.TextColumn, {}),
                ("auroc", "AUROC", "auroc", number, score),
                ("null", "null", "null", number, score),
                ("grade", "evidence", "grade", st.column_config.TextColumn, {}),
            )
            for side, sae in (("guided", compared.guided), ("baseline", compared.baseline))
        },
        **{
            f"{side}_explained": st.column_config.TextColumn(
                f"{sae.display_name} {confounded.COLUMN.lower()}", help=confounded.COLUMN_HELP
            )
            for side, sae in (("guided", compared.guided), ("baseline", compared.baseline))
        },
    }


main()
