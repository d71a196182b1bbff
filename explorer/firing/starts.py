"""Ways in for whoever has nothing at hand: proteins that carry a term, on which its feature fires strongly.

Read `true_examples`.
"""

from typing import NamedTuple

import streamlit as st

from explorer.components.thumbnails import structure_svg
from explorer.draw import markup, views, words
from explorer.services import data
from explorer.services.cached import cached_by_bundle
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links
from protsae import palette
from protsae.store.rows import ExampleRow, TermFeature

EXAMPLES = 3
STRONG = 0.5
"""Share of full colour that the peak must reach."""
VISIBLE = 8
"""Residues on which a feature fires, from which on a small picture shows it."""


class Start(NamedTuple):
    """A protein that carries a term, and the feature that was found to know it."""

    example: ExampleRow
    term: TermFeature
    """The feature, graded strong or weak for this very term."""


def show() -> None:
    """The cards."""
    found = true_examples()
    st.caption("Nothing read yet. Paste a protein above" + (", or begin with one of these:" if found else "."))
    for column, start in zip(st.columns(EXAMPLES), found, strict=False):
        with column, st.container(border=True):
            card(start)


def card(start: Start) -> None:
    """Picture, protein, and which feature of which term is shown."""
    example, term = start
    ref = FeatureRef(term.sae, term.feature)
    row, structure, protein = data.feature(ref), data.structure(example.accession), data.protein(example.accession)
    if row is not None and structure is not None:
        scale = views.full_colour([row], frame.settings().scale)[0]
        drawn = structure_svg(structure.pdb, structure.positions, data.dense(example), scale, width=300, height=170)
        named = words.protein_name(example.accession, example.protein_name)
        st.image(drawn, width="stretch", alt=f"Structure of {named}, coloured by feature {row.feature}")
    name = words.protein_name(example.accession, example.protein_name, limit=48)
    frame.link(links.protein(example.accession, ref), name, icon=":material/biotech:")
    organism = words.species(protein.organism) if protein is not None else ""
    st.caption(
        words.md(" · ".join(part for part in (example.accession, organism, f"{example.length} residues") if part))
    )
    sae = data.sae(term.sae).display_name
    st.html(
        markup.wrap(
            f'<div class="ps-small">{palette.RAMP_NAME}: <b>{markup.escape(term.term_name)}</b>, which it carries · '
            f"{markup.escape(sae)} #{term.feature} {markup.grade(term)}</div>"
        )
    )


@cached_by_bundle(4)
def true_examples() -> list[Start]:
    """Proteins annotated with the term that a validated feature is graded for, where it fires strongly.

    Each another protein and another kind of function. Those that a small picture shows well come first.
    """
    found: list[Start] = []
    for is_shown in (True, False):
        for term in data.showcase(data.MOST_SEARCHED):
            rows = [row for row in candidates(term) if _shows(row) == is_shown]
            row = next((row for row in rows if row.accession not in {start.example.accession for start in found}), None)
            if row is not None and all(data.apart(term, start.term) for start in found):
                found.append(Start(row, term))
            if len(found) == EXAMPLES:
                return found
    return found


def candidates(term: TermFeature) -> list[ExampleRow]:
    """Stored examples of the feature that carry its term and on which it fires strongly."""
    ref = FeatureRef(term.sae, term.feature)
    row = data.feature(ref)
    if row is None:
        return []
    full = views.full_colour([row], "normalised")[0]
    carriers = data.accessions_with_term(term.go_id)
    examples = [example for band in ("with", "3d", "top") for example in data.examples(ref, band)]
    return [one for one in examples if one.accession in carriers and one.peak_act >= STRONG * full]


def _shows(example: ExampleRow) -> bool:
    """Whether a small picture shows something of a protein that has a name."""
    return example.has_structure and bool(example.protein_name) and len(example.positions) >= VISIBLE
