"""The analysis `curves`: what the two features that a term is compared by reach at every threshold.

Feature and pooling are the rows of `feature_go` that `align/differences.py` compares, chosen on valid. Curves, average
precisions, their paired differences and shuffled labels are told on test proteins; both features of a term meet the
same resamples and the same shuffles. Beside them stand ridge regressions on composition and on the PLM's mean state,
fitted on train, and the best dimension of that state. What a feature serves beside its term is counted by
`measures/entanglement.py`.

Read `compute`.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from precompute.align.baselines import best_columns, has_both, known_labels
from precompute.align.differences import compared
from precompute.align.go import TermTable, term_tables
from precompute.align.ranks import N_RESAMPLES, POOLINGS, bootstrap_weights
from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.codes import CSC
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import composition, read_corpus
from precompute.corpus.trained import read_trained
from precompute.features.counts import read_pooled
from precompute.pipeline.progress import Transient
from precompute.pipeline.tables import empty_table, read_table
from protsae.measures.entanglement import entanglement, feature_acts
from protsae.measures.precision_recall import (
    average_precision,
    resampled_average_precisions,
    shuffled_average_precisions,
    staircase,
    thinned,
)
from protsae.measures.ranking import average_precisions
from protsae.shards import ShardReader
from protsae.store.analyses.curves import CURVES

MOST_POINTS = 48
"""Of a stored curve."""
N_SHUFFLES = 200
ALPHAS = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
"""Ridge penalties tried."""

_KEY = ["go_id", "sae", "feature"]


class Areas(NamedTuple):
    """The rows of one sub-ontology, by table."""

    curve: list[pd.DataFrame]
    area: pd.DataFrame
    difference: pd.DataFrame


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """All tables of `CURVES`."""
    corpus, saes = read_corpus(work), read_trained(work)
    terms = read_table(work / "proteins" / "go_term.parquet", ["go_id", "name", "namespace"])
    terms = terms.sort_values("go_id", ignore_index=True)
    labels = read_labels(work, corpus, terms)
    guiding = sorted({go_id for sae in saes for go_id in sae.concepts})
    tables = term_tables(labels, terms, corpus.split, guiding=guiding, seed=config.seed)
    roles = {sae.name: sae.role for sae in saes}
    own, theirs = compared(read_table(work / "associate" / "feature_go.parquet"), roles)
    pairs = pd.concat([own, theirs], ignore_index=True)
    edges = read_table(work / "proteins" / "go_edge.parquet", ["child", "parent"])
    found: dict[str, list[pd.DataFrame]] = {table.name: [] for table in CURVES.tables}
    scores = {sae.name: read_pooled(work / "statistics" / f"{sae.name}.pooled.npz")._asdict() for sae in saes}
    reader = ShardReader(work / "embed")
    states = reader.protein_means([reader.row_of(accession) for accession in corpus.accession])
    letters = np.column_stack([composition(corpus.sequence), np.log(corpus.length)])
    for table in tables:
        report(Transient(f"curves: {table.namespace}, precision and recall"))
        rows = pairs.loc[pairs["go_id"].isin(table.go_id)]
        test = {
            name: {pooling: scores[name][pooling].tocsr()[table.test].tocsc() for pooling in POOLINGS}
            for name in rows["sae"].unique()
        }
        areas = areas_of(rows, roles, test, table, seed=config.seed)
        report(Transient(f"curves: {table.namespace}, what composition, neurons and a probe reach"))
        known = known_labels(table, labels, terms, corpus.split)
        alone = baselines(table.go_id, *known, letters=letters, states=states)
        report(Transient(f"curves: {table.namespace}, what features share"))
        peaks = {name: test[name]["max"] for name in test}
        shared = sharing(rows, peaks, table, related(table.go_id, edges), alone.probe, seed=config.seed)
        found["term_curve"] += areas.curve
        found["term_area"].append(areas.area.merge(shared.of_terms, on=_KEY, how="left", validate="one_to_one"))
        found["area_difference"].append(areas.difference)
        found["area_baseline"].append(alone.areas)
        found["shared_term"].append(shared.terms)
        found["sae_sharing"].append(shared.of_saes)
    report(f"curves: {sum(map(len, found['term_area']))} curves of {len(pairs['go_id'].unique())} terms")
    settings = {
        "seed": config.seed,
        "resamples": N_RESAMPLES,
        "shuffles": N_SHUFFLES,
        "points": MOST_POINTS,
        "alphas": ALPHAS,
    }
    return Computed({name: _joined(frames, name) for name, frames in found.items()}, settings)


def areas_of(
    rows: pd.DataFrame,
    roles: Mapping[str, str],
    test: Mapping[str, Mapping[str, CSC]],
    table: TermTable,
    *,
    seed: int,
    resamples: int = N_RESAMPLES,
    shuffles: int = N_SHUFFLES,
) -> Areas:
    """Curves, average precisions and paired differences of one sub-ontology's terms.

    Args:
        rows: alignments that terms are compared by, one an SAE and term.
        roles: SAE -> guided | unguided | imported.
        test: SAE -> pooling -> sparse [n_test, d_sae].
        table: the terms and their labels.
        seed: of resamples and shuffles.
        resamples: for the intervals.
        shuffles: of the labels of each term.
    """
    weights = np.ascontiguousarray(bootstrap_weights(len(table.test), resamples, seed).T)
    column = {go_id: place for place, go_id in enumerate(table.go_id.tolist())}
    curves, areas, differences = [], [], []
    for go_id, here in rows.groupby("go_id", sort=True):
        truth = table.labels_test[:, column[str(go_id)]] > 0
        rng = np.random.default_rng([seed, column[str(go_id)]])
        shuffled = rng.permuted(np.tile(truth[:, None], (1, shuffles)), axis=0)
        drawn: dict[str, tuple[dict[str, object], np.ndarray]] = {}
        for pair in here.to_dict("records"):
            score = test[pair["sae"]][pair["pooling"]][:, [pair["feature"]]].toarray().ravel()
            key = {name: pair[name] for name in _KEY}
            whole = staircase(score, truth)
            n_called = int((score > pair["threshold"]).sum())
            kept = thinned(whole, MOST_POINTS, n_called)
            curves.append(pd.DataFrame({**key, **kept._asdict(), "is_threshold": kept.called == n_called}))
            chance = shuffled_average_precisions(score, shuffled)
            resampled = resampled_average_precisions(score, truth, weights)
            area = {"n_test": len(truth), "n_positive": int(truth.sum()), "ap": average_precision(whole)}
            if np.isfinite(area["ap"]):
                area["ap_low"], area["ap_high"] = np.nanquantile(resampled, [0.025, 0.975])
                area |= {"null_ap": chance.mean(), "null_ap_high": np.quantile(chance, 0.975)}
                drawn[pair["sae"]] = (key | {"ap": area["ap"]}, resampled)
            areas.append(key | area)
        differences += _differences(drawn, roles)
    return Areas(curves, pd.DataFrame(areas).reindex(columns=[*_KEY, *_AREA]), pd.DataFrame(differences))


_AREA = ["n_test", "n_positive", "ap", "ap_low", "ap_high", "null_ap", "null_ap_high"]


def _differences(
    drawn: Mapping[str, tuple[dict[str, object], np.ndarray]], roles: Mapping[str, str]
) -> list[dict[str, object]]:
    """Rows of `area_difference` for one term: every guided SAE against every one without guidance."""
    rows = []
    for name, (ours, own) in drawn.items():
        for other, (theirs, others) in drawn.items():
            if roles[name] == "guided" and roles[other] != "guided":
                low, high = np.nanquantile(own - others, [0.025, 0.975])
                difference = float(str(ours["ap"])) - float(str(theirs["ap"]))
                against = {"other_sae": other, "other_feature": theirs["feature"]}
                interval = {"difference": difference, "difference_low": low, "difference_high": high}
                rows.append({name: ours[name] for name in _KEY} | against | interval)
    return rows


class Shared(NamedTuple):
    """What features serve beside their own terms, in one sub-ontology."""

    of_terms: pd.DataFrame
    """go_id, sae, feature, n_unrelated, serves_own"""
    terms: pd.DataFrame
    """Rows of `shared_term`."""
    of_saes: pd.DataFrame
    """Rows of `sae_sharing`."""


def sharing(
    rows: pd.DataFrame,
    peaks: Mapping[str, CSC],
    table: TermTable,
    are_related: np.ndarray,
    probe: np.ndarray,
    *,
    seed: int,
) -> Shared:
    """Unrelated terms that the features of all terms serve.

    Args:
        rows: alignments that terms are compared by, one an SAE and term.
        peaks: SAE -> sparse [n_test, d_sae] of the strongest activations.
        table: the terms and their labels.
        are_related: [n_terms, n_terms] one is the other's ancestor.
        probe: [n_test, n_terms] scores of a plain detector of each term; what it serves, too, is not counted.
        seed: of the shuffles.
    """
    labels = table.labels_test[:, : len(table.go_id)] > 0
    of_terms, terms, of_saes = [], [], []
    for name, here in rows.groupby("sae", sort=True):
        feature = here.set_index("go_id")["feature"].reindex(table.go_id).fillna(-1).to_numpy(dtype=np.int64)
        acts = feature_acts(peaks[str(name)].tocsr(), feature)
        found = entanglement(acts, labels, are_related, reference=probe, seed=seed)
        has = np.flatnonzero(feature >= 0)
        key = {"go_id": table.go_id[has], "sae": str(name), "feature": feature[has]}
        of_terms.append(
            pd.DataFrame({**key, "n_unrelated": found.n_unrelated[has], "serves_own": found.serves_own[has]})
        )
        terms += [
            (table.go_id[term], str(name), feature[term], rank, table.go_id[other])
            for term in has.tolist()
            for rank, other in enumerate(found.others[term], start=1)
        ]
        counts = found.n_unrelated[found.serves_own]
        pure = float((counts == 0).mean()) if len(counts) else np.nan
        of_saes.append(
            {
                "sae": str(name),
                "namespace": table.namespace,
                "n_terms": int(np.isfinite(found.n_unrelated).sum()),
                "share_serving": found.share_serving,
                "mean": found.mean_serving,
                "share_pure": pure,
                "null_mean": found.null,
            }
        )
    shared = pd.DataFrame(terms, columns=[*_KEY, "rank", "other_go_id"])
    return Shared(pd.concat(of_terms, ignore_index=True), shared, pd.DataFrame(of_saes))


def related(go_id: np.ndarray, edges: pd.DataFrame) -> np.ndarray:
    """[n_terms, n_terms] whether the second is an ancestor of the first, over edges child -> parent."""
    parents = {str(child): rows.tolist() for child, rows in edges.groupby("child")["parent"]}
    above: dict[str, set[str]] = {}

    def ancestors(term: str) -> set[str]:
        if term not in above:
            above[term] = set()
            above[term] = set().union(*({parent} | ancestors(parent) for parent in parents.get(term, [])))
        return above[term]

    return np.array([np.isin(go_id, list(ancestors(term))) for term in go_id.tolist()]).reshape(len(go_id), len(go_id))


class Alone(NamedTuple):
    """What is reached for the terms of a sub-ontology without any feature."""

    areas: pd.DataFrame
    """Rows of `area_baseline`."""
    probe: np.ndarray
    """[n_test, n_terms] scores of the ridge regression on states; 0 for a term that could not be fitted."""


def baselines(
    go_id: np.ndarray,
    rows: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    *,
    letters: np.ndarray,
    states: np.ndarray,
) -> Alone:
    """Average precisions on test of what needs no feature; NaN where a split lacks a positive or a negative.

    Args:
        go_id: [n_terms]
        rows: of the train, valid and test proteins, as `align/baselines.py`'s `known_labels` has them.
        labels: [n_proteins, n_terms] of the same.
        letters: [n_proteins, 21] shares of the amino acids and log of the length.
        states: [n_proteins, d_model] mean state of the PLM.
    """
    fits = has_both(labels)
    kept = [part[:, fits] for part in labels]
    areas = pd.DataFrame({"go_id": go_id, "composition_ap": np.nan, "neuron_ap": np.nan, "probe_ap": np.nan})
    probe = np.zeros((len(rows[2]), len(go_id)))
    if fits.any():
        of_letters, of_states = ([x[row] for row in rows] for x in (letters, states))
        probe[:, fits] = ridge_scores(of_states, kept)
        scores = (ridge_scores(of_letters, kept), best_columns(of_states, kept), probe[:, fits])
        areas.loc[fits, ["composition_ap", "neuron_ap", "probe_ap"]] = np.column_stack(
            [average_precisions(np.asarray(one, np.float64), kept[2]) for one in scores]
        )
    return Alone(areas, probe)


def ridge_scores(x: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> np.ndarray:
    """[n_test, n_terms] of a ridge regression on standardised columns; penalty by mean AP on valid, one for all terms.

    Args:
        x: of train, valid and test proteins.
        labels: [n_proteins, n_terms] of the same, each with a positive and a negative.
    """
    mean, scale = x[0].mean(axis=0), x[0].std(axis=0)
    train, valid, test = ((part - mean) / np.where(scale > 0, scale, 1) for part in x)
    fitted = [Ridge(alpha=alpha).fit(train, labels[0].astype(train.dtype)) for alpha in ALPHAS]
    on_valid = [float(average_precisions(_scores(one, valid), labels[1]).mean()) for one in fitted]
    return _scores(fitted[int(np.argmax(on_valid))], test)


def _scores(fitted: Ridge, x: np.ndarray) -> np.ndarray:
    return np.asarray(fitted.predict(x), np.float64).reshape(len(x), -1)


def _joined(frames: Sequence[pd.DataFrame], name: str) -> pd.DataFrame:
    """All rows of a table, with its columns where there are none."""
    table = next(one for one in CURVES.tables if one.name == name)
    kinds = {"VARCHAR": "str", "BOOLEAN": "bool", "INTEGER": "int64", "REAL": "float64", "DOUBLE": "float64"}
    found = [frame for frame in frames if len(frame)]
    return pd.concat(found, ignore_index=True) if found else empty_table({c.name: kinds[c.type] for c in table.columns})
