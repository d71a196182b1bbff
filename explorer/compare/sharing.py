"""Which concepts share a feature: the terms that each of a term's two features serves, beside each other.

A feature that also serves a broader or narrower term is not entangled, for the same proteins carry both; one that
serves a term which is neither is. Read `show`.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import streamlit as st

from explorer.compare.comparison import Sides
from explorer.draw import downloads, markup, words
from explorer.services import comparing, data
from explorer.services.refs import FeatureRef
from explorer.shell import frame, links
from protsae.store.analyses.curves import CURVES, Sharing
from protsae.store.rows import TermFeature, TermRow

Relation = Literal["this term", "broader", "narrower", "unrelated"]
TIPS: dict[Relation, str] = {
    "this term": "The term that is compared.",
    "broader": "Every protein with this term carries that one, too: no entanglement.",
    "narrower": "Every protein with that term carries this one, too: no entanglement.",
    "unrelated": "Neither broader nor narrower: the feature mixes two concepts, or the same proteins carry both.",
}
MOST_SHOWN = 5
"""Further unrelated terms that a sentence names."""


class Served(NamedTuple):
    """A term, and how well each of the two features serves it."""

    go_id: str
    name: str
    relation: Relation
    guided: TermFeature | None
    """None where the alignment does not hold on unseen proteins, or is none of the feature's best."""
    baseline: TermFeature | None

    @property
    def best(self) -> float:
        """The higher of the two scores."""
        return max(row.test_f1 for row in (self.guided, self.baseline) if row is not None)


def show(term: TermRow, guided: TermFeature, baseline: TermFeature, compared: Sides) -> None:
    """The picture for the term, and the same over all terms."""
    st.header("What else each feature serves", anchor=False)
    rows = served(term, guided, baseline)
    frame.say(sentence(rows, compared))
    matrix(rows, (guided, baseline), compared)
    beyond(guided, baseline, compared)
    whole(compared)


def served(term: TermRow, guided: TermFeature, baseline: TermFeature) -> list[Served]:
    """Terms that either feature serves on unseen proteins: this one, then unrelated ones, then relatives, by F1."""
    pairs = [
        {row.go_id: row for row in comparing.holding(FeatureRef(one.sae, one.feature))} for one in (guided, baseline)
    ]
    for one, found in zip((guided, baseline), pairs, strict=True):
        found[term.go_id] = one
    above, below = comparing.relatives(term.go_id)
    rows = []
    for go_id in dict.fromkeys([*pairs[0], *pairs[1]]):
        name = next(found[go_id].term_name for found in pairs if go_id in found)
        relation: Relation = (
            "this term"
            if go_id == term.go_id
            else "broader"
            if go_id in above
            else "narrower"
            if go_id in below
            else "unrelated"
        )
        rows.append(Served(go_id, name, relation, pairs[0].get(go_id), pairs[1].get(go_id)))
    order = ("this term", "unrelated", "narrower", "broader")
    return sorted(rows, key=lambda row: (order.index(row.relation), -row.best, row.go_id))


def sentence(rows: Sequence[Served], compared: Sides) -> str:
    """How many unrelated terms each of the two serves."""
    counts = [
        sum(row.relation == "unrelated" and getattr(row, side) is not None for row in rows)
        for side in ("guided", "baseline")
    ]
    told = []
    for who, n in zip(("guided", compared.baseline.role), counts, strict=True):
        what = "serves no unrelated term" if n == 0 else f"also serves {words.count(n, 'unrelated term')}"
        told.append(f"the {who} feature {what}")
    return (
        f"Of the terms that name each feature best and hold on unseen proteins, {words.join(told)}. Broader and "
        "narrower terms do not count: the same proteins carry them."
    )


def matrix(rows: Sequence[Served], pair: tuple[TermFeature, TermFeature], compared: Sides) -> None:
    """A row a term, a column a feature, a bar where the feature serves the term."""
    heads = [
        f"{markup.dot(sae.role)}<b>{markup.escape(sae.display_name)}</b> #{row.feature}"
        for row, sae in zip(pair, compared, strict=True)
    ]
    with st.container(key="sharing_rows", gap="xxsmall"):
        for place, row in enumerate(rows):
            name, *cells = st.columns([1.7, 1, 1], vertical_alignment="center", gap="small")
            with name:
                if row.relation == "this term":
                    st.html(markup.wrap(f"<b>{markup.escape(row.name)}</b>"))
                else:
                    frame.link(links.compare(row.go_id), f"{row.name}")
            for cell, served_by, sae, head in zip(cells, (row.guided, row.baseline), compared, heads, strict=True):
                top = f'<div class="ps-small">{head}</div>' if place == 0 else ""
                kind = markup.explained(row.relation, TIPS[row.relation], "ps-noted ps-small ps-soft")
                cell.html(markup.wrap(top, bar(served_by, sae.role, row.relation), kind if served_by else ""))


def bar(row: TermFeature | None, role: str, relation: Relation) -> str:
    """F1 as the length of a bar in the role's colour, pale for relatives; a dash where the feature does not serve."""
    if row is None:
        return '<span class="ps-soft" >does not hold</span>'
    opacity = 0.4 if relation in ("broader", "narrower") else 1
    width = 100 * max(0.0, min(1.0, row.test_f1))
    box = f"width:{width:.0f}%;background:var(--ps-{role});opacity:{opacity}"
    return (
        '<div style="display:flex;align-items:center;gap:.5rem"><div style="flex:1;background:var(--ps-panel);'
        f'border-radius:3px"><div style="height:10px;border-radius:3px;{box}"></div></div>'
        f'<span style="font-variant-numeric:tabular-nums">{words.number(row.test_f1)}</span></div>'
    )


def beyond(guided: TermFeature, baseline: TermFeature, compared: Sides) -> None:
    """Unrelated terms that a feature serves among proteins without this one, by the count that allows no overlap."""
    if data.absence(CURVES):
        return
    told = []
    for row, sae in zip((guided, baseline), compared, strict=True):
        found = comparing.shared(row)
        names = [term.name for term in found[:MOST_SHOWN]]
        more = f" and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else ""
        told.append(
            f"{sae.display_name} #{row.feature} {f'serves {words.join(names)}{more}' if names else 'serves none'}"
        )
    frame.say(
        "Stricter, among test proteins that do not carry this term, one of each overlapping group, leaving out what a "
        f"linear probe of this term ranks high, too: {'; '.join(told)}.",
        "ps-small ps-soft",
    )


def whole(compared: Sides) -> None:
    """The same over all terms, with its null."""
    if reason := data.absence(CURVES):
        frame.say(reason, "ps-small ps-soft")
        return
    names = {sae.name: sae for sae in compared}
    rows = [row for row in comparing.sharing() if row.sae in names]
    if not rows:
        return
    with st.expander("Over all terms: how far do the features of each autoencoder mix concepts?", key="sharing_all"):
        st.html(markup.wrap(f'<div class="ps-wide" tabindex="0">{table(rows, compared)}</div>'))
        st.caption(
            "Of features that serve their own term (AUROC at least 0.7, one-sided test at 5 %): how many unrelated "
            "terms each serves among test proteins without its own (false discovery rate 5 %). Overlapping terms count "
            "once, and those not at all that a linear probe of its own term ranks high, too: proteins with related "
            "functions look alike to the language model, which is no fault of the feature. Null: labels shuffled."
        )
        head = list(Sharing._fields)
        lines = [[getattr(row, name) for name in head] for row in rows]
        st.download_button(
            "Table (CSV)",
            lambda: downloads.table_csv(head, lines),
            "sharing.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )


def table(rows: Sequence[Sharing], compared: Sides) -> str:
    """A line an autoencoder and sub-ontology."""
    display = {sae.name: sae.display_name for sae in compared}
    head = ["Ontology", "Autoencoder", "terms", "serve their own", "unrelated terms each", "none at all", "null"]
    lines = [
        [
            words.NAMESPACES[row.namespace],
            display[row.sae],
            f"{row.n_terms:,}",
            "-" if row.share_serving is None else words.percent(row.share_serving),
            words.number(row.mean, 1),
            "-" if row.share_pure is None else words.percent(row.share_pure),
            words.number(row.null_mean, 2),
        ]
        for row in sorted(rows, key=lambda row: (list(words.NAMESPACES).index(row.namespace), row.sae))
    ]
    return markup.table(head, lines)
