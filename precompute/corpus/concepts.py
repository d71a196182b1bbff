"""Which GO terms guide features, and who carries them.

A protein without any annotation in a sub-ontology says nothing about that sub-ontology's terms: its labels there are
unknown, not negative.

Read `choose_concepts`.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd

from precompute.corpus.codes import CSR
from protsae.ontology.namespaces import GOScope, members


class Concepts(NamedTuple):
    """The guiding terms of one sub-ontology, or of all three."""

    scope: GOScope
    go_id: tuple[str, ...]
    """Ascending; feature i is guided by the i-th."""

    namespace: np.ndarray
    """[n_concepts] sub-ontology of each: MFO | BPO | CCO"""

    labels: np.ndarray
    """[n_proteins, n_concepts] bool, closed under ancestors"""

    known: np.ndarray
    """[n_proteins, n_concepts] bool: the protein has an annotation in the term's sub-ontology"""

    annotated: np.ndarray
    """[n_proteins] bool: at least one annotation in the scope"""


def choose_concepts(
    labels: CSR,
    terms: pd.DataFrame,
    scope: GOScope,
    *,
    split: np.ndarray,
    roots: Collection[str],
    min_proteins: int,
    max_concepts: int | None,
) -> Concepts:
    """Terms that enough training proteins carry, without the roots, which all of them carry.

    Args:
        labels: [n_proteins, n_terms] of 0 and 1, closed under ancestors.
        terms: go_id and namespace of the columns.
        scope: of the terms to choose.
        split: [n_proteins] train, valid or test.
        roots: terms that guide nothing.
        min_proteins: least training proteins with the term.
        max_concepts: most terms of each sub-ontology, the most frequent first (ties by id); None for all.
    """
    go_id, of_term = (terms[name].to_numpy(dtype=str) for name in ("go_id", "namespace"))
    count = np.asarray(labels[np.flatnonzero(split == "train")].sum(axis=0))
    may_guide = (count >= min_proteins) & ~np.isin(go_id, list(roots))
    chosen = [np.empty(0, dtype=np.int64)]
    for namespace in members(scope):
        kept = np.flatnonzero(may_guide & (of_term == namespace))
        if max_concepts is not None:
            kept = kept[np.lexsort((go_id[kept], -count[kept]))][:max_concepts]
        chosen.append(kept)
    columns = np.concatenate(chosen)
    columns = columns[np.argsort(go_id[columns])]
    carried = labels[:, columns].toarray() > 0
    known, annotated = np.zeros_like(carried), np.zeros(len(carried), dtype=bool)
    for namespace in members(scope):
        here = np.asarray(labels[:, np.flatnonzero(of_term == namespace)].sum(axis=1)) > 0
        known[:, of_term[columns] == namespace] = here[:, None]
        annotated |= here
    return Concepts(scope, tuple(go_id[columns].tolist()), of_term[columns], carried, known, annotated)
