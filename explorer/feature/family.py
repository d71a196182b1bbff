"""The family of a feature: which features fire where it does, broader above and narrower below, as a small tree.

Read `section`.
"""

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import theme
from explorer.draw import confounded, downloads, kinship, markup, words
from explorer.services import data, families
from explorer.services.families import Family
from explorer.services.refs import FeatureRef
from explorer.shell import doubts, frame, links, tables
from protsae.store.analyses.dense import DENSEST
from protsae.store.analyses.families import FAMILIES, Member
from protsae.store.rows import FeatureRow

MOST_ABOVE, MOST_BELOW = 4, 6
"""Nodes of the small tree above and below the feature."""


def section(row: FeatureRow) -> None:
    """Tree, agreement of the names, warnings; or one sentence on why there are none."""
    ref = FeatureRef(row.sae, row.feature)
    with st.container(border=True, key="family"):
        st.header("Family", anchor=False, help=kinship.HELP)
        if absence := data.absence(FAMILIES):
            frame.say(absence, "ps-small ps-soft")
            return
        found = families.family_of(ref)
        if found is None:
            frame.say(kinship.TOO_DENSE if row.density > DENSEST else kinship.ALONE)
        else:
            warnings(ref, found)
            tree(ref, found)
            if found.row is not None:
                frame.say(kinship.agreement(found.row))
        for pair in families.absorbed(ref):
            what = "Absorbed" if pair.feature == ref.feature else "Absorbs"
            st.html(markup.wrap(_warning(what, kinship.absorption(pair, ref.feature))))
        told = families.summary(ref.sae)
        if told is not None:
            frame.say(f"{data.sae(ref.sae).display_name}, all families: {kinship.overall(told)}", "ps-small ps-soft")


def warnings(ref: FeatureRef, found: Family) -> None:
    """What the family says against taking the feature alone."""
    member, children = found.member(ref.feature), found.children(ref.feature)
    if member.is_split:
        n_narrower = sum(child.relation == "narrower" for child in children)
        st.html(markup.wrap(_warning("Split", kinship.split(member, n_narrower))))
    if near := kinship.twins(member, children):
        st.html(markup.wrap(_warning("Twins", near)))


def _warning(title: str, text: str) -> str:
    mark = f'<span class="ps-badge warn">{markup.escape(title)}</span>'
    return f'<p class="ps-small" style="margin:.15rem 0">{mark}{markup.escape(text)}</p>'


def tree(ref: FeatureRef, found: Family) -> None:
    """The feature between those above and those below; all of the family on demand, as a table."""
    path, children = found.path(ref.feature), found.children(ref.feature)
    above, shown = path[:-1][-MOST_ABOVE:], children[:MOST_BELOW]
    with st.container(gap="xxsmall"):
        for level, member in enumerate(above):
            node(member, level)
        here(path[-1], len(above))
        counterparts(ref, len(above))
        for child in shown:
            node(child, len(above) + 1)
    cut = len(found.members) - len(above) - len(shown) - 1
    if cut > 0:
        size = len(found.members)
        if frame.flag(f"Show all {size} features of the family", "family", tip=f"{cut} are not in the tree above."):
            whole(ref, found)


def node(member: Member, level: int) -> None:
    """A relative: a link, and what is known of it."""
    with _level(level, str(member.feature)):
        name = f"{words.label(member.label, member.label_grade)} · #{member.feature}"
        frame.link(links.feature(member.sae, member.feature), name)
        note = doubts.badge(member.sae, member.feature)
        st.html(markup.wrap(_facts(kinship.facts(member)), note), width="content")


def here(member: Member, level: int) -> None:
    """The feature itself."""
    with _level(level, "here"):
        name = f"{words.label(member.label, member.label_grade)} · #{member.feature}"
        note = doubts.badge(member.sae, member.feature)
        mark = f'<b>{markup.escape(name)}</b> <span class="ps-badge good">this feature</span>'
        st.html(markup.wrap(mark, note, _facts(kinship.facts(member))), width="content")


def counterparts(ref: FeatureRef, level: int) -> None:
    """In each other autoencoder the feature that fires most alike over proteins."""
    best = [near for near in data.neighbours(ref) if near.other_sae != ref.sae and near.rank == 1]
    for near in best:
        sae = data.sae(near.other_sae)
        with _level(level, near.other_sae):
            name = f"≈ {markup.dot(sae.role)}{markup.escape(sae.display_name)}, most alike over proteins:"
            st.html(markup.wrap(_facts(name, is_html=True)), width="content")
            alike = f" · r {near.correlation:.2f}" if near.correlation is not None else ""
            label = f"{words.label(near.label, near.label_grade)} · #{near.other_feature}{alike}"
            doubts.link(FeatureRef(near.other_sae, near.other_feature), label)


def _level(level: int, name: str) -> DeltaGenerator:
    """A line of the tree, indented by the style sheet."""
    key = f"kin{min(level, theme.KIN_LEVELS - 1)}_{name}"
    return st.container(key=key, horizontal=True, vertical_alignment="center", gap="small")


def _facts(text: str, *, is_html: bool = False) -> str:
    return f'<span class="ps-small ps-soft">{text if is_html else markup.escape(text)}</span>'


def whole(ref: FeatureRef, found: Family) -> None:
    """Every member as a row; a click opens it."""
    members = found.in_order()
    number = st.column_config.NumberColumn
    key = f"family_{ref.sae}_{members[0].family}"
    st.dataframe(
        pd.DataFrame({
            "Feature": [f"{' ·' * member.depth} #{member.feature}" for member in members],
            "Label": [words.label(member.label, member.label_grade) for member in members],
            "Evidence": [member.label_grade.replace("none", "not validated") for member in members],
            confounded.COLUMN: doubts.column((member.sae, member.feature) for member in members),
            "Fires on, %": [100 * member.density for member in members],
            "Hangs on": ["" if member.parent is None else f"#{member.parent}" for member in members],
            "As": [member.relation for member in members],
            "Shared": [member.shared for member in members],
            "Chance": [member.chance for member in members],
            "Amino acids": [member.by_letter for member in members],
        }),
        hide_index=True, height=min(420, 40 + 35 * len(members)),
        column_config={
            "Label": st.column_config.TextColumn(help=words.HELP["label"]),
            "Evidence": st.column_config.TextColumn(help=words.HELP["grade"]),
            **doubts.column_config(),
            "Fires on, %": number(help=words.HELP["density"], format="%.3f"),
            "Shared": number(help="Share of its residues on which the one that it hangs on fires, too.", format="%.2f"),
            "Chance": number(help="Share of all residues on which that one fires.", format="%.2f"),
            "Amino acids": number(help="Shared, if both kept nothing but their amino acids.", format="%.2f"),
        },
        **tables.clickable(key),
    )  # fmt: skip
    head = [*Member._fields]
    st.download_button(
        "Family (CSV)",
        lambda: downloads.table_csv(head, [[*member] for member in members]),
        f"{ref.sae}_{ref.feature}_family.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    clicked = tables.clicked_row(key)
    if clicked is not None and members[clicked].feature != ref.feature:
        frame.go(links.feature(ref.sae, members[clicked].feature))
