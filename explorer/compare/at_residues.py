"""Does the feature find the residues, too? A term's two features inside proteins, beside what else finds them.

Read `show`, then `standing`.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st
from scipy.stats import binomtest

from explorer import theme
from explorer.compare import term_charts
from explorer.compare.comparison import Sides
from explorer.compare.term_charts import Found
from explorer.draw import markup, words
from explorer.services import comparing, data
from explorer.services.cached import cached_by_bundle
from explorer.services.refs import FeatureRef
from explorer.shell import frame, takeaway
from protsae import palette
from protsae.measures.paired import bootstrap_mean
from protsae.store.analyses.sites import SITES
from protsae.store.rows import TermRow

ALONE = {
    "letter": ("the amino acid alone", "Each residue scored by its letter."),
    "window": ("15 letters around it", "A regression on the letters of 15 residues."),
    "neuron": ("best single neuron", "The best dimension of the language model's states."),
    "probe": (
        "supervised probe",
        "A regression on the language model's states, fitted on named residues: the ceiling.",
    ),
}
LEAST_TERMS = 3
"""Of a sub-ontology, for an interval over terms."""


class Standing(NamedTuple):
    """Guided against unguided inside proteins, over the terms of one sub-ontology."""

    n: int
    ahead: int
    behind: int
    difference: float
    """Mean over terms."""
    low: float
    high: float
    p: float
    """Two-sided sign test over terms."""


def show(term: TermRow, compared: Sides) -> None:
    """The picture for the term, where its residues are known, and how the two stand over all such terms."""
    st.header("At the residues that carry the function", anchor=False)
    if reason := data.absence(SITES):
        frame.say(reason)
        return
    rows = comparing.site_terms(compared.guided.name, compared.baseline.name)
    here = rows.loc[rows["go_id"] == term.go_id]
    if here.empty:
        frame.say(f"No residues are named for “{term.name}”, so its features are judged by proteins only.")
    else:
        one_term(here.iloc[0], term.name, compared)
    over_terms(compared)


def one_term(row: pd.Series, name: str, compared: Sides) -> None:
    """The sentence and the bars of one term."""
    found, null = ways(row, compared, frame.mode()), row["guided_site_null"]
    frame.say(sentence(row, compared))
    takeaway.chart(
        term_charts.residues(found, None if pd.isna(null) else float(null), frame.mode()),
        "at_residues",
        f"What finds the residues of {name}",
        alt="Average precision inside proteins of both features and of what else finds the residues",
        refs=[
            FeatureRef(sae.name, int(row[f"{side}_feature"]))
            for side, sae in zip(("guided", "baseline"), compared, strict=True)
            if pd.notna(row[f"{side}_feature"])
        ],
    )
    st.caption(
        f"Mean over {words.count(int(row['n_proteins']), 'unseen protein')} with {int(row['n_residues']):,} named "
        "residues of the average precision within each. Dotted: the guided feature with the named residues shifted "
        f"along the chain ({words.number(row['guided_site_null'])}; {compared.baseline.role} "
        f"{words.number(row['baseline_site_null'])})."
    )


def ways(row: pd.Series, compared: Sides, mode: theme.Mode) -> list[Found]:
    """Everything that was tried on the term's residues."""
    found = [
        Found(
            f"{sae.display_name}{_number(row, side)}",
            float(row[f"{side}_site"]),
            theme.identity(sae.role, mode),
            f"{sae.role} feature",
        )
        for side, sae in zip(("guided", "baseline"), compared, strict=True)
        if pd.notna(row[f"{side}_site"])
    ]
    return found + [
        Found(title, float(row[f"{name}_site"]), palette.ORIGINS["none"], tip)
        for name, (title, tip) in ALONE.items()
        if pd.notna(row[f"{name}_site"])
    ]


def sentence(row: pd.Series, compared: Sides) -> str:
    """Who finds the residues best."""
    ours, theirs = (
        None if pd.isna(row[f"{side}_site"]) else float(row[f"{side}_site"]) for side in ("guided", "baseline")
    )
    scores = (
        f"{words.number(ours)} guided{_number(row, 'guided')}, {words.number(theirs)} {compared.baseline.role}"
        f"{_number(row, 'baseline')}"
    )
    if ours is None or theirs is None:
        return f"Inside proteins only one of the two could be judged: {scores}."
    who = "the guided feature finds" if ours > theirs else f"the {compared.baseline.role} feature finds"
    beaten = [
        title
        for name, (title, _) in ALONE.items()
        if pd.notna(row[f"{name}_site"]) and row[f"{name}_site"] >= max(ours, theirs)
    ]
    better = f" Better than both: {words.join(beaten)}." if beaten else " Nothing else that was tried does better."
    return f"Inside proteins {who} the residues better: average precision {scores}.{better}"


def _number(row: pd.Series, side: str) -> str:
    """Of the feature that is judged at the residues: the best of its autoencoder there, and often not the page's."""
    feature = row[f"{side}_feature"]
    return "" if pd.isna(feature) else f" #{int(feature)}"


def standing(rows: pd.DataFrame) -> Standing:
    """How the two stand over terms that both are judged on."""
    both = rows.dropna(subset=["guided_site", "baseline_site"])
    gap = (both["guided_site"] - both["baseline_site"]).to_numpy(dtype=float)
    ahead, behind = int((gap > 0).sum()), int((gap < 0).sum())
    low, high = bootstrap_mean(gap) if len(gap) >= LEAST_TERMS else (np.nan, np.nan)
    p = float(binomtest(ahead, ahead + behind).pvalue) if ahead + behind else 1.0
    return Standing(len(gap), ahead, behind, float(gap.mean()) if len(gap) else np.nan, low, high, p)


@cached_by_bundle(8)
def standings(guided: str, baseline: str) -> dict[str, Standing]:
    """How two autoencoders stand in every sub-ontology."""
    rows = comparing.site_terms(guided, baseline)
    return {namespace: standing(rows.loc[rows["namespace"] == namespace]) for namespace in words.NAMESPACES}


def over_terms(compared: Sides) -> None:
    """Wins and losses by sub-ontology, as a sentence each and a table."""
    found = standings(compared.guided.name, compared.baseline.name)
    told = [read(namespace, one, compared) for namespace, one in found.items() if one.n]
    if not told:
        return
    frame.say(" ".join(told))
    head = [
        "Ontology",
        "terms",
        "guided ahead",
        f"{compared.baseline.role} ahead",
        "mean difference",
        "95 % interval",
        "sign test p",
    ]
    lines = [
        [
            words.NAMESPACES[namespace],
            f"{one.n}",
            f"{one.ahead}",
            f"{one.behind}",
            f"{one.difference:+.3f}",
            "-" if np.isnan(one.low) else f"{one.low:+.3f} to {one.high:+.3f}",
            f"{one.p:.2g}",
        ]
        for namespace, one in found.items()
        if one.n
    ]
    st.html(markup.wrap(f'<div class="ps-wide" tabindex="0">{markup.table(head, lines)}</div>'))
    st.caption(
        "Average precision inside proteins, guided minus the other; interval: bootstrap over terms. Terms overlap, so "
        "it is somewhat too narrow. Each term stands in the table below (“At residues”)."
    )


def read(namespace: str, one: Standing, compared: Sides) -> str:
    """One sentence: 'biological process: the guided features lose, behind on 12 of 15 terms (...)'."""
    wins, role = one.difference > 0, compared.baseline.role
    is_sure = not np.isnan(one.low) and (one.low > 0 or one.high < 0)
    unsure = "" if is_sure else ", not by more than chance"
    return (
        f"{words.capitalised(words.NAMESPACES[namespace])}: the {'guided' if wins else role} features find residues "
        f"better{unsure} (guided ahead on {one.ahead}, behind on {one.behind} of {one.n} terms, mean difference "
        f"{one.difference:+.3f})."
    )
