"""The one judge of the table `evaluation`: means and spreads, who leads, and whether the paper's directions hold.

    value of a seed   = mean over namespaces
    value of a method = mean over seeds, sd over seeds (n - 1; none where there is one seed)

A seed counts in a mean over namespaces only where it has every one of them, so that no method is averaged over fewer
than another; a number that holds for all namespaces ('') counts in each and in the mean. Numbers that are not finite
count as missing. Beside the main part the namespaces are those that all methods of the part share, since most variants
are trained on one only.

A direction holds where all seeds agree in sign and the mean difference exceeds its spread over seeds.

Report and page both ask this module, and judge no number of their own. Read `Summary.per_seed`,
then `Summary.table`, then `Summary.directions`.

Source: Liu et al. 2025 (arXiv:2509.05309) for the directions.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from protsae.ontology.namespaces import NAMESPACES
from protsae.store.evaluation import methods
from protsae.store.evaluation.methods import METHODS, PARTS, MethodKind, method_of, ordered
from protsae.store.evaluation.metrics import METRICS, Metric

MEAN = "mean"
"""The choice of all namespaces together."""

EQUAL = 0.02
"""Loss recovered within this counts as about equal."""

LITTLE = 0.01
"""A fall of the AUC of features by less than this is the price of one SAE in the place of three."""

FULL = 0.95
"""Participation from which on a term's feature counts as always taking part."""


class Spread(NamedTuple):
    """A number over seeds."""

    mean: float
    sd: float
    """NaN where there is one seed."""
    n: int

    def text(self, digits: int = 3) -> str:
        """`0.579 ± 0.004`, without the spread where there is one seed; a hyphen where there is nothing."""
        if not self.n:
            return "-"
        return f"{self.mean:,.{digits}f}" + ("" if np.isnan(self.sd) else f" ± {self.sd:,.{digits}f}")


class Comparison(NamedTuple):
    """How one method differs from another on the seeds that both have."""

    verdict: str
    """holds | does not hold | not resolved | one seed, for it | one seed, against it | missing"""
    difference: Spread
    n_agree: int
    """Seeds with the sign of the mean difference."""


class Line(NamedTuple):
    """A method in a table."""

    method: str
    kind: MethodKind
    n_seeds: int
    cells: dict[str, Spread]
    """By metric; those that it has."""


class Table(NamedTuple):
    """Methods by metrics."""

    metrics: list[Metric]
    lines: list[Line]
    best: dict[str, frozenset[str]]
    """Metric -> methods that lead it as far as the shown digits go, of the kinds that compete."""


class Gap(NamedTuple):
    """How a variant differs from the paper's method, seed by seed."""

    method: str
    metric: str
    cell: Spread


class Direction(NamedTuple):
    """One claim of the paper and what the numbers say."""

    claim: str
    verdict: str
    """As in `Comparison`."""
    evidence: str


class Summary:
    """The table, asked by part, namespace and metric."""

    def __init__(self, rows: pd.DataFrame) -> None:
        """Take the table `evaluation`: part, method, namespace, k, seed, metric, value."""
        self._rows: pd.DataFrame = rows.loc[np.isfinite(rows["value"].to_numpy(dtype=float))]

    def variant_parts(self) -> list[str]:
        """Parts that hold variants of the paper's method, the listed ones first."""
        found = set(self._rows["part"])
        known = [part.key for part in PARTS.values() if part.change and part.key in found]
        return known + sorted(found - PARTS.keys())

    def methods(self, part: str) -> list[str]:
        """Methods of a part, in the order of tables."""
        return ordered(list(set(self._rows.loc[self._rows["part"] == part, "method"])))

    def namespaces(self, part: str = "main") -> list[str]:
        """Namespaces that a part has numbers of, in the usual order."""
        found = set(self._rows.loc[self._rows["part"] == part, "namespace"]) - {""}
        usual = list(NAMESPACES.values())
        return [name for name in usual if name in found] + sorted(found.difference(usual))

    def choices(self) -> list[str]:
        """What can be asked of the main part: the mean, where there is more than one namespace, then each."""
        found = self.namespaces()
        return [MEAN, *found] if len(found) > 1 else found

    def scope(self, part: str, over: str = MEAN) -> list[str]:
        """Namespaces that a part's numbers are of: the asked one, or all that the part has where it lacks that one.

        Beside the main part these are the namespaces that all its methods share.
        """
        found = self.namespaces(part)
        if part != "main":
            here = self._rows.loc[(self._rows["part"] == part) & (self._rows["namespace"] != "")]
            for method in set(here["method"]):
                own = set(here.loc[here["method"] == method, "namespace"])
                found = [namespace for namespace in found if namespace in own]
        return [over] if over in found else found

    def per_seed(self, part: str, wanted: Sequence[str], *, by_k: bool = False) -> pd.DataFrame:
        """One number per method, seed and metric: the mean over the wanted namespaces where it has them all.

        Args:
            part: main | ablation | sparsity | guidance.
            wanted: namespaces; numbers that hold for all of them ('') always count.
            by_k: keep numbers at other k apart.

        Returns:
            method, k (where asked for), seed, metric, value.
        """
        keys = ["method", "k", "seed", "metric"] if by_k else ["method", "seed", "metric"]
        here = self._rows.loc[self._rows["part"] == part]
        own = here.loc[here["namespace"].isin(list(wanted))]
        found = own.groupby(keys).agg(value=("value", "mean"), n=("namespace", "nunique")).reset_index()
        found = found.loc[found["n"] == len(wanted)]
        shared = here.loc[here["namespace"] == ""].groupby(keys).agg(value=("value", "mean")).reset_index()
        whole = pd.concat([found, shared], ignore_index=True)
        return whole.loc[:, [*keys, "value"]].drop_duplicates(keys).reset_index(drop=True)

    def by_seed(self, part: str, method: str, metric: str, over: str = MEAN) -> pd.Series:
        """Seed -> value of one method."""
        seeds = self.per_seed(part, self.scope(part, over))
        here = seeds.loc[(seeds["method"] == method) & (seeds["metric"] == metric)]
        return pd.Series(here["value"].to_numpy(), index=here["seed"].to_numpy(), dtype=float)

    def cells(self, part: str, metric: str, over: str = MEAN) -> dict[str, Spread]:
        """A metric of every method that has it, in the order of tables."""
        return _cells(self.per_seed(part, self.scope(part, over)), metric)

    def table(self, part: str, group: str, over: str = MEAN) -> Table:
        """The metrics of one group for a part's methods; a method without any judged number in it is left out."""
        return self.columns(part, [metric.key for metric in METRICS.values() if metric.group == group], over)

    def columns(self, part: str, keys: Sequence[str], over: str = MEAN) -> Table:
        """Any metrics for a part's methods, as `table` has those of one group."""
        seeds = self.per_seed(part, self.scope(part, over))
        columns = {key: _cells(seeds, key) for key in keys}
        metrics = [METRICS[key] for key, column in columns.items() if column]
        judged = {name for metric in metrics if metric.better != "neither" for name in columns[metric.key]}
        lines = []
        for method in ordered(list(judged)):
            own = {metric.key: columns[metric.key][method] for metric in metrics if method in columns[metric.key]}
            lines.append(Line(method, method_of(method).kind, max(c.n for c in own.values()), own))
        return Table(metrics, lines, {metric.key: _leaders(metric, lines) for metric in metrics})

    def gaps(self, part: str, metrics: Sequence[str], over: str = MEAN) -> list[Gap]:
        """What each method of a part has more than the paper's at the same seed, k and namespaces.

        The paper's method has its numbers from the part, else from the main part. Seeds that only one of the two has
        are left out, and so is a method that nowhere differs: the paper's under another name.
        """
        both = self._beside_paper(part, over)
        both["value"] -= both["value_paper"]
        found = {(method, key): gap for key in metrics for method, gap in _cells(both, key).items()}
        differing = {method for (method, _), gap in found.items() if gap.mean != 0 or gap.sd > 0}
        return [Gap(m, key, found[m, key]) for key in metrics for m in ordered(list(differing)) if (m, key) in found]

    def settings(self, part: str, metric: str, over: str = MEAN) -> dict[str, list[tuple[int, Spread]]]:
        """A metric of every method of a part at each k it was run at: (k, number), smallest first."""
        seeds = self.per_seed(part, self.scope(part, over), by_k=True)
        found: dict[str, list[tuple[int, Spread]]] = {}
        for k in sorted(set(seeds["k"])):
            for method, number in _cells(seeds.loc[seeds["k"] == k], metric).items():
                found.setdefault(method, []).append((int(k), number))
        return {method: found[method] for method in ordered(list(found))}

    def sweep(self, metric: str, over: str = MEAN) -> dict[str, list[tuple[float, Spread]]]:
        """A metric against the features active per residue, by method: (L0, else k; number), fewest first."""
        l0 = {
            (method, k): number.mean
            for method, points in self.settings("sparsity", "l0", over).items()
            for k, number in points
        }
        return {
            method: sorted((l0.get((method, k), float(k)), number) for k, number in points)
            for method, points in self.settings("sparsity", metric, over).items()
        }

    def ours(self, metric: str, over: str = MEAN) -> str | None:
        """The guided method that stands for guidance: the bundle's own, else the first in order; None without any."""
        guided = [name for name in self.cells("main", metric, over) if method_of(name).kind == "guided"]
        tuned = (name for name in guided if method_of(name).standing == "tuned")
        return next(tuned, next(iter(guided), None))

    def best(self, kind: MethodKind, metric: str, over: str = MEAN) -> str | None:
        """The method of a kind that leads the main part in a metric; None where no method of the kind has it."""
        found = {name: cell.mean for name, cell in self.cells("main", metric, over).items()}
        rivals = [name for name in found if method_of(name).kind == kind]
        choose = min if METRICS[metric].better == "lower" else max
        return choose(rivals, key=lambda name: found[name], default=None)

    def compare(self, first: str, second: str, metric: str, over: str = MEAN) -> Comparison:
        """Whether the first method is above the second in the main part."""
        return compare(*(self.by_seed("main", method, metric, over) for method in (first, second)))

    def directions(self) -> list[Direction]:
        """The paper's directions, one by one, on the mean over namespaces."""
        guided = [methods.PROTSAE]
        guided += [methods.TUNED] if methods.TUNED in self.methods("main") else []
        found = []
        for method in guided:
            found += [self._above_all(method, metric) for metric in ("fmax", "auc")]
            found += [self._about_equal(method, metric) for metric in ("lr_masked", "lr_masked_mean")]
        return [
            *found,
            self._falls("Without detach the AUC falls", methods.NO_DETACH, "auc"),
            self._falls("Without detach the AUC of features falls", methods.NO_DETACH, "feature_auc"),
            self._falls("Without axioms the AUC falls", methods.ABLATED_AXIOMS, "auc"),
            self._falls("Without axioms the fidelity falls", methods.ABLATED_AXIOMS, "lr_masked"),
            self._falls("Without rescale the AUC of features falls", methods.NO_RESCALE, "feature_auc"),
            self._participates(),
            *([self._one_serves_all()] if methods.ONE_EACH in self.methods("main") else []),
        ]

    def _above_all(self, guided: str, metric: str) -> Direction:
        claim = f"{guided} is above every unsupervised SAE in {METRICS[metric].title}"
        cells = self.cells("main", metric)
        rival = self.best("unguided", metric)
        if guided not in cells or rival is None:
            lacking = "any unsupervised SAE" if guided in cells else guided
            return Direction(claim, "missing", f"no numbers of {lacking} yet")
        verdict, difference, _ = self.compare(guided, rival, metric)
        evidence = f"{cells[guided].text()} against {cells[rival].text()} ({rival}); difference {difference.text()}"
        missing = [name for name, method in METHODS.items() if method.kind == "unguided" and name not in cells]
        return Direction(claim, verdict, evidence + (f"; missing: {', '.join(missing)}" if missing else ""))

    def _about_equal(self, guided: str, metric: str) -> Direction:
        claim = f"{guided} recovers about as much loss as {methods.TOPK} (within {EQUAL}; {METRICS[metric].title})"
        difference = self.compare(guided, methods.TOPK, metric).difference
        if not difference.n:
            return Direction(claim, "missing", "no numbers yet")
        cells = self.cells("main", metric)
        evidence = f"{cells[guided].text()} against {cells[methods.TOPK].text()}; difference {difference.text()}"
        return Direction(claim, "holds" if abs(difference.mean) <= EQUAL else "does not hold", evidence)

    def _falls(self, claim: str, ablation: str, metric: str) -> Direction:
        full, without = self._ablated(ablation, metric)
        verdict, difference, _ = compare(full, without)
        if verdict == "missing":
            return Direction(claim, verdict, "no numbers yet")
        numbers = f"{spread(full).text()} full, {spread(without).text()} without"
        return Direction(claim, verdict, f"{metric}: {numbers}; difference {difference.text()}")

    def _participates(self) -> Direction:
        claim = "Without forced activation participation falls from about 1"
        full, without = self._ablated(methods.NO_FORCING, "participation")
        verdict = compare(full, without).verdict
        if verdict == "missing":
            return Direction(claim, verdict, "no numbers yet")
        if full.mean() < FULL:
            verdict = "does not hold"
        return Direction(claim, verdict, f"{spread(full).text()} full, {spread(without).text()} without")

    def _one_serves_all(self) -> Direction:
        metric = "feature_auc_valid"
        claim = (
            f"One ProtSAE for all of GO is within {LITTLE} of one per sub-ontology, or above ({METRICS[metric].title})"
        )
        difference = self.compare(methods.TUNED, methods.ONE_EACH, metric).difference
        if not difference.n:
            return Direction(claim, "missing", "no numbers yet")
        cells = self.cells("main", metric)
        numbers = f"{cells[methods.TUNED].text()} against {cells[methods.ONE_EACH].text()}"
        verdict = "holds" if difference.mean > -LITTLE else "does not hold"
        return Direction(claim, verdict, f"{numbers}; difference {difference.text()}")

    def _ablated(self, ablation: str, metric: str) -> tuple[pd.Series, pd.Series]:
        both = self._beside_paper("ablation", MEAN)
        here = both.loc[(both["method"] == ablation) & (both["metric"] == metric)].set_index("seed")
        return here["value_paper"], here["value"]

    def _beside_paper(self, part: str, over: str) -> pd.DataFrame:
        """method, k, seed, metric, value of a part's other methods, value_paper at the same k, seed and namespaces."""
        wanted = self.scope(part, over)
        seeds = self.per_seed(part, wanted, by_k=True)
        reference = pd.concat([seeds, self.per_seed("main", wanted, by_k=True)], ignore_index=True)
        shared = ["k", "seed", "metric"]
        is_paper = reference["method"] == methods.PROTSAE
        reference = reference.loc[is_paper, [*shared, "value"]].drop_duplicates(shared)
        return seeds.loc[seeds["method"] != methods.PROTSAE].merge(reference, on=shared, suffixes=("", "_paper"))


def spread(values: Any) -> Spread:
    """Mean and standard deviation of numbers, one a seed."""
    array = np.asarray(values, dtype=float)
    n = len(array)
    return Spread(float(array.mean()) if n else float("nan"), float(array.std(ddof=1)) if n > 1 else float("nan"), n)


def compare(first: pd.Series, second: pd.Series) -> Comparison:
    """Whether the first is above the second, on the seeds that both have."""
    gap = (first - second).dropna().to_numpy(dtype=float)
    found = spread(gap)
    if not found.n:
        return Comparison("missing", found, 0)
    n_agree = int((np.sign(gap) == np.sign(found.mean)).sum())
    if found.n == 1:
        return Comparison(f"one seed, {'for' if found.mean > 0 else 'against'} it", found, n_agree)
    if found.mean == 0 or n_agree < found.n or abs(found.mean) <= found.sd:
        return Comparison("not resolved", found, n_agree)
    return Comparison("holds" if found.mean > 0 else "does not hold", found, n_agree)


def _cells(seeds: pd.DataFrame, metric: str) -> dict[str, Spread]:
    here = seeds.loc[seeds["metric"] == metric]
    found = {str(method): spread(group["value"]) for method, group in here.groupby("method")}
    return {method: found[method] for method in ordered(list(found))}


def _leaders(metric: Metric, lines: Sequence[Line]) -> frozenset[str]:
    shown = {
        line.method: round(line.cells[metric.key].mean, metric.digits)
        for line in lines
        if methods.KINDS[line.kind].competes and metric.key in line.cells
    }
    if metric.better == "neither" or len(shown) < 2:
        return frozenset()
    top = max(shown.values()) if metric.better == "higher" else min(shown.values())
    return frozenset(method for method, value in shown.items() if value == top)
