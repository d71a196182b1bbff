"""Means and spreads over seeds of the table `evaluation`, and whether the paper's directions hold in it.

    value of a seed = mean over sub-ontologies (all of them, or it is missing)
    value of a method = mean over seeds, sd over seeds (n - 1)

A direction holds where all seeds agree in sign and the mean difference exceeds its spread over seeds; with one seed it
is told as such.

Read `Summary.of`, then `directions`.

Source: Liu et al. 2025 (arXiv:2509.05309) for the directions.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from precompute.evaluation.rows import PROTSAE, TUNED, UNGUIDED
from protsae.store.evaluation.metrics import METRICS

EQUAL = 0.02
"""Loss recovered within this counts as about equal."""

FULL = 0.95
"""Participation from which on a term's feature counts as always taking part."""


class Spread(NamedTuple):
    """A number over seeds."""

    mean: float
    sd: float
    """NaN for one seed"""

    n: int

    def __str__(self) -> str:
        """`.579 ± .004`, or a hyphen where there is nothing."""
        if not self.n:
            return "-"
        digits = 3 if abs(self.mean) < 10 else 1
        return f"{self.mean:.{digits}f}" + (f" ± {self.sd:.{digits}f}" if self.n > 1 else "")


class Direction(NamedTuple):
    """One claim of the paper and what the numbers say."""

    claim: str
    verdict: str
    """holds | does not hold | not resolved | one seed, for it | one seed, against it | missing"""

    evidence: str


class Summary:
    """The table, asked by part, method, sub-ontology and metric."""

    def __init__(self, table: pd.DataFrame, namespaces: Sequence[str]) -> None:
        """Index the table."""
        self._table: Any = table  # pandas tells a checker too little of what a filter gives
        self.namespaces = list(namespaces)

    def methods(self, part: str) -> list[str]:
        """Methods of a part, in the order of the rows."""
        return list(dict.fromkeys(self._table.loc[self._table["part"] == part, "method"]))

    def settings(self, part: str) -> list[tuple[str, int]]:
        """Methods of a part with each k they were run at, by method, then k."""
        here = self._table[self._table["part"] == part]
        return sorted({(str(method), int(k)) for method, k in zip(here["method"], here["k"], strict=True)})

    def by_seed(self, part: str, method: str, metric: str, namespace: str = "", k: int | None = None) -> pd.Series:
        """Seed -> value; of namespace '' the number that holds for all, else the mean over all sub-ontologies."""
        table = self._table
        here = table[(table["part"] == part) & (table["method"] == method) & (table["metric"] == metric)]
        here = here if k is None else here[here["k"] == k]
        for_all = here[here["namespace"] == ""].groupby("seed")["value"].mean()
        if len(for_all):
            return for_all
        if namespace:
            return here[here["namespace"] == namespace].groupby("seed")["value"].mean()
        wanted = self.namespaces if part == "main" else self.namespaces[:1]
        wide = here.pivot_table(index="seed", columns="namespace", values="value").reindex(columns=wanted)
        return wide.dropna().mean(axis=1)

    def of(self, part: str, method: str, metric: str, namespace: str = "", k: int | None = None) -> Spread:
        """Mean and spread over seeds."""
        return spread(self.by_seed(part, method, metric, namespace, k).to_numpy())


def spread(values: np.ndarray) -> Spread:
    """Mean and standard deviation of the values that are there."""
    n = len(values)
    return Spread(float(values.mean()) if n else float("nan"), float(values.std(ddof=1)) if n > 1 else float("nan"), n)


def directions(summary: Summary) -> list[Direction]:
    """The paper's directions, one by one."""
    found = []
    for guided in (PROTSAE, TUNED):
        if guided == TUNED and TUNED not in summary.methods("main"):
            continue
        found += [_above_all(summary, guided, metric, title) for metric, title in (("fmax", "Fmax"), ("auc", "AUC"))]
        found += [_about_equal(summary, guided, metric) for metric in ("lr_masked", "lr_masked_mean")]
    found += [
        _falls(summary, "Without detach the AUC falls", "no detach", "auc"),
        _falls(summary, "Without detach the AUC of features falls", "no detach", "feature_auc"),
        _falls(summary, "Without axioms the AUC falls", "no axioms", "auc"),
        _falls(summary, "Without axioms the fidelity falls", "no axioms", "lr_masked"),
        _falls(summary, "Without rescale the AUC of features falls", "no rescale", "feature_auc"),
        _participates(summary),
    ]
    return found


def compare(first: pd.Series, second: pd.Series) -> tuple[str, Spread]:
    """Verdict on "first is above second", and the differences of the seeds that both have."""
    difference = (first - second).dropna().to_numpy()
    found = spread(difference)
    if not found.n:
        return "missing", found
    if found.n == 1:
        return f"one seed, {'for' if found.mean > 0 else 'against'} it", found
    same_sign = (difference > 0).all() or (difference < 0).all()
    if not same_sign or abs(found.mean) <= found.sd:
        return "not resolved", found
    return ("holds" if found.mean > 0 else "does not hold"), found


def _above_all(summary: Summary, guided: str, metric: str, title: str) -> Direction:
    claim = f"{guided} is above every unsupervised SAE in {title}"
    rivals = {method: summary.by_seed("main", method, metric) for method in UNGUIDED.values()}
    missing = [method for method, values in rivals.items() if values.empty]
    own = summary.by_seed("main", guided, metric)
    present = {method: values for method, values in rivals.items() if not values.empty}
    if own.empty or not present:
        return Direction(claim, "missing", f"no numbers of {guided if own.empty else 'any unsupervised SAE'} yet")
    best = max(present, key=lambda method: present[method].mean())
    verdict, difference = compare(own, present[best])
    both = f"{spread(own.to_numpy())} against {spread(present[best].to_numpy())} ({best})"
    evidence = f"{both}; difference {difference}"
    return Direction(claim, verdict, evidence + (f"; missing: {', '.join(missing)}" if missing else ""))


def _about_equal(summary: Summary, guided: str, metric: str) -> Direction:
    claim = f"{guided} recovers about as much loss as TopK (within {EQUAL}; {METRICS[metric].title})"
    own, other = (summary.by_seed("main", method, metric) for method in (guided, UNGUIDED["topk"]))
    difference = spread((own - other).dropna().to_numpy())
    if not difference.n:
        return Direction(claim, "missing", "no numbers yet")
    holds = abs(difference.mean) <= EQUAL
    evidence = f"{spread(own.to_numpy())} against {spread(other.to_numpy())}; difference {difference}"
    return Direction(claim, "holds" if holds else "does not hold", evidence)


def _falls(summary: Summary, claim: str, ablation: str, metric: str) -> Direction:
    full, without = (summary.by_seed("ablation", method, metric) for method in (PROTSAE, ablation))
    verdict, difference = compare(full, without)
    if verdict == "missing":
        return Direction(claim, verdict, "no numbers yet")
    evidence = (
        f"{metric}: {spread(full.to_numpy())} full, {spread(without.to_numpy())} without; difference {difference}"
    )
    return Direction(claim, verdict, evidence)


def _participates(summary: Summary) -> Direction:
    claim = "Without forced activation participation falls from about 1"
    names = (PROTSAE, "no forced activation")
    full, without = (summary.by_seed("ablation", method, "participation") for method in names)
    verdict, _ = compare(full, without)
    if verdict == "missing":
        return Direction(claim, verdict, "no numbers yet")
    if full.mean() < FULL:
        verdict = "does not hold"
    return Direction(claim, verdict, f"{spread(full.to_numpy())} full, {spread(without.to_numpy())} without")
