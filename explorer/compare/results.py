"""The evaluation as the Compare page tells it: numbers over seeds, differences to ProtSAE, the sentence on top.

    number of a method = mean over seeds of (mean over namespaces of the stored value)
    spread             = standard deviation over seeds (n - 1); none where there is one seed

A seed counts in a mean over namespaces only where it has all of them, so that no method is averaged over fewer. Nothing
here knows Streamlit. Read `per_seed`, then `table`, then `lead`.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import pandas as pd

from explorer.draw import words
from explorer.draw.downloads import table_csv
from protsae.store.evaluation.metrics import METHOD_KINDS, METRICS, MethodKind, Metric, method_kind

OURS = "ProtSAE"
"""The paper's method, as the table names it."""
MEAN = "mean"
"""The choice of all namespaces together."""


class Cell(NamedTuple):
    """One number of one method."""

    mean: float
    spread: float
    """NaN where there is one seed."""
    n_seeds: int


class Line(NamedTuple):
    """A method in a table."""

    method: str
    kind: MethodKind
    n_seeds: int
    cells: dict[str, Cell]
    """By metric; those that it has."""


class Table(NamedTuple):
    """Methods by metrics."""

    metrics: list[Metric]
    lines: list[Line]
    best: dict[str, frozenset[str]]
    """Metric -> methods that lead it as far as the shown digits tell; controls do not compete."""


class Gap(NamedTuple):
    """How a variant differs from ProtSAE, seed by seed."""

    method: str
    metric: str
    cell: Cell


def namespaces(rows: pd.DataFrame, part: str = "main") -> list[str]:
    """Namespaces that a part has numbers of, in the usual order."""
    found = set(rows.loc[rows["part"] == part, "namespace"])
    return [namespace for namespace in words.NAMESPACES if namespace in found]


def choices(rows: pd.DataFrame) -> list[str]:
    """What the reader can ask for: the mean, where there is more than one namespace, then each."""
    found = namespaces(rows)
    return [MEAN, *found] if len(found) > 1 else found


def scope(rows: pd.DataFrame, part: str, over: str) -> list[str]:
    """Namespaces that a part is told for: the asked one, or all that the part has where it lacks that one.

    Beside the main part these are the namespaces that all its methods share: most variants are trained for one only.
    """
    found = namespaces(rows, part)
    if part != "main":
        here = rows.loc[(rows["part"] == part) & (rows["namespace"] != "")]
        for method in set(here["method"]):
            own = set(here.loc[here["method"] == method, "namespace"])
            found = [namespace for namespace in found if namespace in own]
    return [over] if over in found else found


def per_seed(rows: pd.DataFrame, part: str, wanted: Sequence[str], *, by_k: bool = False) -> pd.DataFrame:
    """One number per method, seed and metric: the mean over the wanted namespaces.

    Args:
        rows: the table `evaluation`.
        part: main | ablation | sparsity | guidance.
        wanted: namespaces; numbers that hold for all of them ('') always count.
        by_k: keep numbers at other k apart.

    Returns:
        method, k (where asked for), seed, metric, value.
    """
    keys = ["method", "k", "seed", "metric"] if by_k else ["method", "seed", "metric"]
    here = rows.loc[rows["part"] == part]
    own = here.loc[here["namespace"].isin(list(wanted))]
    needed = own.groupby("metric").agg(needed=("namespace", "nunique")).reset_index()
    found = own.groupby(keys).agg(value=("value", "mean"), n=("namespace", "nunique")).reset_index()
    found = found.merge(needed, on="metric").query("n == needed")
    shared = here.loc[here["namespace"] == ""].groupby(keys).agg(value=("value", "mean")).reset_index()
    whole = pd.concat([found, shared], ignore_index=True)
    return whole.loc[:, [*keys, "value"]].drop_duplicates(keys).reset_index(drop=True)


def cell(values: Sequence[float] | np.ndarray) -> Cell:
    """Mean and spread over seeds."""
    array = np.asarray(values, dtype=float)
    return Cell(float(array.mean()), float(array.std(ddof=1)) if len(array) > 1 else float("nan"), len(array))


def cells(seeds: pd.DataFrame, metric: str) -> dict[str, Cell]:
    """A metric of every method that has it."""
    here = seeds.loc[seeds["metric"] == metric]
    return {str(method): cell(group["value"].to_numpy()) for method, group in here.groupby("method")}


def ordered(methods: Sequence[str]) -> list[str]:
    """ProtSAE first, then by kind and name."""
    kinds = list(METHOD_KINDS)
    return sorted(methods, key=lambda name: (kinds.index(method_kind(name)), name != OURS, name.casefold()))


def table(rows: pd.DataFrame, group: str, over: str) -> Table:
    """The main table of one group of metrics; a method without any judged number in it is left out."""
    seeds = per_seed(rows, "main", scope(rows, "main", over))
    columns = {metric.key: cells(seeds, metric.key) for metric in METRICS.values() if metric.group == group}
    metrics = [METRICS[key] for key, column in columns.items() if column]
    judged = {name for metric in metrics if metric.better != "neither" for name in columns[metric.key]}
    lines = []
    for method in ordered(list(judged)):
        own = {metric.key: columns[metric.key][method] for metric in metrics if method in columns[metric.key]}
        lines.append(Line(method, method_kind(method), max(c.n_seeds for c in own.values()), own))
    return Table(metrics, lines, {metric.key: _leaders(metric, lines) for metric in metrics})


def _leaders(metric: Metric, lines: Sequence[Line]) -> frozenset[str]:
    shown = {
        line.method: round(line.cells[metric.key].mean, metric.digits)
        for line in lines
        if line.kind != "control" and metric.key in line.cells
    }
    if metric.better == "neither" or len(shown) < 2:
        return frozenset()
    top = max(shown.values()) if metric.better == "higher" else min(shown.values())
    return frozenset(method for method, value in shown.items() if value == top)


def differences(rows: pd.DataFrame, part: str, over: str, metrics: Sequence[str]) -> list[Gap]:
    """What each method of a part has more than ProtSAE at the same seed, k and namespaces.

    ProtSAE's own numbers are those of the part, else of the main part. Seeds that only one of the two has are left out,
    and so is a method that nowhere differs: ProtSAE under another name.
    """
    wanted = scope(rows, part, over)
    seeds = per_seed(rows, part, wanted, by_k=True)
    reference = pd.concat([seeds, per_seed(rows, "main", wanted, by_k=True)], ignore_index=True)
    shared = ["k", "seed", "metric"]
    reference = reference.loc[reference["method"] == OURS, [*shared, "value"]].drop_duplicates(shared)
    both = seeds.loc[seeds["method"] != OURS].merge(reference, on=shared, suffixes=("", "_ours"))
    both["value"] -= both["value_ours"]
    found = {(method, key): gap for key in metrics for method, gap in cells(both, key).items()}
    methods = sorted({method for (method, _), gap in found.items() if gap.mean != 0 or gap.spread > 0})
    return [Gap(m, key, found[m, key]) for key in metrics for m in ordered(methods) if (m, key) in found]


def sweep(rows: pd.DataFrame, over: str, metric: str) -> dict[str, list[tuple[float, Cell]]]:
    """A metric against the features active per residue, by method: (L0, else k; number), fewest first."""
    seeds = per_seed(rows, "sparsity", scope(rows, "sparsity", over), by_k=True)
    lines: dict[str, list[tuple[float, Cell]]] = {}
    for k in sorted(set(seeds["k"])):
        here = seeds.loc[seeds["k"] == k]
        l0 = cells(here, "l0")
        for method, number in cells(here, metric).items():
            lines.setdefault(method, []).append((l0[method].mean if method in l0 else float(k), number))
    return {method: sorted(lines[method]) for method in ordered(list(lines))}


def lead(rows: pd.DataFrame, over: str) -> str:
    """What the main part finds, in plain words and whatever the direction."""
    wanted = scope(rows, "main", over)
    seeds = per_seed(rows, "main", wanted)
    auc = cells(seeds, "auc")
    guided = [name for name in ordered(list(auc)) if method_kind(name) == "guided"]
    ours = next((name for name in guided if name.endswith("tuned guidance")), next(iter(guided), None))
    if ours is None:
        return "No guided autoencoder has an AUC here yet, so guided and unguided cannot be compared."
    of_kind = {kind: [m for m in ordered(list(auc)) if method_kind(m) == kind] for kind in METHOD_KINDS}
    where = words.NAMESPACES[wanted[0]] if len(wanted) == 1 else f"mean of {len(wanted)} ontologies"
    told = f"On proteins of unseen families, {ours} predicts GO terms with AUC {words.number(auc[ours].mean)} ({where})"
    unguided = of_kind["unguided"]
    rival, fitted = (
        max(of_kind[kind], key=lambda name: auc[name].mean, default=None) for kind in ("unguided", "fitted")
    )
    named = {} if fitted is None else {fitted: f"{fitted} ({words.number(auc[fitted].mean)})"}
    if rival is not None:
        which = "the best" if len(unguided) > 1 else "the"
        notes = [words.number(auc[rival].mean), _agreement(seeds, ours, rival)]
        named = {rival: f"{rival}, {which} unguided autoencoder ({'; '.join(filter(None, notes))})"} | named
    if guided[0] != ours:
        named[guided[0]] = f"{guided[0]} in the paper's form ({words.number(auc[guided[0]].mean)})"
    by_standing: dict[str, list[str]] = {}
    for name, text in named.items():
        by_standing.setdefault(_standing(auc[ours].mean, auc[name].mean), []).append(text)
    clauses = "; ".join(f"{standing} {words.join(texts)}" for standing, texts in by_standing.items())
    controls = "".join(f"; {_control(name)} {words.number(auc[name].mean)}" for name in of_kind["control"])
    first = f"{told}{': ' if clauses else ''}{clauses}{controls}."
    if rival is None:
        return f"{first} No unguided autoencoder was evaluated."
    return " ".join(filter(None, [first, _fidelity(seeds, ours, rival)]))


def _control(method: str) -> str:
    if "neurons" in method:
        return "the language model's own neurons reach"
    return "an untrained dictionary reaches" if "random" in method else "chance (permuted labels) is"


def _standing(ours: float, theirs: float) -> str:
    gap = round(ours, 2) - round(theirs, 2)
    return "level with" if gap == 0 else "ahead of" if gap > 0 else "behind"


def _agreement(seeds: pd.DataFrame, ours: str, rival: str) -> str:
    """On how many of the shared seeds the lead holds."""
    values = seeds.loc[seeds["metric"] == "auc"].pivot_table(index="seed", columns="method", values="value")
    gap = (values[ours] - values[rival]).dropna().to_numpy()
    if len(gap) < 2:
        return "one seed" if len(gap) else ""
    holds = int((np.sign(gap) == np.sign(gap.mean())).sum())
    if holds == len(gap):
        return "the same on both seeds" if holds == 2 else f"the same on all {holds} seeds"
    return f"the same on {holds} of {len(gap)} seeds"


def _fidelity(seeds: pd.DataFrame, ours: str, rival: str) -> str:
    """How much of the language model each keeps, and at what L0."""
    kept, l0 = cells(seeds, "lr_masked"), cells(seeds, "l0")
    if ours not in kept or rival not in kept:
        return ""
    mine, theirs = words.number(kept[ours].mean), words.number(kept[rival].mean)
    how = {"ahead of": "more than", "behind": "less than", "level with": "as much as"}
    stands = how[_standing(kept[ours].mean, kept[rival].mean)]
    at = f", with {l0[ours].mean:.1f} and {l0[rival].mean:.1f} active features" if {ours, rival} <= l0.keys() else ""
    told = f"Of the language model's skill at masked residues its reconstruction keeps {mine}"
    return f"{told}, {stands} {rival} ({theirs}){at}."


def amount(value: Cell, metric: Metric) -> str:
    """'0.801 ± 0.004', without the spread where there is one seed."""
    spread = "" if np.isnan(value.spread) else f" ± {value.spread:,.{metric.digits}f}"
    return f"{value.mean:,.{metric.digits}f}{spread}"


def as_csv(shown: Table) -> str:
    """The table with mean and spread in columns of their own."""
    head = ["method", "labels", "n_seeds"]
    head += [name for metric in shown.metrics for name in (metric.key, f"{metric.key}_sd")]
    lines = []
    for line in shown.lines:
        pairs = [line.cells.get(metric.key) for metric in shown.metrics]
        values = [v for c in pairs for v in ((_rounded(c.mean), _rounded(c.spread)) if c else ("", ""))]
        lines.append((line.method, line.kind, line.n_seeds, *values))
    return table_csv(head, lines)


def gaps_csv(parts: dict[str, list[Gap]]) -> str:
    """Differences to ProtSAE, one a line."""
    head = ["part", "method", "metric", "difference", "sd", "n_seeds"]
    lines = [
        (part, gap.method, gap.metric, _rounded(gap.cell.mean), _rounded(gap.cell.spread), gap.cell.n_seeds)
        for part, gaps in parts.items()
        for gap in gaps
    ]
    return table_csv(head, lines)


def rows_csv(rows: pd.DataFrame) -> str:
    """Every stored number."""
    return table_csv([str(name) for name in rows.columns], cast("list[Sequence[object]]", rows.to_numpy().tolist()))


def _rounded(value: float) -> float | str:
    return "" if np.isnan(value) else float(f"{value:.6g}")
