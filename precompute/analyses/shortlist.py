"""The analysis `shortlist`: which proteins features call for their term although they are not annotated with it.

Lists are made for every feature that is called after a GO term which holds, over all proteins of the corpus. What
decides about a protein, and how good such lists are, is worked out in `precompute/align/shortlisting.py`.

Read `compute`, then `_list_of`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from precompute.align.absorbing import learnable, scores_of
from precompute.align.shortlisting import (
    HIDDEN,
    LONGEST,
    N_HIDINGS,
    PLAIN,
    Neighbourhood,
    Quality,
    SiteEvidence,
    chosen,
    precision_at,
    quality,
)
from precompute.align.site_terms import SITE_TERMS
from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.codes import CSC
from precompute.corpus.hierarchy import Hierarchy, read_hierarchy
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import Corpus, composition, read_corpus
from precompute.corpus.trained import read_trained
from precompute.features.counts import read_pooled
from precompute.pipeline.progress import Transient
from precompute.pipeline.tables import empty_table, read_table
from protsae.measures.probes import choose_logistic
from protsae.measures.sparse_probing import best_threshold
from protsae.store.analyses.contract import ColumnType
from protsae.store.analyses.shortlist import SHORTLIST

_TYPES: dict[ColumnType, str] = {"VARCHAR": "str", "BOOLEAN": "bool", "INTEGER": "int32", "REAL": "float32"}


class _Listed(NamedTuple):
    """A feature that is called after a GO term which holds."""

    sae: str
    feature: int
    go_id: str
    namespace: str
    pooling: str
    threshold: float


class _World(NamedTuple):
    """What is known of proteins and terms."""

    corpus: Corpus
    cluster: np.ndarray
    """[n_proteins] number of its homology cluster"""

    labels: CSC
    place: dict[str, int]
    """go_id -> column of `labels`"""

    known: dict[str, np.ndarray]
    """sub-ontology -> [n_proteins] bool: annotated there"""

    hierarchy: Hierarchy
    sites: SiteEvidence
    seed: int


class _OfTerm(NamedTuple):
    """What all features of one term share; all [n_proteins]."""

    carried: np.ndarray
    known: np.ndarray
    n_carriers: np.ndarray
    """In the protein's cluster"""

    composition: np.ndarray
    by_composition: np.ndarray
    sites: dict[str, str]
    near: Neighbourhood


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """The three tables."""
    proteins = read_table(work / "proteins" / "proteins.parquet")
    world = _world(config, work, proteins)
    listed = _listed(work)
    scores = _scores(work, listed, world.corpus.n_proteins)
    report(Transient("shortlist: what amino-acid composition calls"))
    alone = _composition(world, listed)
    of_term: dict[str, list[int]] = {}
    for number, one in enumerate(listed):
        of_term.setdefault(one.go_id, []).append(number)
    candidates, lists = [], []
    for go_id, numbers in of_term.items():
        term = _term(world, listed[numbers[0]], alone)
        threshold = np.array([listed[number].threshold for number in numbers], dtype=np.float32)
        calls = scores[numbers] > threshold[:, None]
        report(Transient(f"shortlist: {len(lists)} of {len(listed)} features"))
        for place, number in enumerate(numbers):
            one, others = listed[number], np.delete(calls, place, axis=0)
            rows, facts = _list_of(world, one, term, scores[number], others)
            candidates += rows
            lists.append(facts | {"go_id": go_id})
    told = _tables(candidates, lists, proteins)
    report(
        f"shortlist: {len(told['candidate'])} candidates of {len(lists)} features, "
        f"{len(told['candidate_protein'])} proteins"
    )
    settings = {"seed": config.seed, "longest": LONGEST, "plain": PLAIN, "hidden": HIDDEN, "hidings": N_HIDINGS}
    return Computed(told, settings)


def _list_of(
    world: _World, one: _Listed, term: _OfTerm, score: np.ndarray, others: np.ndarray
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows of one feature's list, and its row of `candidate_list`."""
    called = score > np.float32(one.threshold)
    rows = np.flatnonzero(called & ~term.carried)
    kin = term.near.kin(rows, term.known[rows], term.n_carriers[rows] > 0)
    kept = chosen(score[rows], [near.kin for near in kin])
    judged = np.flatnonzero(term.known & (world.corpus.split == "test"))
    precision, n_above = precision_at(score[rows[kept]], score[judged], term.carried[judged])
    size = np.bincount(world.cluster, minlength=world.cluster.max() + 1)
    named = {"sae": one.sae, "feature": one.feature}
    listed = []
    for rank, (place, row) in enumerate(zip(kept, rows[kept], strict=True)):
        relatives = np.flatnonzero((world.cluster == world.cluster[row]) & term.carried)[:2].tolist()
        listed.append(
            named
            | {
                "rank": rank + 1,
                "accession": str(world.corpus.accession[row]),
                "score": float(score[row]),
                "precision": float(precision[rank]),
                "n_above": int(n_above[rank]),
                "kin": kin[place].kin,
                "near_go_id": kin[place].near,
                "n_relatives": int(size[world.cluster[row]]) - 1,
                "n_carriers": int(term.n_carriers[row]),
                "carriers": " ".join(str(world.corpus.accession[relative]) for relative in relatives),
                "site": term.sites.get(str(world.corpus.accession[row]), ""),
                "n_others": len(others),
                "n_others_call": int(others[:, row].sum()),
                "by_composition": bool(term.by_composition[row]),
            }
        )
    n_called, lacking = int((called & term.known).sum()), called & term.known & ~term.carried
    facts = named | {
        "n_called": n_called,
        "n_lacking": int(lacking.sum()),
        "null_lacking": n_called * (1 - float(term.carried[term.known].mean())),
        "n_unknown": int((called & ~term.known).sum()),
        "has_site": one.go_id in world.sites,
    }
    tested = quality(
        score[judged],
        one.threshold,
        term.carried[judged],
        term.composition[judged],
        seed=(world.seed, world.place[one.go_id], one.feature),
    )
    return listed, facts | (tested._asdict() if tested else dict.fromkeys(Quality._fields))


def _world(config: RunConfig, work: Path, proteins: pd.DataFrame) -> _World:
    corpus = read_corpus(work)
    terms = read_table(work / "proteins" / "go_term.parquet", ["go_id", "namespace"])
    labels = read_labels(work, corpus, terms).tocsc()
    namespace = terms["namespace"].to_numpy(dtype=str)
    known = {
        str(name): np.asarray(labels[:, np.flatnonzero(namespace == name)].sum(axis=1)) > 0
        for name in np.unique(namespace)
    }
    carried = np.flatnonzero(np.diff(labels.indptr))
    place = {str(go_id): int(column) for go_id, column in zip(terms["go_id"].to_numpy()[carried], carried, strict=True)}
    annotations = read_table(work / "proteins" / "annotation.parquet", ["accession", "kind", "label"])
    return _World(
        corpus,
        pd.factorize(proteins["cluster"])[0],
        labels,
        place,
        known,
        read_hierarchy(work),
        SiteEvidence(annotations, SITE_TERMS),
        config.seed,
    )


def _listed(work: Path) -> list[_Listed]:
    labels = read_table(work / "associate" / "label.parquet")
    kept = labels["label_origin"].isin(["guided", "go"]) & (labels["label_grade"] != "none")
    named = labels.loc[kept, ["sae", "feature", "label_id"]].rename(columns={"label_id": "go_id"})
    alignments = read_table(work / "associate" / "feature_go.parquet", ["sae", *_Listed._fields[1:]])
    found = named.merge(alignments, on=["sae", "feature", "go_id"]).sort_values(["go_id", "sae", "feature"])
    return [_Listed(*row) for row in found[list(_Listed._fields)].itertuples(index=False, name=None)]


def _scores(work: Path, listed: list[_Listed], n_proteins: int) -> np.ndarray:
    """[n_listed, n_proteins] float32."""
    found = np.zeros((len(listed), n_proteins), dtype=np.float32)
    for sae in read_trained(work):
        numbers = [number for number, one in enumerate(listed) if one.sae == sae.name]
        if numbers:
            pooled = read_pooled(work / "statistics" / f"{sae.name}.pooled.npz")
            feature = np.array([listed[number].feature for number in numbers])
            pooling = np.array([listed[number].pooling for number in numbers])
            found[numbers] = scores_of(pooled._asdict(), feature, pooling).T
    return found


def _composition(world: _World, listed: list[_Listed]) -> dict[str, tuple[np.ndarray, float]]:
    """Of every term the log-odds [n_proteins] that composition and length give, and the threshold best on valid.

    A term that cannot be learnt has 0 for every protein, and is called nowhere.
    """
    corpus = world.corpus
    letters = np.column_stack([composition(corpus.sequence), np.log(corpus.length)])
    found = {one.go_id: (np.zeros(corpus.n_proteins, dtype=np.float32), np.inf) for one in listed}
    for namespace in sorted({one.namespace for one in listed}):
        go_id = sorted({one.go_id for one in listed if one.namespace == namespace})
        rows = np.flatnonzero(world.known[namespace])
        carried = world.labels[:, [world.place[one] for one in go_id]].tocsr()[rows].toarray() > 0
        fits = learnable(carried, corpus.split[rows])
        if not len(fits):
            continue
        carried = carried[:, fits]
        probe = choose_logistic(letters[rows], carried, corpus.split[rows], criterion="auc")
        score, valid = probe.logits(letters), np.flatnonzero(corpus.split[rows] == "valid")
        threshold = best_threshold(score[rows[valid]], carried[valid])
        for column, place in enumerate(fits.tolist()):
            found[go_id[place]] = (score[:, column].astype(np.float32), float(threshold[column]))
    return found


def _term(world: _World, one: _Listed, alone: dict[str, tuple[np.ndarray, float]]) -> _OfTerm:
    column = world.place[one.go_id]
    carried = np.zeros(world.corpus.n_proteins, dtype=bool)
    carried[world.labels.indices[world.labels.indptr[column] : world.labels.indptr[column + 1]]] = True
    in_cluster = np.bincount(world.cluster[carried], minlength=world.cluster.max() + 1)
    score, threshold = alone[one.go_id]
    return _OfTerm(
        carried,
        world.known[one.namespace],
        in_cluster[world.cluster],
        score,
        score > threshold,
        world.sites.of(one.go_id),
        Neighbourhood(one.go_id, world.hierarchy, world.labels, world.place),
    )


def _tables(
    candidates: list[dict[str, Any]], lists: list[dict[str, Any]], proteins: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    empty = {
        table.name: empty_table({column.name: _TYPES[column.type] for column in table.columns})
        for table in SHORTLIST.tables
    }
    found = pd.DataFrame(candidates) if candidates else empty["candidate"]
    named = proteins.loc[proteins["accession"].isin(found["accession"])]
    return {
        "candidate": found,
        "candidate_list": pd.DataFrame(lists).astype({"n_hidden": "Int32"}) if lists else empty["candidate_list"],
        "candidate_protein": named[[column.name for column in SHORTLIST.tables[2].columns]],
    }
