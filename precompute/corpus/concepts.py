"""Which GO terms guide features, and who carries them.

Read `choose_concepts`.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd

from precompute.corpus.codes import CSR
from protsae.ontology.namespaces import Namespace


class Concepts(NamedTuple):
    """The guiding terms of one sub-ontology."""

    namespace: Namespace
    go_id: tuple[str, ...]
    """Ascending; feature i is guided by the i-th."""

    labels: np.ndarray
    """[n_proteins, n_concepts] bool, closed under ancestors"""

    annotated: np.ndarray
    """[n_proteins] bool: at least one annotation in the sub-ontology; on the others the labels are unknown"""


def choose_concepts(
    labels: CSR,
    terms: pd.DataFrame,
    namespace: Namespace,
    *,
    split: np.ndarray,
    roots: Collection[str],
    min_proteins: int,
    max_concepts: int | None,
) -> Concepts:
    """Terms that enough training proteins carry, without the root, which all of them carry.

    Args:
        labels: [n_proteins, n_terms] of 0 and 1, closed under ancestors.
        terms: go_id and namespace of the columns.
        namespace: of the terms to choose.
        split: [n_proteins] train, valid or test.
        roots: terms that guide nothing.
        min_proteins: least training proteins with the term.
        max_concepts: most terms, the most frequent first (ties by id); None for all.
    """
    go_id = terms["go_id"].to_numpy(dtype=str)
    columns = np.flatnonzero(terms["namespace"].to_numpy(dtype=str) == namespace)
    here = labels[:, columns]
    count = np.asarray(here[np.flatnonzero(split == "train")].sum(axis=0))
    kept = np.flatnonzero((count >= min_proteins) & ~np.isin(go_id[columns], list(roots)))
    if max_concepts is not None:
        kept = kept[np.lexsort((go_id[columns][kept], -count[kept]))][:max_concepts]
    kept = kept[np.argsort(go_id[columns][kept])]
    return Concepts(
        namespace,
        tuple(go_id[columns][kept].tolist()),
        here[:, kept].toarray() > 0,
        np.asarray(here.sum(axis=1)) > 0,
    )
