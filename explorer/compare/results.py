"""The evaluation in the words and files of the Compare page: the sentence on top, amounts, and CSV.

Every number and every judgement comes from `protsae/store/evaluation/summary.py`; nothing here knows Streamlit. Read
`lead`.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
import pandas as pd

from explorer.draw import words
from explorer.draw.downloads import table_csv
from protsae.store.evaluation.methods import KINDS, PROTSAE, TOPK, method_of
from protsae.store.evaluation.metrics import METRICS, OVERVIEW, Metric
from protsae.store.evaluation.standings import Place, Standing, at_each_sparsity, standings
from protsae.store.evaluation.summary import Gap, Summary, Table

PLACES: dict[Place, str] = {"ahead": "ahead", "level": "not told apart", "behind": "behind"}


def lead(summary: Summary, over: str) -> str:
    """What the main part finds, in plain words and whatever the direction."""
    auc = summary.cells("main", "auc", over)
    ours = summary.ours("auc", over)
    if ours is None:
        return "No guided autoencoder has an AUC here yet, so guided and unguided cannot be compared."
    of_kind = {kind: [name for name in auc if method_of(name).kind == kind] for kind in KINDS}
    wanted = summary.scope("main", over)
    where = namespace(wanted[0]) if len(wanted) == 1 else f"mean of {len(wanted)} ontologies"
    finding = f"{ours} predicts GO terms with AUC {words.number(auc[ours].mean)} ({where})"
    rival, fitted = (summary.best(kind, "auc", over) for kind in ("unguided", "fitted"))
    named = {} if fitted is None else {fitted: f"{fitted} ({words.number(auc[fitted].mean)})"}
    if rival is not None:
        which = "the best" if len(of_kind["unguided"]) > 1 else "the"
        notes = [words.number(auc[rival].mean), _agreement(summary, ours, rival, over)]
        named = {rival: f"{rival}, {which} unguided autoencoder ({'; '.join(filter(None, notes))})"} | named
    paper = next((name for name in of_kind["guided"] if method_of(name).standing == "paper"), ours)
    if paper != ours:
        named[paper] = f"{paper} in the paper's form ({words.number(auc[paper].mean)})"
    by_standing: dict[str, list[str]] = {}
    for name, text in named.items():
        by_standing.setdefault(_standing(auc[ours].mean, auc[name].mean), []).append(text)
    clauses = "; ".join(f"{standing} {words.join(texts)}" for standing, texts in by_standing.items())
    controls = "".join(f"; {_control(name)} {words.number(auc[name].mean)}" for name in of_kind["control"])
    first = f"On proteins of unseen families, {finding}{': ' if clauses else ''}{clauses}{controls}."
    if rival is None:
        return f"{first} No unguided autoencoder was evaluated."
    return " ".join(filter(None, [first, _fidelity(summary, ours, rival, over)]))


def guided_forms(summary: Summary, over: str) -> list[str]:
    """The forms of guidance that sentences are about: the one that stands for it, and the paper's."""
    ours = summary.ours("auc", over)
    guided = [name for name in summary.methods("main") if method_of(name).kind == "guided"]
    return [name for name in guided if name == ours or method_of(name).standing == "paper"]


def beside_unguided(summary: Summary, method: str, over: str) -> str:
    """Where a guided form is ahead of the best unguided autoencoder in each number, and where it is behind."""
    found = standings(summary, method, OVERVIEW, over)
    if not found:
        return ""
    clauses = [
        f"{words_for} in {words.join([_stands(one) for one in found if one.place == place])}"
        for place, words_for in PLACES.items()
        if any(one.place == place for one in found)
    ]
    return f"{method}, beside the best unguided autoencoder in each: {'; '.join(clauses)}."


def along_sparsity(summary: Summary, metric: Metric, over: str) -> str:
    """At how many settings the paper's form is better than its unguided baseline; '' where none is shared."""
    better, n = at_each_sparsity(summary, PROTSAE, TOPK, metric, over)
    return f"{metric.title}: {PROTSAE} is better than {TOPK} at {better} of {n} settings." if n else ""


def namespace(name: str) -> str:
    """A namespace as read, itself where it is not one of GO's three."""
    return words.NAMESPACES.get(name, name)


def _control(method: str) -> str:
    return method_of(method).result or f"{method} reaches"


def _standing(ours: float, theirs: float) -> str:
    gap = round(ours, 2) - round(theirs, 2)
    return "level with" if gap == 0 else "ahead of" if gap > 0 else "behind"


def _agreement(summary: Summary, ours: str, rival: str, over: str) -> str:
    """On how many of the shared seeds the lead holds."""
    _, difference, holds = summary.compare(ours, rival, "auc", over)
    if difference.n < 2:
        return "one seed" if difference.n else ""
    if holds == difference.n:
        return "the same on both seeds" if holds == 2 else f"the same on all {holds} seeds"
    return f"the same on {holds} of {difference.n} seeds"


def _stands(one: Standing) -> str:
    digits = one.metric.digits
    return f"{one.metric.title} ({one.own.mean:.{digits}f}; {one.rival} {one.best.mean:.{digits}f})"


def _fidelity(summary: Summary, ours: str, rival: str, over: str) -> str:
    """How much of the language model each keeps, and at what L0; '' where the digits worth showing are the same."""
    kept, l0 = (summary.cells("main", metric, over) for metric in ("lr_masked", "l0"))
    if ours not in kept or rival not in kept:
        return ""
    mine, theirs = (words.number(kept[name].mean, METRICS["lr_masked"].digits) for name in (ours, rival))
    if mine == theirs:
        return ""
    stands = "more than" if kept[ours].mean > kept[rival].mean else "less than"
    at = f", with {l0[ours].mean:.1f} and {l0[rival].mean:.1f} active features" if {ours, rival} <= l0.keys() else ""
    what = f"Of the language model's skill at masked residues its reconstruction keeps {mine}"
    return f"{what}, {stands} {rival} ({theirs}){at}."


def as_csv(shown: Table) -> str:
    """The table with mean and spread in columns of their own."""
    head = ["method", "labels", "n_seeds"]
    head += [name for metric in shown.metrics for name in (metric.key, f"{metric.key}_sd")]
    lines = []
    for line in shown.lines:
        pairs = [line.cells.get(metric.key) for metric in shown.metrics]
        values = [v for c in pairs for v in ((_rounded(c.mean), _rounded(c.sd)) if c else ("", ""))]
        lines.append((line.method, line.kind, line.n_seeds, *values))
    return table_csv(head, lines)


def gaps_csv(parts: dict[str, list[Gap]]) -> str:
    """Differences to the paper's method, one a line."""
    head = ["part", "method", "metric", "difference", "sd", "n_seeds"]
    lines = [
        (part, gap.method, gap.metric, _rounded(gap.cell.mean), _rounded(gap.cell.sd), gap.cell.n)
        for part, gaps in parts.items()
        for gap in gaps
    ]
    return table_csv(head, lines)


def rows_csv(rows: pd.DataFrame) -> str:
    """Every stored number."""
    return table_csv([str(name) for name in rows.columns], cast("list[Sequence[object]]", rows.to_numpy().tolist()))


def _rounded(value: float) -> float | str:
    return "" if np.isnan(value) else float(f"{value:.6g}")
