"""Cards and rows that several pages draw: a term with its two features, a feature with a strip, a protein.

Read `term_card`, then `alignment`.
"""

from collections.abc import Sequence

import streamlit as st

from explorer.components.strips import strip_thumbnail
from explorer.draw import markup, outward, verdicts, views, words
from explorer.services import data
from explorer.services.refs import FeatureRef
from explorer.shell import doubts, frame, links
from protsae.store.rows import (
    AnnotationHit,
    ExampleRow,
    FeatureAnnotation,
    FeatureHit,
    FeatureRow,
    ProteinHit,
    SAERow,
    TermFeature,
    TermHit,
    TermRow,
)

NARROWER = 6
"""Narrower terms that a card lists."""


def term_card(term: TermRow, hit: TermHit | None, *, roll_up: bool, first: bool) -> None:
    """A GO term: who it is, its guided feature beside an unguided one, narrower terms, relatives."""
    with st.container(border=True):
        st.html(_term_head(term, hit))
        pair = data.term_pair(term.go_id)
        found = pair.guided is not None or pair.baseline is not None
        if found:
            sides = [
                (row, data.sae(row.sae) if row is not None else next(iter(saes), None))
                for row, saes in zip(pair, (data.guided_saes(term.namespace), data.baseline_saes()), strict=True)
            ]
            shown = [(row, sae) for row, sae in sides if sae is not None]
            for column, (row, sae) in zip(st.columns(len(shown), gap="large"), shown, strict=True):
                with column:
                    alignment(row, sae)
            others(term.go_id)
        elif term.n_shipped == 0 and term.n_train + term.n_valid + term.n_test == 0:
            frame.say("No protein of this corpus carries the term, so no feature could be matched to it.")
        else:
            carriers = words.count(term.n_train + term.n_valid + term.n_test, "protein")
            frame.say(f"No feature is scored for this term: {carriers} with it in the whole corpus.")
        if roll_up or not found:
            narrower(term.go_id, asked=roll_up)
        if first:
            relatives(term.go_id)
        if found:
            with st.container(horizontal=True):
                frame.link(links.compare(term.go_id), "Compare on the same proteins", icon=":material/balance:")


def _term_head(term: TermRow, hit: TermHit | None) -> str:
    note = ""
    if hit is not None and hit.match == "synonym":
        note = f" · also called “{hit.matched}”"
    elif hit is not None and hit.match == "typo":
        note = " · close to what you typed"
    obsolete = (
        markup.badge("obsolete", "The Gene Ontology no longer uses this term.", "warn") if term.is_obsolete else ""
    )
    namespace = words.NAMESPACES.get(term.namespace, term.namespace)
    facts = markup.escape(f"{namespace} · {words.count(term.n_shipped, 'protein')} in this bundle{note}")
    return markup.wrap(
        f'<div class="ps-term">{markup.escape(words.capitalised(term.name))} {obsolete}</div>'
        f'<div class="ps-soft ps-small"><span class="ps-mono">{markup.escape(term.go_id)}</span> · {facts} · '
        f"{outward.html(outward.of_term(term.go_id))}</div>"
    )


def alignment(row: TermFeature | None, sae: SAERow, *, opens: bool = True) -> None:
    """One autoencoder's feature for a term: number, held-out scores, a strip of its strongest protein."""
    name = f"{markup.dot(sae.role)}<b>{markup.escape(sae.display_name)}</b>"
    if row is None:
        st.html(markup.wrap(name, markup.paragraph("No feature could be scored for this term.")))
        return
    what = "guided by this term" if row.is_guiding else "best match"
    what += f", {sae.role}" if sae.role != "guided" else ""
    st.html(
        markup.wrap(
            f'{name} feature {row.feature} <span class="ps-soft">· {what}</span>',
            markup.score(row, sae.role),
            markup.grade(row),
            doubts.badge(row.sae, row.feature),
            markup.paragraph(verdicts.verdict(row), "ps-soft ps-small"),
        )
    )
    if opens:
        top = data.typical(row, 1)
        feature = data.feature(FeatureRef(row.sae, row.feature))
        if top and feature is not None:
            st.html(thumbnail(top[0], feature))
        frame.link(
            links.feature(row.sae, row.feature),
            f"Open {sae.display_name} #{row.feature}",
            icon=":material/arrow_forward:",
        )


def others(go_id: str) -> None:
    """Links to the term's features in further autoencoders of the same kinds, where the bundle has several."""
    rows = data.alternatives(go_id)
    if not rows:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Also:", width="content")
        for row in rows:
            doubts.link(FeatureRef(row.sae, row.feature), scored(row))


def scored(row: TermFeature | FeatureAnnotation) -> str:
    """'ProtSAE #12 · F1 0.61 · strong'."""
    name = f"{data.sae(row.sae).display_name} #{row.feature} · F1 {words.number(row.test_f1)}"
    return f"{name} · {row.grade}" if verdicts.is_validated(row) else name


def thumbnail(example: ExampleRow, feature: FeatureRow) -> str:
    """A light strip of one example protein, with its name."""
    scale = views.full_colour([feature], frame.settings().scale)[0]
    name = markup.escape(words.protein_name(example.accession, example.protein_name, limit=60))
    caption = f'<div class="ps-soft ps-small">{name}, {example.length} residues</div>'
    return markup.wrap(strip_thumbnail(data.dense(example), scale), caption)


def narrower(go_id: str, *, asked: bool) -> None:
    """Features of descendants: the roll-up."""
    found = data.rolled_up(go_id)
    if not found:
        if asked:
            st.caption("None of its narrower terms has a scored feature.")
        return
    st.markdown(f"**Narrower terms with scored features** · {len(found)}")
    with st.container(gap="xxsmall"):
        for rows in list(found.values())[:NARROWER]:
            _narrower_row(rows)
    if len(found) > NARROWER:
        st.caption(f"and {len(found) - NARROWER} more, with lower scores")


def _narrower_row(rows: list[TermFeature]) -> None:
    pair = data.pair_of(rows)
    name, *cells = st.columns([2.2, 1.2, 1.2], vertical_alignment="center")
    with name:
        frame.link(links.find(rows[0].go_id), rows[0].term_name)
    for cell, row in zip(cells, pair, strict=True):
        if row is not None:
            with cell:
                doubts.link(FeatureRef(row.sae, row.feature), f"{scored(row)} · n {row.n_pos_test}")


def relatives(go_id: str) -> None:
    """Links to broader and narrower terms."""
    for title, rows in (("Broader", data.parents(go_id)), ("Narrower", data.children(go_id))):
        if rows:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(f"{title}:", width="content")
                for row in rows[:6]:
                    frame.link(links.find(row.go_id), f"{row.name} ({row.n_shipped})")
                if len(rows) > 6:
                    st.caption(f"and {len(rows) - 6} more", width="content")


def feature_card(row: TermFeature) -> None:
    """A validated feature on the landing page."""
    ref = FeatureRef(row.sae, row.feature)
    feature = data.feature(ref)
    top = data.typical(row, 3)
    with st.container(border=True, key=f"card_{row.sae}_{row.feature}"):
        frame.link(links.feature(*ref), words.capitalised(row.term_name))
        sae = data.sae(row.sae)
        name = f"{markup.dot(sae.role)}{markup.escape(sae.display_name)} · feature {row.feature}"
        score = f"{markup.explained('held-out F1', words.HELP['f1'])} {words.number(row.test_f1)}"
        notes = markup.grade(row) + doubts.badge(*ref)
        st.html(markup.wrap(f'<div class="ps-small ps-soft">{name} · {score} {notes}</div>'))
        if feature is not None:
            for example in top:
                st.html(thumbnail(example, feature))


def feature_rows(hits: Sequence[FeatureHit | FeatureRow]) -> None:
    """Features found by number or label."""
    with st.container(gap="xxsmall"):
        for hit in hits:
            text = f"{data.sae(hit.sae).display_name} #{hit.feature} · {words.label(hit.label, hit.label_grade)}"
            if hit.label_grade != "none":
                text += f" · F1 {words.number(hit.label_f1)} · {hit.label_grade}"
            doubts.link(FeatureRef(hit.sae, hit.feature), text)


def annotation_row(hit: AnnotationHit) -> None:
    """A kind of annotated site with the features that fit it best, residue by residue.

    Scores are of the kind as a whole: where only some of its labels were searched for, the row says so.
    """
    found = data.annotation_features(hit.kind)
    labels = f" “{words.md('”, “'.join(hit.labels))}”" if hit.labels else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{words.md(hit.kind)}**{labels} · {words.count(hit.n_proteins, 'protein')}", width="content")
        if hit.labels and found:
            st.caption(f"scored for any {words.md(hit.kind)}, whatever its name:", width="content")
        for row in found:
            doubts.link(
                FeatureRef(row.sae, row.feature),
                scored(row),
                tip=f"Held-out F1 over residues; shuffled labels give {words.number(row.null_f1)}, calling every "
                f"residue {words.number(row.all_positive_f1)}.",
            )
        if not found:
            st.caption("no feature scored", width="content")


def protein_rows(hits: Sequence[ProteinHit]) -> None:
    """Proteins found by name or accession."""
    for hit in hits:
        left, right = st.columns([1.2, 1.5], vertical_alignment="center")
        with left:
            frame.link(links.protein(hit.accession), words.protein_name(hit.accession, hit.protein_name, limit=52))
        shape = "3D" if hit.has_structure else ""
        gene = hit.gene_names.split(" ")[0]
        parts = [hit.accession, gene, words.species(hit.organism), f"{hit.length} residues", shape]
        text = markup.escape(" · ".join(part for part in parts if part))
        known = outward.html(outward.of_protein(hit.accession)[:1])
        right.html(markup.wrap(f'<div class="ps-soft ps-small">{text}{" · " if known else ""}{known}</div>'))
