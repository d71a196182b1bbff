"""The analysis `enriched`: what the strongest proteins of unguided features have in common, found and then confirmed.

Found on homology clusters of train and valid, confirmed on those of test; see `precompute/features/enriched.py` for the
test. Guided features were trained on their term's proteins, so they are left out. Read `compute`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csc_array

from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.codes import CSC
from precompute.corpus.hierarchy import Hierarchy, read_hierarchy
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import Corpus, read_corpus
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.features import enriched
from precompute.features.counts import read_pooled
from precompute.features.enriched import Found, Terms
from precompute.pipeline.progress import Transient
from precompute.pipeline.tables import empty_table, read_table
from protsae.ontology.namespaces import WHOLE_GO, members
from protsae.store.analyses.enriched import MOST_Q, MOST_TEST_P

LISTED = 3
"""Terms of a feature."""
N_SHUFFLES = 3

_TYPES = {
    "sae": "str", "feature": "int32", "rank": "int32", "kind": "str", "term": "str", "n_merged": "int32",
    "n_set": "int32", "n_hits": "int32", "n_universe": "int32", "n_carry": "int32", "p_value": "float64",
    "q_value": "float64", "test_set": "int32", "test_hits": "int32", "test_expected": "float32", "test_p": "float64",
}  # fmt: skip


class _World(NamedTuple):
    """What all SAEs share."""

    unit: np.ndarray
    """[n_proteins] cluster of each, from 0."""
    is_test: np.ndarray
    """[n_units]"""
    kinds: list[Terms]
    hierarchy: Hierarchy
    seed: int


class _Tests(NamedTuple):
    """Every pair of feature and term of one SAE; all [n]."""

    kind: np.ndarray
    found: Found
    q: np.ndarray

    def at(self, which: np.ndarray) -> "_Tests":
        """Some of them."""
        return _Tests(self.kind[which], Found(*(column[which] for column in self.found)), self.q[which])


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Rows of `enriched_term` and `enriched_summary`."""
    corpus = read_corpus(work)
    unit = pd.factorize(read_table(work / "proteins" / "proteins.parquet", ["cluster"])["cluster"])[0]
    is_test = np.zeros(unit.max() + 1, dtype=bool)
    is_test[unit[corpus.split == "test"]] = True
    kinds = [*go_terms(work, corpus, unit), site_terms(work, corpus, unit)]
    kinds = [_only_frequent(one, ~is_test) for one in kinds]
    world = _World(unit, is_test, kinds, read_hierarchy(work), config.seed)
    rows, summary = [], []
    for sae in read_trained(work):
        report(Transient(f"enriched: {sae.name}"))
        own, told = _of_sae(work, sae, world)
        rows += own
        summary.append({"sae": sae.name} | told)
        report(
            f"enriched: {sae.name}, {told['n_found']} of {told['n_features']} unguided features have a term (shuffled: "
            f"{told['null_found']:.0f}), {told['n_confirmed']} on test, too (shuffled: {told['null_confirmed']:.0f})"
        )
    table = pd.DataFrame(rows, columns=list(_TYPES)) if rows else empty_table(_TYPES)
    settings = {
        "seed": config.seed,
        "share": enriched.SHARE,
        "carried": [enriched.LEAST_CARRIED, enriched.MOST_CARRIED],
        "q": MOST_Q,
        "test_p": MOST_TEST_P,
        "shuffles": N_SHUFFLES,
    }
    return Computed({"enriched_term": table, "enriched_summary": pd.DataFrame(summary)}, settings)


def go_terms(work: Path, corpus: Corpus, unit: np.ndarray) -> list[Terms]:
    """The terms of each sub-ontology, by unit."""
    table = read_table(work / "proteins" / "go_term.parquet", ["go_id", "namespace"])
    labels = read_labels(work, corpus, table)
    namespace = table["namespace"].to_numpy(dtype=str)
    found = []
    for name in members(WHOLE_GO):
        columns = np.flatnonzero(namespace == name)
        carried = _carried(csc_array(labels[:, columns]), unit)
        known = np.asarray(carried.sum(axis=1)).ravel() > 0
        found.append(Terms(str(name), table["go_id"].to_numpy(dtype=str)[columns].tolist(), carried, known))
    return found


def site_terms(work: Path, corpus: Corpus, unit: np.ndarray) -> Terms:
    """Kinds of residue annotation, and kinds with their label, by unit; known where a protein has any."""
    table = read_table(work / "proteins" / "annotation.parquet", ["accession", "kind", "label"])
    label = table["label"].fillna("").astype(str)
    named = pd.concat(
        [
            pd.DataFrame({"accession": table["accession"], "name": table["kind"]}),
            pd.DataFrame({"accession": table["accession"], "name": table["kind"] + ": " + label}).loc[label != ""],
        ]
    ).drop_duplicates()
    column, names = pd.factorize(named["name"], sort=True)
    row = pd.Series(np.arange(corpus.n_proteins), index=corpus.accession).loc[named["accession"]].to_numpy()
    shape = (corpus.n_proteins, len(names))
    carried = _carried(csc_array((np.ones(len(row)), (row, column)), shape=shape), unit)
    return Terms("annotation", [str(name) for name in names], carried, np.asarray(carried.sum(axis=1)).ravel() > 0)


def _carried(labels: CSC, unit: np.ndarray) -> CSC:
    member = csc_array((np.ones(len(unit)), (unit, np.arange(len(unit)))), shape=(int(unit.max()) + 1, len(unit)))
    carried = csc_array(member @ labels)
    carried.data = np.ones(len(carried.data))
    return carried


def _only_frequent(terms: Terms, units: np.ndarray) -> Terms:
    kept = enriched.frequent(terms, units)
    return terms._replace(name=[terms.name[place] for place in kept], carried=csc_array(terms.carried[:, kept]))


def _of_sae(work: Path, sae: TrainedSAE, world: _World) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    peak = read_pooled(work / "statistics" / f"{sae.name}.pooled.npz").max[:, len(sae.concepts) :]
    score = enriched.by_unit(csc_array(peak), world.unit)
    sets = [_sets(score, units) for units in (~world.is_test, world.is_test)]
    n_features, n_terms = int((np.diff(sets[0].indptr) > 0).sum()), sum(len(one.name) for one in world.kinds)
    rng = np.random.default_rng(world.seed)
    tests = _tests(sets[0], world.kinds, ~world.is_test, n_features * n_terms)
    tests = tests.at(np.flatnonzero(tests.q < MOST_Q))
    rows = _rows(sae, tests, sets[1], world)
    first = [row for row in rows if row["rank"] == 1]
    null_found, null_confirmed = [], []
    for _ in range(N_SHUFFLES):
        dealt = [_dealt(one, world.is_test, rng) for one in world.kinds]
        by_luck = _tests(sets[0], dealt, ~world.is_test, n_features * n_terms)
        null_found.append(len(np.unique(by_luck.found.feature[by_luck.q < MOST_Q])))
        again = _rows(sae, tests, sets[1], world._replace(kinds=dealt))
        null_confirmed.append(sum(row["rank"] == 1 and row["test_p"] < MOST_TEST_P for row in again))
    return rows, {
        "n_features": n_features,
        "n_terms": n_terms,
        "n_found": len(first),
        "n_confirmed": sum(row["test_p"] < MOST_TEST_P for row in first),
        "null_found": float(np.mean(null_found)),
        "null_confirmed": float(np.mean(null_confirmed)),
    }


def _sets(score: CSC, units: np.ndarray) -> Any:
    """The strongest of some units, [d, all units]."""
    rows = np.flatnonzero(units)
    found = enriched.strongest_sets(csc_array(score.tocsr()[rows]))
    found = type(found)((found.data, rows[found.indices], found.indptr), shape=(found.shape[0], len(units)))
    found.sort_indices()
    return found


def _tests(sets: Any, kinds: Sequence[Terms], units: np.ndarray, n_tests: int) -> _Tests:
    parts = [enriched.found_terms(sets, terms, units) for terms in kinds]
    kind = np.repeat(np.arange(len(parts)), [len(part.p) for part in parts])
    found = Found(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return _Tests(kind, found, enriched.corrected(found.p, n_tests))


def _dealt(terms: Terms, is_test: np.ndarray, rng: np.random.Generator) -> Terms:
    """The terms of every unit given to another one of the same side."""
    order = np.arange(len(is_test))
    for side in (is_test, ~is_test):
        order[side] = rng.permutation(order[side])
    return terms._replace(carried=csc_array(terms.carried.tocsr()[order]), known=terms.known[order])


def _rows(sae: TrainedSAE, tests: _Tests, test_sets: Any, world: _World) -> list[dict[str, Any]]:
    """The surest terms of every feature, related ones merged, with what test says of each."""
    order = np.lexsort((tests.found.p, tests.found.feature))
    rows = []
    of_kind = [_OnTest(terms, test_sets, world.is_test) for terms in world.kinds]
    for feature, places in _by_feature(tests.found.feature[order], order):
        names = [world.kinds[tests.kind[place]].name[tests.found.term[place]] for place in places]
        for rank, group in enumerate(enriched.merged(names, _related(world.hierarchy))[:LISTED], start=1):
            place = places[group[0]]
            kind, term = int(tests.kind[place]), int(tests.found.term[place])
            rows.append(
                {
                    "sae": sae.name,
                    "feature": feature + len(sae.concepts),
                    "rank": rank,
                    "kind": world.kinds[kind].kind,
                    "term": names[group[0]],
                    "n_merged": len(group) - 1,
                    "n_set": int(tests.found.n_set[place]),
                    "n_hits": int(tests.found.n_hits[place]),
                    "n_universe": of_kind[kind].n_elsewhere,
                    "n_carry": int(of_kind[kind].elsewhere[term]),
                    "p_value": float(tests.found.p[place]),
                    "q_value": float(tests.q[place]),
                }
                | of_kind[kind].of(feature, term)
            )
    return rows


class _OnTest:
    """How often the strongest clusters of test carry a term."""

    def __init__(self, terms: Terms, sets: Any, is_test: np.ndarray) -> None:
        by_unit = terms.carried.tocsr()
        self._rows = np.flatnonzero(terms.known & is_test)
        self._carried = csc_array(by_unit[self._rows])
        self._sets = sets[:, self._rows]
        self._n_carry = np.diff(self._carried.indptr)
        elsewhere = np.flatnonzero(terms.known & ~is_test)
        self.n_elsewhere = len(elsewhere)
        self.elsewhere = np.asarray(by_unit[elsewhere].sum(axis=0)).ravel().astype(int)

    def of(self, feature: int, term: int) -> dict[str, Any]:
        """The columns test_set, test_hits, test_expected and test_p."""
        own = self._sets.indices[self._sets.indptr[feature] : self._sets.indptr[feature + 1]]
        carrying = self._carried.indices[self._carried.indptr[term] : self._carried.indptr[term + 1]]
        n_set, hits, n_carry = len(own), len(np.intersect1d(own, carrying)), int(self._n_carry[term])
        p = enriched.upper_tail(*(np.array([hits]), len(self._rows), np.array([n_carry]), np.array([n_set])))
        expected = n_set * n_carry / max(1, len(self._rows))
        return {"test_set": n_set, "test_hits": hits, "test_expected": expected, "test_p": float(p[0])}


def _by_feature(feature: np.ndarray, order: np.ndarray) -> list[tuple[int, list[int]]]:
    """Of every feature the places of its tests, the surest first."""
    numbers, first = np.unique(feature, return_index=True)
    parts = np.split(order, first[1:]) if len(numbers) else []
    return [(int(number), part.tolist()) for number, part in zip(numbers, parts, strict=True)]


def _related(hierarchy: Hierarchy) -> Callable[[str, str], bool]:
    """Whether one of two terms lies above the other; a kind of annotation lies above its labels."""

    def related(one: str, other: str) -> bool:
        if one.startswith("GO:") and other.startswith("GO:"):
            return one in hierarchy.above(other) or other in hierarchy.above(one)
        return one.startswith(f"{other}: ") or other.startswith(f"{one}: ")

    return related
