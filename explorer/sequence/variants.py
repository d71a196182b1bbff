"""Variants that a reader types: what each changes, as a table for all and on the strips for one.

Read `box`, then `show`.
"""

import pandas as pd
import streamlit as st

from explorer.components.protein_view import StripRow
from explorer.draw import downloads, markup, views, words
from explorer.protein.subject import Subject
from explorer.sequence.scans import named_as
from explorer.services import data, live, mutating
from explorer.services.mutating import Effect
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links, viewer
from protsae.errors import InputError
from protsae.measures.variants import Variant, parse_variants

MOST_ROWS = 40
MOST_STRIPS = 4
MOST_IN_ADDRESS = 1500
"""Letters of a list that an address keeps."""

HELP = (
    "The residue, its position from 1, the new residue: H64A. Several variants apart by blanks, commas or lines; "
    "several substitutions in one protein joined by '/': H64A/K63R. Three-letter names and p. are understood."
)
HELP_MASKED = (
    "Sum over the substitutions of the log-odds of the new residue against the old one, in nats, each with the residue "
    "hidden from the language model. Below 0: less likely. Substitutions of one variant count as independent."
)
HELP_WILD = "The same where the language model sees the wild type's residue."
HELP_MOVED = "Features whose peak moves by at least 5 % of full colour, either way."


def box(about: Subject) -> list[Variant]:
    """The list, kept in the address; a wrong one is said and nothing of it is used."""
    st.session_state["sequence_variants"] = st.query_params.get("variants", st.session_state.get("variants_kept", ""))

    def write() -> None:
        text = " ".join(st.session_state["sequence_variants"].split())
        st.session_state["variants_kept"] = text
        frame.write_address(variants=text[:MOST_IN_ADDRESS] if 0 < len(text) <= MOST_IN_ADDRESS else None, variant=None)

    example = f"{about.sequence[0]}1A" if about.sequence[0] != "A" else "A1G"
    st.text_area(
        "Variants of your own", key="sequence_variants", on_change=write, height=70, help=HELP,
        placeholder=f"{example}, or a list of them",
    )  # fmt: skip
    try:
        return parse_variants(st.session_state["sequence_variants"], about.sequence)
    except InputError as error:
        st.html(markup.empty(str(error), "Your list is still in the box."))
        return []


def show(about: Subject, sae: str, variants: list[Variant]) -> None:
    """Table of all, then the chosen one in full."""
    effects = [mutating.effect(about.sequence, sae, variant) for variant in variants]
    table(about, sae, effects)
    names = [effect.variant.name for effect in effects]
    chosen = names[0]
    if len(names) > 1:
        asked = st.query_params.get("variant")
        chosen = frame.choice("In full", "variant", names, kind="select", current=asked if asked in names else None)
    detail(about, sae, next(effect for effect in effects if effect.variant.name == chosen))


def table(about: Subject, sae: str, effects: list[Effect]) -> None:
    """One row a variant, and two files: the variants, and every feature that each of them moves."""
    st.dataframe(
        pd.DataFrame({
            "Variant": [effect.variant.name for effect in effects],
            "Likelihood, masked": [effect.masked for effect in effects],
            "Likelihood, wild-type": [effect.wild for effect in effects],
            "Features lost": [effect.count("lost") for effect in effects],
            "gained": [effect.count("gained") for effect in effects],
            "weaker": [effect.count("weaker") for effect in effects],
            "stronger": [effect.count("stronger") for effect in effects],
            "Most moved": [most_moved(sae, effect) for effect in effects],
        }),
        hide_index=True, height=min(420, 38 + 35 * len(effects)), key="variants_table",
        column_config={
            "Likelihood, masked": st.column_config.NumberColumn(format="%+.2f nats", help=HELP_MASKED),
            "Likelihood, wild-type": st.column_config.NumberColumn(format="%+.2f nats", help=HELP_WILD),
            "Features lost": st.column_config.NumberColumn(help=HELP_MOVED),
        },
    )  # fmt: skip
    name = downloads.file_name(downloads.stem(about.name or "sequence"), sae)
    with st.container(horizontal=True):
        for label, make, ending in (
            ("Variants (CSV)", variants_csv, "variants"),
            ("Features of each (CSV)", features_csv, "variant_features"),
        ):
            st.download_button(
                label, lambda make=make: make(sae, effects), f"{name}_{ending}.csv", "text/csv",
                icon=":material/download:", on_click="ignore", key=f"save_{ending}",
            )  # fmt: skip


def most_moved(sae: str, effect: Effect) -> str:
    """The feature that moves most, in words."""
    if not effect.changes:
        return "none"
    change = effect.changes[0]
    return f"{named_as(sae, change.feature)} {change.kind}"


def detail(about: Subject, sae: str, effect: Effect) -> None:
    """Features gained and lost by one variant, wild type and mutant on one scale, on strips and structure."""
    variant, changes = effect.variant, effect.changes
    if not changes:
        frame.say(f"{variant.name} moves no feature's peak by 5 % of full colour or more.")
        return
    refs = [FeatureRef(sae, change.feature) for change in changes[:MOST_STRIPS]]
    mutant = variant.of(about.sequence)
    rows = [row for ref in refs for row in pair(ref, about.sequence, mutant, variant.name)]
    marks = {one.position: f"{one.name}" for one in variant.substitutions}
    viewer.show(
        key="variant_view", name=f"{downloads.stem(about.name or 'sequence')} {variant.name}", sequence=about.sequence,
        rows=rows, marks=marks, structure=about.structure, height=320,
        scale_note=words.SCALE_NOTES[frame.settings().scale],
    )  # fmt: skip
    st.caption(
        "Features with a confirmed label first. "
        f"Each feature twice, wild type and {variant.name}, on one scale; letters are the wild type's, changed "
        "residues have a tick above."
    )
    listed = changes[:MOST_ROWS]
    facts = live.features(sae).set_index("feature").loc[[change.feature for change in listed]]
    st.dataframe(
        pd.DataFrame({
            "Feature": [links.feature(sae, change.feature).url for change in listed],
            "Label": [words.label(*pair) for pair in zip(facts["label"], facts["label_grade"], strict=True)],
            "What": [change.kind for change in listed],
            "Peak": [f"{words.amount(change.wild_peak)} → {words.amount(change.peak)}" for change in listed],
            "Of full colour": [100 * (change.peak - change.wild_peak) / change.full for change in listed],
            "Mean over the chain": [100 * change.moved for change in listed],
            "Evidence": facts["label_grade"].replace("none", "not validated").tolist(),
        }),
        hide_index=True, height=min(420, 38 + 35 * len(listed)), key="variant_table",
        column_config={
            "Feature": st.column_config.LinkColumn(display_text=r"feature=(\d+)", width="small"),
            "Of full colour": st.column_config.NumberColumn(format="%+.0f %%"),
            "Mean over the chain": st.column_config.NumberColumn(format="%+.0f %%"),
            "Evidence": st.column_config.TextColumn(help=words.HELP["grade"]),
        },
    )  # fmt: skip


def pair(ref: FeatureRef, wild: str, mutant: str, name: str) -> list[StripRow]:
    """The feature along the wild type and along the mutant."""
    row = data.feature(ref)
    if row is None:
        return []
    scale = views.full_colour([row], frame.settings().scale)[0]
    code = f"{ref.sae} {ref.feature}"
    found = []
    for label, letters in ((words.named(row), wild), (f"… in {name}", mutant)):
        values = live.feature_rows(letters, [ref])[0]
        found.append(views.strip(label, values, scale, links.feature(ref.sae, ref.feature).url, code=code))
    return found


def variants_csv(sae: str, effects: list[Effect]) -> str:
    """One line a variant."""
    head = ["variant", "masked_log_odds_nats", "wild_type_log_odds_nats", "lost", "gained", "weaker", "stronger", "sae"]
    lines = [
        (
            effect.variant.name,
            f"{effect.masked:.6g}",
            f"{effect.wild:.6g}",
            *(effect.count(kind) for kind in ("lost", "gained", "weaker", "stronger")),
            sae,
        )
        for effect in effects
    ]
    return downloads.table_csv(head, lines)


def features_csv(sae: str, effects: list[Effect]) -> str:
    """One line a variant and feature that it moves."""
    head = [
        "variant",
        "sae",
        "feature",
        "label",
        "kind",
        "wild_peak",
        "mutant_peak",
        "wild_mean",
        "mutant_mean",
        "full_colour",
    ]
    facts = live.features(sae)
    lines = [
        (
            effect.variant.name,
            sae,
            change.feature,
            facts["label"].iloc[change.feature],
            change.kind,
            *(f"{value:.6g}" for value in (change.wild_peak, change.peak, change.wild_mean, change.mean, change.full)),
        )
        for effect in effects
        for change in effect.changes
    ]
    return downloads.table_csv(head, lines)
