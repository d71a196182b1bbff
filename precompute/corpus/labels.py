"""GO labels of proteins as a sparse matrix.

Read `read_labels`.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from precompute.corpus.codes import CSR
from precompute.corpus.proteins import Corpus


def read_labels(work: Path, corpus: Corpus, terms: pd.DataFrame) -> CSR:
    """[n_proteins, n_terms] of 0 and 1, closed under ancestors; columns in the order of `terms`."""
    pairs = pd.read_parquet(work / "proteins" / "protein_go.parquet", columns=["go_id", "accession"])
    row = pd.Series(np.arange(corpus.n_proteins), index=corpus.accession).loc[pairs["accession"]].to_numpy()
    column = pd.Series(np.arange(len(terms)), index=terms["go_id"]).loc[pairs["go_id"]].to_numpy()
    labels = csr_array((np.ones(len(row), dtype=np.float32), (row, column)), shape=(corpus.n_proteins, len(terms)))
    labels.sum_duplicates()
    labels.data[:] = 1
    return labels
