"""How well simple facts alone predict where a feature fires: amino acid, place in the chain, length, family, organism.

A fact divides residues (amino acid, position) or proteins (length, organism) into levels, and a level is predicted by
its firing rate; the threshold that is best on valid is scored on test:

    rate(level)   = firing / all of the level, on train; the rate of all of train where train lacks the level
    called        : rate >= the threshold with the highest valid F1
    F1            = 2 TP / (called + positives)
    AUROC         of the rate

A residue counts as firing at any activation. A protein counts where its strongest residue exceeds half of the feature's
maximum: dense features fire somewhere in nearly every protein, so that "fires at all" would leave nothing to explain,
while for rare ones both say the same.

Families differ, because no family is in two splits. A protein's rate is the share of the *other* members of its cluster
in which the feature fires, and without relatives that of all proteins; it is called at .5, so nothing is chosen, and
both numbers are over all proteins. Leaving the protein itself out puts the AUROC of chance a little below .5.

The null shuffles the levels within each split (families: over all proteins). For counts that is a draw from the
multivariate hypergeometric distribution; F1 is the mean over `N_SHUFFLES` of them.

A fact explains a feature where F1 >= .5, AUROC >= .8, (F1 - null) / (1 - null) >= .4, F1 is no less than that of the
GO term that the feature is judged by, and it fires on at least 10 of what is scored (families: 5 proteins, at least
half of them in one family, since relatives of many families predict any conserved function). Of several facts the one
with the highest (F1 - null) / (1 - null) is named, F1 itself being easy where firing is common; a fact about residues
before one about proteins, since a long protein fires more strongly merely by having more residues of the right kind.

Read `Counts`, then `score_levels`, then `strongest`. Source: designed here.
"""

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int

from precompute.align.ranks import share
from precompute.corpus.codes import CSC, CSR
from protsae.measures.ranking import aurocs_of_counts

SPLITS = ("train", "valid", "test")
ENDS = 10
"""Residues at either end of a chain that are levels of their own."""
PARTS = 10
"""Equal parts that the rest of the chain is cut into."""
N_POSITIONS = 2 * ENDS + PARTS
LENGTH_BINS = 20
"""Bins of sequence length, equally full on train."""
MAJORITY = 0.5
"""Share of relatives from which on a protein is called."""
N_SHUFFLES = 5
MIN_F1, MIN_AUROC, MIN_GAIN = 0.5, 0.8, 0.4
MIN_FIRING, MIN_RELATED = 10, 5


class Counts(NamedTuple):
    """How often features fire on the levels of one fact."""

    firing: Int[np.ndarray, "n_splits n_levels d_sae"]
    total: Int[np.ndarray, "n_splits n_levels"]
    """Residues or proteins, firing or not."""

    @classmethod
    def zeros(cls, n_levels: int, d_sae: int) -> Self:
        """Nothing counted yet."""
        shape = (len(SPLITS), n_levels)
        return cls(np.zeros((*shape, d_sae), dtype=np.int64), np.zeros(shape, dtype=np.int64))

    def add(self, firing: CSR, split: Int[np.ndarray, " n"], level: Int[np.ndarray, " n"]) -> None:
        """Count rows.

        Args:
            firing: [n, d_sae] sparse; every stored entry fires.
            split: place of each row's split in `SPLITS`.
            level: of each row, from 0.
        """
        _, n_levels, d_sae = self.firing.shape
        group = split.astype(np.int64) * n_levels + level
        flat = np.repeat(group * d_sae, np.diff(firing.indptr)) + firing.indices
        self.firing.reshape(-1)[:] += np.bincount(flat, minlength=self.firing.size)
        self.total.reshape(-1)[:] += np.bincount(group, minlength=self.total.size)


class Scores(NamedTuple):
    """How well one fact predicts each feature."""

    auroc: Float[np.ndarray, " d_sae"]
    """NaN where the feature fires on none or all of what is scored."""

    f1: Float[np.ndarray, " d_sae"]

    n_firing: Int[np.ndarray, " d_sae"]
    """Residues or proteins on which it fires, of those scored."""


def position_levels(length: Int[np.ndarray, " n_proteins"]) -> Int[np.ndarray, " n_residues"]:
    """Level of every residue of proteins that lie one after the other: 0 .. 9 from the start, 10 .. 19 to the end.

    The rest of a chain lies in the levels 20 .. 29 by its relative place. A residue that is near both ends counts from
    the nearer one.
    """
    return np.concatenate([_positions(int(n)) for n in length]) if len(length) else np.zeros(0, dtype=np.int64)


def _positions(n: int) -> np.ndarray:
    place = np.arange(n)
    from_end = n - 1 - place
    inner = 2 * ENDS + place * PARTS // n
    level = np.where(from_end < ENDS, 2 * ENDS - 1 - from_end, inner)
    return np.where((place < ENDS) & (place <= from_end), place, level)


def length_levels(length: Int[np.ndarray, " n"], split: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Bin of each protein's length, by quantiles of the train split."""
    edges = np.quantile(length[split == 0], np.linspace(0, 1, LENGTH_BINS + 1)[1:-1]) if (split == 0).any() else []
    return np.searchsorted(edges, length, side="left")


def strong(peak: CSC, max_act: Float[np.ndarray, " d_sae"]) -> CSR:
    """[n_proteins, d_sae] sparse: the protein's largest activation exceeds half of the feature's maximum."""
    columns = sp.csc_array(peak)
    limit = np.repeat(max_act / 2, np.diff(columns.indptr))
    kept = columns.copy()
    kept.data = (columns.data > limit).astype(np.int8)
    kept.eliminate_zeros()
    return sp.csr_array(kept)


def score_levels(counts: Counts) -> Scores:
    """Learn rates on train, choose the threshold on valid, score on test."""
    train, valid, test = counts.firing
    everywhere = share(train.sum(axis=0), np.array(counts.total[0].sum()))
    seen = counts.total[0] > 0
    rate = np.where(seen[:, None], train / np.maximum(counts.total[0], 1)[:, None], everywhere)
    best, f1 = np.full(rate.shape[1], -1.0), np.zeros(rate.shape[1])
    for threshold in rate:
        called = rate >= threshold
        on_valid = _f1(called, valid, counts.total[1])
        better = on_valid > best
        best[better] = on_valid[better]
        f1[better] = _f1(called, test, counts.total[2])[better]
    auroc = aurocs_of_counts(rate, test, counts.total[2][:, None] - test)
    return Scores(auroc, f1, test.sum(axis=0))


def shuffled_levels(counts: Counts, rng: np.random.Generator) -> Float[np.ndarray, " d_sae"]:
    """[d_sae] mean F1 with the levels shuffled within each split."""
    return np.mean([score_levels(_shuffled(counts, rng)).f1 for _ in range(N_SHUFFLES)], axis=0)


def _shuffled(counts: Counts, rng: np.random.Generator) -> Counts:
    n_firing = counts.firing.sum(axis=1)
    firing = np.zeros_like(counts.firing)
    for split, total in enumerate(counts.total):
        for feature in np.flatnonzero(n_firing[split]):
            drawn = rng.multivariate_hypergeometric(total, n_firing[split, feature], method="marginals")
            firing[split, :, feature] = drawn
    return Counts(firing, counts.total)


def _f1(called: Bool[np.ndarray, "n_levels d_sae"], firing: np.ndarray, total: np.ndarray) -> np.ndarray:
    hits = (firing * called).sum(axis=0)
    return share(2 * hits, total @ called + firing.sum(axis=0))


class Families(NamedTuple):
    """What proteins' relatives say of each feature."""

    scores: Scores
    largest: Float[np.ndarray, " d_sae"]
    """Share of the firing proteins that belong to one family, the one with most of them; 0 where none fires."""


def score_families(firing: CSR, family: Int[np.ndarray, " n_proteins"]) -> Families:
    """Predict every protein by the other members of its family.

    Args:
        firing: [n_proteins, d_sae] sparse; every stored entry fires.
        family: of each protein, from 0.
    """
    n_proteins, d_sae = firing.shape
    size = np.bincount(family)
    members = sp.csr_array((np.ones(n_proteins), (family, np.arange(n_proteins))), shape=(len(size), n_proteins))
    counted = sp.csc_array(members @ sp.csr_array((np.ones(firing.nnz), firing.indices, firing.indptr), firing.shape))
    n_firing = np.diff(sp.csc_array(firing).indptr)
    alone = size[family] == 1
    n_alone = int(alone.sum())
    auroc, f1, largest = np.full(d_sae, np.nan), np.zeros(d_sae), np.zeros(d_sae)
    for feature in np.flatnonzero(n_firing):
        column = slice(*counted.indptr[feature : feature + 2])
        n, fires = size[counted.indices[column]], counted.data[column]
        related = n > 1
        rate = n_firing[feature] / n_proteins
        fires_alone = fires[~related].sum()
        n, here = n[related], fires[related]
        untouched = n_proteins - n_alone - n.sum()
        score = np.concatenate([(here - 1) / (n - 1), here / (n - 1), [rate, 0.0]])
        level, place = np.unique(score, return_inverse=True)
        positive = np.concatenate([here, np.zeros(len(n)), [fires_alone, 0]])
        negative = np.concatenate([np.zeros(len(n)), n - here, [n_alone - fires_alone, untouched]])
        positive, negative = np.bincount(place, positive), np.bincount(place, negative)
        called = level >= MAJORITY
        f1[feature] = 2 * positive[called].sum() / ((positive + negative)[called].sum() + n_firing[feature])
        auroc[feature] = aurocs_of_counts(level[:, None], positive[:, None], negative[:, None])[0]
        largest[feature] = fires.max() / n_firing[feature]
    return Families(Scores(auroc, f1, n_firing), largest)


def shuffled_families(
    firing: CSR, family: Int[np.ndarray, " n_proteins"], rng: np.random.Generator
) -> Float[np.ndarray, " d_sae"]:
    """[d_sae] mean F1 with the families shuffled over the proteins."""
    return np.mean([score_families(firing, rng.permutation(family)).scores.f1 for _ in range(N_SHUFFLES)], axis=0)


class Checked(NamedTuple):
    """One fact's scores beside luck."""

    scores: Scores
    null_f1: Float[np.ndarray, " d_sae"]
    of_residues: bool = False
    """A fact about residues, not about proteins."""
    largest: Float[np.ndarray, " d_sae"] | None = None
    """Of a fact about relatives: share of the firing proteins that belong to one group."""


def strongest(
    checked: Mapping[str, Checked],
    go_f1: Float[np.ndarray, " d_sae"],
) -> np.ndarray:
    """[d_sae] name of the fact that explains each feature best, None where none does; the rule stands at the top.

    Args:
        checked: by name; of equals the earlier counts.
        go_f1: held-out F1 of the GO term that the feature is judged by, 0 where there is none.
    """
    rank = np.zeros((len(checked), len(go_f1)))
    for row, (scores, null_f1, of_residues, largest) in enumerate(checked.values()):
        gain = (scores.f1 - null_f1) / np.maximum(1 - null_f1, 1e-9)
        holds = (scores.f1 >= np.maximum(MIN_F1, go_f1)) & (scores.auroc >= MIN_AUROC) & (gain >= MIN_GAIN)
        if largest is None:
            holds &= scores.n_firing >= MIN_FIRING
        else:
            holds &= (scores.n_firing >= MIN_RELATED) & (largest >= MAJORITY)
        rank[row] = np.where(holds, gain + of_residues, 0.0)
    named = np.array(list(checked), dtype=object)[rank.argmax(axis=0)]
    named[rank.max(axis=0) == 0] = None
    return named
