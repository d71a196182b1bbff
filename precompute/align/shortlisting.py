"""Which proteins a feature calls for its term although they lack it, what is known of each, how good such lists are.

How good: a fifth of a term's test proteins loses its annotation, and the list of the `LONGEST` highest scores among
the test proteins that are called and now lack the term is drawn up as if nobody knew. Recall is the share of the hidden
ones in it, `found` their share of the list (a lower bound of its precision, since others may truly be missing). Beside
it: a list as long drawn at random (expected), and one ranked by amino-acid composition. Mean of `N_HIDINGS` draws.

Read `chosen`, then `quality`. Designed here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from precompute.align.site_terms import SiteTerm
from precompute.corpus.codes import CSC
from precompute.corpus.hierarchy import Hierarchy

LONGEST = 20
"""Proteins a feature."""
PLAIN = 10
"""Of these, at most so many that a relative or an annotated parent explains, as long as there are others."""
HIDDEN = 0.2
N_HIDINGS = 20
MIN_HIDDEN_FROM = 5
"""Test proteins with the term below which nothing is hidden."""

EXPLAINED = ("family", "wider")
SITES_NAMED = 2


class Quality(NamedTuple):
    """How well a list finds hidden annotations, 0 to 1."""

    n_hidden: int
    recall: float
    null_recall: float
    composition_recall: float
    found: float
    null_found: float
    composition_found: float


class Kin(NamedTuple):
    """How a protein's annotations lie to the term that it lacks."""

    kin: str
    near: str | None
    """The annotated term that says so."""


def chosen(score: np.ndarray, kin: Sequence[str]) -> np.ndarray:
    """Places of the candidates that are kept, the highest score first; equal scores stay in order.

    Those that are easily explained take `PLAIN` places where others want them.
    """
    order = np.argsort(-score, kind="stable")
    is_plain = np.isin(np.asarray(kin, dtype=str), EXPLAINED)[order]
    plain, other = order[is_plain], order[~is_plain]
    n_plain = min(len(plain), max(PLAIN, LONGEST - len(other)))
    kept = np.concatenate([plain[:n_plain], other[: LONGEST - n_plain]])
    return kept[np.lexsort((kept, -score[kept]))]


def precision_at(score: np.ndarray, test_score: np.ndarray, carried: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of test proteins with at least each score that carry the term (NaN for none), and their number.

    Args:
        score: [n] of candidates.
        test_score: [n_test] of test proteins that are annotated in the sub-ontology.
        carried: [n_test] bool.
    """
    order = np.argsort(-test_score, kind="stable")
    n_above = np.searchsorted(-test_score[order], -score, side="right")
    hits = np.concatenate([[0], np.cumsum(carried[order])])[n_above]
    return np.divide(hits, n_above, out=np.full(len(score), np.nan), where=n_above > 0), n_above


def quality(
    score: np.ndarray, threshold: float, carried: np.ndarray, composition: np.ndarray, *, seed: Sequence[int]
) -> Quality | None:
    """How well a list drawn up from test proteins finds annotations that were hidden; None where too few carry it.

    Args:
        score: [n_test] of the feature.
        threshold: above which it calls.
        carried: [n_test] bool.
        composition: [n_test] score of a regression on amino-acid composition.
        seed: of what is hidden.
    """
    positives = np.flatnonzero(carried)
    if len(positives) < MIN_HIDDEN_FROM:
        return None
    rng, n_hidden = np.random.default_rng(seed), max(1, round(HIDDEN * len(positives)))
    drawn = np.zeros((N_HIDINGS, 6))
    for row in drawn:
        hidden = np.zeros(len(carried), dtype=bool)
        hidden[rng.choice(positives, n_hidden, replace=False)] = True
        pool = np.flatnonzero(~carried | hidden)
        called = pool[score[pool] > threshold]
        length = min(LONGEST, len(called))
        listed = called[np.argsort(-score[called], kind="stable")[:length]]
        alone = pool[np.argsort(-composition[pool], kind="stable")[:length]]
        n_found = np.array([hidden[listed].sum(), length * n_hidden / len(pool), hidden[alone].sum()])
        row[:3], row[3:] = n_found / n_hidden, n_found / max(1, length)
    return Quality(n_hidden, *drawn.mean(axis=0).tolist())


class Neighbourhood:
    """A term's parents and siblings, and which proteins carry them."""

    def __init__(self, go_id: str, hierarchy: Hierarchy, labels: CSC, place: Mapping[str, int]) -> None:
        """Look the term up.

        Args:
            go_id: the term.
            hierarchy: of all terms.
            labels: [n_proteins, n_terms] closed under ancestors.
            place: go_id -> column.
        """
        self._labels, self._place, self._content = labels, place, hierarchy.content
        parents = [parent for parent in hierarchy.parents(go_id) if hierarchy.parents(parent)]
        beside = {child for parent in parents for child in hierarchy.children(parent)} - {go_id}
        above = hierarchy.above(go_id)
        self._siblings = self._ordered(child for child in beside - above if go_id not in hierarchy.above(child))
        self._parents = self._ordered(parents)
        self._above = self._ordered(term for term in above if hierarchy.parents(term))

    def kin(self, rows: np.ndarray, known: np.ndarray, has_carrier: np.ndarray) -> list[Kin]:
        """What is annotated near the term, of proteins without it.

        Args:
            rows: [n] of the proteins.
            known: [n] they are annotated in the sub-ontology.
            has_carrier: [n] a relative carries the term.
        """
        sibling, parent, above = (self._first(rows, terms) for terms in (self._siblings, self._parents, self._above))
        found = []
        for number, (is_known, is_family) in enumerate(zip(known, has_carrier, strict=True)):
            near = sibling[number] or parent[number] or above[number]
            if is_family:
                found.append(Kin("family", near))
            elif not is_known:
                found.append(Kin("unknown", None))
            else:
                found.append(Kin("sibling" if sibling[number] else "wider" if parent[number] else "far", near))
        return found

    def _ordered(self, terms: Iterable[str]) -> list[str]:
        """The most informative first."""
        carried = [term for term in terms if term in self._place]
        return sorted(carried, key=lambda term: (-self._content.get(term, 0.0), term))

    def _first(self, rows: np.ndarray, terms: Sequence[str]) -> list[str | None]:
        """Of each protein the first of these terms that it carries."""
        found: list[str | None] = [None] * len(rows)
        if not len(rows) or not terms:
            return found
        carried = self._labels[:, [self._place[term] for term in terms]].tocsr()[rows].toarray() > 0
        first = carried.argmax(axis=1)
        for number in np.flatnonzero(carried.any(axis=1)).tolist():
            found[number] = terms[int(first[number])]
        return found


class SiteEvidence:
    """Residue annotations that carry a term's function, by protein."""

    def __init__(self, annotations: pd.DataFrame, terms: Sequence[SiteTerm]) -> None:
        """Index them.

        Args:
            annotations: accession, kind, label.
            terms: which annotations carry which term.
        """
        self._named = {term.go_id: term.named for term in terms}
        self._by_kind = dict(list(annotations.groupby("kind")))

    def __contains__(self, go_id: str) -> bool:
        return go_id in self._named

    def of(self, go_id: str) -> dict[str, str]:
        """Accession -> 'Metal contact 4, Binding site 2' of the proteins that have such annotations."""
        counts: dict[str, dict[str, int]] = {}
        for kind in dict.fromkeys(named.kind for named in self._named.get(go_id, ())):
            if kind not in self._by_kind:
                continue
            here = self._by_kind[kind]
            own = [named for named in self._named[go_id] if named.kind == kind]
            fits = {label: any(named.fits(kind, label) for named in own) for label in here["label"].unique()}
            for accession, n in here.loc[here["label"].map(fits), "accession"].value_counts().items():
                counts.setdefault(str(accession), {})[kind] = int(n)
        return {
            accession: ", ".join(f"{kind} {n}" for kind, n in sorted(own.items(), key=lambda p: -p[1])[:SITES_NAMED])
            for accession, own in counts.items()
        }
