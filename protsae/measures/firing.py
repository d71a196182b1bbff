"""Which features fire in one protein, and how unusual that is for each of them.

"Unusual" is a matter of the feature, not of the raw value: do more residues fire more strongly here than in a random
stretch of the corpus of this length? Its histogram over the corpus, which a bundle's store holds, answers that.

Read `ranked`, then `surprise`.
"""

from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse


class ActiveFeature(NamedTuple):
    """How one feature fires on one protein."""

    feature: int
    peak: float
    """Strongest activation."""
    position: int
    """Residue of the peak, 1-based."""
    n_active: int
    """Residues on which it fires."""
    one_in: float
    """One residue of the corpus in so many fires at least as strongly as the peak."""
    surprise: float
    """How far this is from a random stretch of the corpus, in nats; 0 = as expected."""


def ranked(codes: "Columns", tails: "Tails", n: int | None = None) -> list[ActiveFeature]:
    """Features that fire, the most unusual first.

    Args:
        codes: of one protein.
        tails: of the corpus.
        n: at most so many; all where None.
    """
    surprises = surprise(codes, tails)
    active = np.flatnonzero(np.diff(codes.starts))
    order = active[np.argsort(-surprises[active], kind="stable")][:n]
    found = []
    for feature in order.tolist():
        residues, values = codes.of(feature)
        best = int(values.argmax())
        rarity = 1 / tails.share(np.array([feature]), values[best : best + 1])[0]
        found.append(
            ActiveFeature(
                feature,
                float(values[best]),
                int(residues[best]) + 1,
                len(values),
                float(rarity),
                float(surprises[feature]),
            )
        )
    return found


def surprise(codes: "Columns", tails: "Tails") -> Float[np.ndarray, " d_sae"]:
    """How unusual each feature's firing is in a protein, in nats; 0 where it is as expected or silent.

    For the j strongest of n residues let P_j be the share of the corpus' residues at least as strong as the j-th. The
    largest n KL(j/n || P_j) over all j with j/n > P_j is returned: the log-likelihood gain of "j of n residues fire
    this strongly" over the corpus' rate.

    Source:
        Berk and Jones 1979 (doi:10.1007/BF00533250). Neighbouring residues are not independent, so it ranks; it is no
        p-value.
    """
    n = codes.n_residues
    features = np.repeat(np.arange(len(codes.starts) - 1), np.diff(codes.starts))
    order = np.lexsort((-codes.acts, features))
    share = tails.share(features[order], codes.acts[order])
    rate = (np.arange(len(order)) - codes.starts[features[order]] + 1) / n
    rest, rest_share = np.maximum(1 - rate, 1e-12), np.maximum(1 - share, 1e-12)
    gain = n * (rate * np.log(rate / share) + rest * np.log(rest / rest_share))
    result = np.zeros(len(codes.starts) - 1)
    np.maximum.at(result, features[order], np.where(rate > share, gain, 0))
    return result


class Columns(NamedTuple):
    """Sparse codes of one protein, feature by feature."""

    n_residues: int
    starts: Int[np.ndarray, " d_sae_plus_1"]
    residues: Int[np.ndarray, " n_active"]
    acts: Float[np.ndarray, " n_active"]

    @classmethod
    def from_codes(cls, codes: sparse.csr_array) -> Self:
        """From activations [n_residues, d_sae]."""
        turned = sparse.csc_array(codes)
        return cls(codes.shape[0], np.asarray(turned.indptr), np.asarray(turned.indices), np.asarray(turned.data))

    def of(self, feature: int) -> tuple[np.ndarray, np.ndarray]:
        """Residues (from 0) on which a feature fires, and its activations there."""
        span = slice(self.starts[feature], self.starts[feature + 1])
        return self.residues[span], self.acts[span]

    def dense(self, feature: int) -> Float[np.ndarray, " n_residues"]:
        """The feature's activation on every residue."""
        row = np.zeros(self.n_residues, dtype=np.float32)
        residues, values = self.of(feature)
        row[residues] = values
        return row


class Tails(NamedTuple):
    """How many residues of the corpus fire above each histogram edge, for all features of an autoencoder."""

    above: Float[np.ndarray, "d_sae n_edges"]
    """Residues at or above edge j * max_act / (n_edges - 1)."""
    max_act: Float[np.ndarray, " d_sae"]
    n_residues: float

    @classmethod
    def of(cls, histograms: list[np.ndarray], max_act: np.ndarray, density: np.ndarray) -> Self:
        """From the store's histograms (equal bins over (0, max_act], empty where the feature never fires)."""
        n_bins = max((len(h) for h in histograms), default=0) or 1
        counts = np.zeros((len(histograms), n_bins))
        for row, histogram in zip(counts, histograms, strict=True):
            row[: len(histogram)] = histogram
        above = np.concatenate([counts[:, ::-1].cumsum(axis=1)[:, ::-1], np.zeros((len(counts), 1))], axis=1)
        total = counts.sum(axis=1)
        known = (density > 0) & (total > 0)
        n_residues = float(np.median(total[known] / density[known])) if known.any() else 1.0
        return cls(above, np.asarray(max_act, float), n_residues)

    def share(self, features: Int[np.ndarray, " n"], values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Share of the corpus' residues on which a feature fires at least as strongly, linear within a bin; never 0."""
        n_bins = self.above.shape[1] - 1
        full = self.max_act[features]
        place = np.clip(values / np.where(full > 0, full, 1), 0, 1) * n_bins
        low = np.minimum(place.astype(int), n_bins - 1)
        part = place - low
        count = self.above[features, low] * (1 - part) + self.above[features, low + 1] * part
        return (count + 1) / (self.n_residues + 1)
