"""The simple facts that may explain where a feature fires, one entry each.

A fact divides residues or proteins into levels, which are scored as `confounds.py` says; one about relatives divides
proteins into groups, and each protein is predicted by the others of its group. A new fact is one entry in `FACTS`: the
stage scores it, and the explorer shows it under its name until it has words of its own.

Read `FACTS`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int

from precompute.corpus.proteins import N_AMINO_ACIDS, Corpus, Shard
from precompute.features.confounds import N_POSITIONS, length_levels, position_levels


class Proteins(NamedTuple):
    """What facts about proteins are made from; all in the order of the corpus."""

    length: Int[np.ndarray, " n_proteins"]
    split: Int[np.ndarray, " n_proteins"]
    """Place in `SPLITS`."""
    table: pd.DataFrame
    """Columns cluster and organism."""


class ResidueFact(NamedTuple):
    """A fact about residues."""

    n_levels: int
    levels: Callable[[Corpus, Shard], Int[np.ndarray, " n_residues"]]
    """Of the residues of one shard, from 0."""


class ProteinFact(NamedTuple):
    """A fact about proteins."""

    levels: Callable[[Proteins], Int[np.ndarray, " n_proteins"]]
    """From 0."""


class RelativesFact(NamedTuple):
    """A fact about groups of proteins that lie in one split, so that no rate can be learned from another split."""

    groups: Callable[[Proteins], Int[np.ndarray, " n_proteins"]]
    """From 0."""


Fact = ResidueFact | ProteinFact | RelativesFact

FACTS: dict[str, Fact] = {
    "amino_acid": ResidueFact(N_AMINO_ACIDS + 1, lambda corpus, shard: corpus.amino_acids(shard)),
    "position": ResidueFact(N_POSITIONS, lambda _, shard: position_levels(shard.length)),
    "length": ProteinFact(lambda proteins: length_levels(proteins.length, proteins.split)),
    "organism": ProteinFact(lambda proteins: pd.factorize(proteins.table["organism"])[0]),
    "family": RelativesFact(lambda proteins: pd.factorize(proteins.table["cluster"])[0]),
}
"""In the order in which they are scored; of equals the earlier explains."""
