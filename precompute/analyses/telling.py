"""The analysis `telling`: how well a label alone tells where its feature fires.

Labels were chosen on valid (`precompute/align/labelling.py`); rules at residues are chosen on train, and so is what a
label's proteins have in common; every number is told on test. See `precompute/features/telling.py` and `embedded.py`
for what is measured. Read `compute`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.codes import CSR
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import Corpus, read_corpus
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.features import embedded, telling
from precompute.features.alikeness import profiles
from precompute.features.counts import read_pooled
from precompute.features.embedded import Embedded
from precompute.features.sampled import Sample, annotated, sample_proteins, sampled_codes
from precompute.features.telling import Detection, Rules
from precompute.pipeline.progress import Transient
from precompute.pipeline.tables import read_table

N_RESIDUES = 100_000
"""Of train, and of test."""


class _Labels(NamedTuple):
    """Who carries which label, among the proteins of one split."""

    rows: np.ndarray
    """[n] rows of `Corpus`"""
    cluster: np.ndarray
    """[n] number of its homology cluster"""
    carries: dict[str, np.ndarray]
    """label -> [n] bool"""
    known: dict[str, np.ndarray]
    """label -> [n] bool"""


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Rows of `telling`."""
    corpus = read_corpus(work)
    named = read_table(work / "associate" / "label.parquet", ["sae", "feature", "label_id"])
    named = named.loc[named["label_id"].fillna("") != ""]
    wanted = sorted(set(named["label_id"]))
    labels = _labels(work, corpus, wanted, "test")
    ranked = _ranked(corpus, _labels(work, corpus, wanted, "train"), labels)
    samples = [sample_proteins(corpus, part, N_RESIDUES, seed=config.seed) for part in ("train", "test")]
    ruled = [telling.rules(sample, annotated(work, corpus, sample)) for sample in samples]
    rows: list[dict[str, Any]] = []
    for sae in read_trained(work):
        report(Transient(f"telling: {sae.name}"))
        own = named.loc[named["sae"] == sae.name].sort_values("feature")
        features, ids = own["feature"].to_numpy(), own["label_id"].tolist()
        rng = np.random.default_rng(config.seed)
        peak = read_pooled(work / "statistics" / f"{sae.name}.pooled.npz").max.tocsr()[labels.rows].toarray()
        told = _detected(peak, own, _nearest(work, sae), labels, rng)
        points = _embedded(peak, own, labels, ranked, np.random.default_rng(config.seed))
        codes = [codes[:, features] for codes in sampled_codes(corpus, work / "activations" / sae.name, samples)]
        fuzzed = _fuzzed(codes, samples, ruled, ids, rng)
        for feature, label, one, point, at_residues in zip(features.tolist(), ids, told, points, fuzzed, strict=True):
            of = {"sae": sae.name, "feature": feature, "label_id": label}
            rows.append(of | one._asdict() | point._asdict() | at_residues)
    table = pd.DataFrame(rows, columns=_COLUMNS)
    report(_said(table))
    settings = {
        "seed": config.seed,
        "residues": N_RESIDUES,
        "shuffles": telling.N_SHUFFLES,
        "shifts": telling.N_SHIFTS,
        "least": telling.LEAST,
        "rules": len(ruled[0].name),
        "other_labels": embedded.N_OTHERS,
    }
    return Computed({"telling": table}, settings)


_COLUMNS = [
    "sae", "feature", "label_id", *Detection._fields, *Embedded._fields, "rule", "rule_from", "fuzzing", "null_fuzzing",
]  # fmt: skip


def _labels(work: Path, corpus: Corpus, wanted: list[str], part: str) -> _Labels:
    rows = np.flatnonzero(corpus.split == part)
    terms = read_table(work / "proteins" / "go_term.parquet", ["go_id", "namespace"])
    labels = read_labels(work, corpus, terms).tocsr()[rows].tocsc()
    namespace = dict(zip(terms["go_id"], terms["namespace"], strict=True))
    of_namespace = {
        name: np.asarray(labels[:, np.flatnonzero(terms["namespace"] == name)].sum(axis=1)).ravel() > 0
        for name in sorted(set(terms["namespace"]))
    }
    place = {go_id: column for column, go_id in enumerate(terms["go_id"])}
    table = read_table(work / "proteins" / "annotation.parquet", ["accession", "kind"]).drop_duplicates()
    accessions, everyone = corpus.accession[rows], np.ones(len(rows), dtype=bool)
    carries, known = {}, {}
    for label in wanted:
        if label in place:
            carried = np.zeros(len(rows), dtype=bool)
            carried[labels.indices[labels.indptr[place[label]] : labels.indptr[place[label] + 1]]] = True
            carries[label], known[label] = carried, of_namespace[namespace[label]]
        else:
            carries[label] = np.isin(accessions, table.loc[table["kind"] == label, "accession"].to_numpy(dtype=str))
            known[label] = everyone
    cluster = read_table(work / "proteins" / "proteins.parquet", ["cluster"])["cluster"]
    return _Labels(rows, pd.factorize(cluster)[0][rows], carries, known)


def _ranked(corpus: Corpus, train: _Labels, test: _Labels) -> pd.DataFrame:
    """Test proteins by the queries of all labels that have one, a column each."""
    parts = [[corpus.sequence[row] for row in labels.rows] for labels in (train, test)]
    vectors = profiles(*parts)
    asked = list(train.carries)
    wanted = embedded.queries(
        vectors[: len(train.rows)], [train.carries[one] for one in asked], [train.known[one] for one in asked]
    )
    has = np.flatnonzero(~np.isnan(wanted).any(axis=1))
    scores = vectors[len(train.rows) :] @ wanted[has].T.astype(np.float32)
    return pd.DataFrame(scores, columns=[asked[place] for place in has.tolist()])


def _embedded(
    peak: np.ndarray, named: pd.DataFrame, labels: _Labels, ranked: pd.DataFrame, rng: np.random.Generator
) -> list[Embedded]:
    scores, place = ranked.to_numpy(), {label: column for column, label in enumerate(ranked.columns)}
    own = np.array(sorted({place[label] for label in named["label_id"] if label in place}), dtype=int)
    found = []
    for feature, label in zip(named["feature"].tolist(), named["label_id"].tolist(), strict=True):
        known = labels.known[label]
        column = place.get(label)
        fires = peak[known, feature] > 0
        found.append(
            Embedded(np.nan, np.nan, np.nan)
            if column is None
            else embedded.embedded(fires, scores[known], column, own, rng)
        )
    return found


def _nearest(work: Path, sae: TrainedSAE) -> dict[int, int]:
    """The feature of its SAE that fires most like it, of each."""
    near = read_table(work / "layout" / "neighbour.parquet")
    near = near.loc[(near["sae"] == sae.name) & (near["other_sae"] == sae.name) & (near["rank"] == 1)]
    return dict(zip(near["feature"].tolist(), near["other_feature"].tolist(), strict=True))


def _detected(
    peak: np.ndarray,
    named: pd.DataFrame,
    nearest: Mapping[int, int],
    labels: _Labels,
    rng: np.random.Generator,
) -> list[Detection]:
    nothing = np.zeros(len(labels.rows), dtype=bool)
    found = []
    for feature, label in zip(named["feature"].tolist(), named["label_id"].tolist(), strict=True):
        known = np.flatnonzero(labels.known[label])
        own = peak[:, feature]
        fires_near = peak[:, nearest[feature]] > 0 if feature in nearest else nothing
        relative = np.isin(labels.cluster, labels.cluster[own > 0])
        carries = labels.carries[label]
        found.append(telling.detection(own[known], carries[known], fires_near[known], relative[known], rng))
    return found


def _fuzzed(
    codes: list[CSR], samples: list[Sample], ruled: list[Rules], ids: list[str], rng: np.random.Generator
) -> list[dict[str, Any]]:
    for part in codes:
        part.data = np.ones(len(part.data), np.float32)
    names = ruled[0].name
    place = {name: number for number, name in enumerate(names)}
    on_train = telling.fuzzing(codes[0], samples[0].group, ruled[0].holds)
    rule, is_own = telling.chosen_rules(on_train, [place.get(f"site {label}") for label in ids])
    on_test = telling.fuzzing(codes[1], samples[1].group, ruled[1].holds)
    every, column = np.arange(len(rule)), np.maximum(rule, 0)
    null = [
        telling.fuzzing(codes[1], samples[1].group, ruled[1].holds[samples[1].shifted(rng)])[every, column]
        for _ in range(telling.N_SHIFTS)
    ]
    value = np.where(rule >= 0, on_test[every, column], np.nan)
    by_chance = np.where(rule >= 0, np.mean(null, axis=0), np.nan)
    return [
        {
            "rule": names[number] if number >= 0 else "",
            "rule_from": "" if number < 0 else "label" if own else "train",
            "fuzzing": float(told),
            "null_fuzzing": float(chance),
        }
        for number, own, told, chance in zip(rule.tolist(), is_own.tolist(), value, by_chance, strict=True)
    ]


def _said(table: pd.DataFrame) -> str:
    parts = []
    for sae, own in table.groupby("sae"):
        mean = own.drop(columns=["sae", "label_id", "rule", "rule_from"]).mean()
        parts.append(
            f"{sae} {mean['detection']:.2f} (null {mean['null_detection']:.2f}, relatives {mean['relatives']:.2f}), "
            f"residues {mean['fuzzing']:.2f} (null {mean['null_fuzzing']:.2f}), by what its label's proteins share "
            f"{mean['embedding']:.2f} (null {mean['null_embedding']:.2f})"
        )
    return f"telling: mean balanced accuracy of labels, then AUROC, {'; '.join(parts)}"
