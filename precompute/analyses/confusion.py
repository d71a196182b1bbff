"""The analysis `confusion`: does the feature of a term call the proteins of the term's siblings, too?

    share = |called, sibling, not term| / |sibling, not term|      over annotated test proteins
    null  = |called, neither| / |neither|                          over the same

Feature, pooling and threshold are the frozen ones of `feature_go`: of a guided SAE the feature that the term guides, of
any other SAE the term's best on valid. A share is held against a draw of as many proteins from all that lack the term
(hypergeometric, one-sided).

Read `compute`, then `confused`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool
from scipy.stats import false_discovery_control, hypergeom

from precompute.align.go import MIN_POSITIVES
from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import read_corpus
from precompute.corpus.trained import read_trained
from precompute.features.counts import read_pooled
from precompute.pipeline.progress import Transient
from precompute.pipeline.tables import read_table
from protsae.store.analyses.confusion import CONFUSED_Q

_COUNTS = ("n_sibling", "n_called", "n_other", "n_other_called")


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Rows of `sibling_confusion`."""
    corpus = read_corpus(work)
    terms = pd.read_parquet(work / "proteins" / "go_term.parquet", columns=["go_id", "namespace"])
    labels = read_labels(work, corpus, terms)
    edges = read_table(work / "proteins" / "go_edge.parquet")
    siblings = siblings_of(edges, dict(zip(terms["go_id"], terms["namespace"], strict=True)))
    scored = read_table(work / "associate" / "feature_go.parquet")
    namespace, column = terms["namespace"].to_numpy(dtype=str), {g: i for i, g in enumerate(terms["go_id"])}
    rows: list[dict[str, Any]] = []
    for sae in read_trained(work):
        report(Transient(f"confusion: siblings of the terms of {sae.name}"))
        wanted = scored["is_guiding"] if sae.role == "guided" else scored["is_best_for_term"]
        pairs = scored.loc[wanted & (scored["sae"] == sae.name)]
        pooled = read_pooled(work / "statistics" / f"{sae.name}.pooled.npz")._asdict()
        for (space, pooling), group in pairs.groupby(["namespace", "pooling"], sort=True):
            of_space = labels[:, np.flatnonzero(namespace == space)]
            test = np.flatnonzero((of_space.sum(axis=1) > 0) & (corpus.split == "test"))
            carried = labels[test].tocsc()
            features = np.unique(group["feature"].to_numpy())
            score = pooled[str(pooling)][:, features].tocsr()[test].toarray()
            for row in group.to_dict("records"):
                near = [go_id for go_id in siblings.get(row["go_id"], ()) if go_id in column]
                called = score[:, np.searchsorted(features, row["feature"])] > row["threshold"]
                truth = carried[:, [column[row["go_id"]], *(column[go_id] for go_id in near)]].toarray() > 0
                of_pair = {"sae": sae.name, "feature": row["feature"], "go_id": row["go_id"]}
                rows += [of_pair | found for found in confused(called, truth[:, 0], truth[:, 1:], near)]
    table = pd.DataFrame(rows, columns=["sae", "feature", "go_id", "sibling", *_COUNTS])
    table = table.astype(dict.fromkeys(("feature", *_COUNTS), "int32"))
    p = chance(*(table[name].to_numpy() for name in _COUNTS))
    table = table.assign(p_value=p, q_value=false_discovery_control(p) if len(p) else p)
    n_clear = int((table["q_value"] <= CONFUSED_Q).to_numpy().sum())
    report(
        f"confusion: {n_clear:,} of {len(table):,} pairs of a feature and a sibling are called more often than others"
    )
    return Computed(
        {"sibling_confusion": table}, {"seed": config.seed, "least_proteins": MIN_POSITIVES, "q": CONFUSED_Q}
    )


def siblings_of(edges: pd.DataFrame, namespace: dict[str, str]) -> dict[str, list[str]]:
    """Term -> terms of its sub-ontology that share a direct parent with it and lie neither above nor below it.

    Args:
        edges: direct edges, child and parent.
        namespace: of every term.
    """
    parents: dict[str, set[str]] = {}
    children: dict[str, set[str]] = {}
    for child, parent in zip(edges["child"], edges["parent"], strict=True):
        parents.setdefault(child, set()).add(parent)
        children.setdefault(parent, set()).add(child)
    above: dict[str, frozenset[str]] = {}

    def ancestors(go_id: str) -> frozenset[str]:
        if go_id not in above:
            direct = parents.get(go_id, set())
            above[go_id] = frozenset(direct).union(*(ancestors(parent) for parent in direct))
        return above[go_id]

    found = {}
    for go_id, direct in parents.items():
        near = set().union(*(children[parent] for parent in direct)) - {go_id}
        found[go_id] = sorted(
            other
            for other in near
            if namespace.get(other) == namespace.get(go_id)
            and other not in ancestors(go_id)
            and go_id not in ancestors(other)
        )
    return found


def confused(
    called: Bool[np.ndarray, " n"],
    term: Bool[np.ndarray, " n"],
    siblings: Bool[np.ndarray, "n n_siblings"],
    names: Sequence[str],
) -> list[dict[str, Any]]:
    """Counts of one feature and term, one row a sibling with enough proteins that lack the term.

    Args:
        called: whether the feature's score exceeds the threshold.
        term: whether the protein carries the term.
        siblings: whether it carries each sibling.
        names: of the siblings.
    """
    only = siblings & ~term[:, None]
    n_sibling, n_called = only.sum(axis=0), (only & called[:, None]).sum(axis=0)
    n_negative, n_wrong = int((~term).sum()), int((called & ~term).sum())
    return [
        {
            "sibling": name,
            "n_sibling": int(n),
            "n_called": int(k),
            "n_other": n_negative - int(n),
            "n_other_called": n_wrong - int(k),
        }
        for name, n, k in zip(names, n_sibling, n_called, strict=True)
        if n >= MIN_POSITIVES
    ]


def chance(n_sibling: np.ndarray, n_called: np.ndarray, n_other: np.ndarray, n_other_called: np.ndarray) -> np.ndarray:
    """Chance that as many proteins as the sibling has, drawn from all without the term, hold as many called ones."""
    found = hypergeom.sf(n_called - 1, n_sibling + n_other, n_called + n_other_called, n_sibling)
    return np.clip(np.asarray(found), 0, 1)
