"""Where a method stands beside the best of the others, number by number, whatever the direction.

Read `standings`.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from protsae.store.evaluation.methods import MethodKind
from protsae.store.evaluation.metrics import METRICS, Metric
from protsae.store.evaluation.summary import MEAN, Spread, Summary

Place = Literal["ahead", "level", "behind"]


class Standing(NamedTuple):
    """A method in one metric beside its best rival."""

    metric: Metric
    own: Spread
    rival: str
    best: Spread
    """The rival's."""

    place: Place
    """Level where the digits worth showing are the same, or the seeds that both have do not tell them apart."""


def standings(
    summary: Summary, method: str, keys: Sequence[str], over: str = MEAN, *, among: MethodKind = "unguided"
) -> list[Standing]:
    """The method beside the best of a kind in each metric that both have and that has a better side."""
    found = []
    for metric in (METRICS[key] for key in keys):
        cells, rival = summary.cells("main", metric.key, over), summary.best(among, metric.key, over)
        if metric.better == "neither" or method not in cells or rival in (None, method):
            continue
        own, best = cells[method], cells[rival]
        found.append(Standing(metric, own, rival, best, _place(summary, (method, own), (rival, best), metric, over)))
    return found


def at_each_sparsity(summary: Summary, method: str, rival: str, metric: Metric, over: str = MEAN) -> tuple[int, int]:
    """At how many settings of k, of the part `sparsity`, a method is better than another one; and of how many."""
    settings = summary.settings("sparsity", metric.key, over)
    own, other = (dict(settings.get(name, [])) for name in (method, rival))
    sign = -1 if metric.better == "lower" else 1
    shared = sorted(own.keys() & other.keys())
    return sum(sign * own[k].mean > sign * other[k].mean for k in shared), len(shared)


def _place(summary: Summary, method: tuple[str, Spread], rival: tuple[str, Spread], metric: Metric, over: str) -> Place:
    gap = round(method[1].mean, metric.digits) - round(rival[1].mean, metric.digits)
    if gap == 0 or summary.compare(method[0], rival[0], metric.key, over).verdict == "not resolved":
        return "level"
    return "ahead" if (gap > 0) is (metric.better == "higher") else "behind"
