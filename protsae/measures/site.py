"""Does a score find the residues of a protein that carry a function? Judged inside annotated proteins only.

In a protein of L residues of which P are labelled, the labelled ones are positive and all others negative.

    AP        mean over proteins of the average precision within the protein: the headline, since a long protein counts
              no more than another, and a score that merely tells proteins apart gains nothing
    AUROC     mean over proteins of the AUROC within the protein
    pooled    the same two over the residues of all proteins together
    F1        over the residues of all proteins together, at the threshold that is best on valid
    null      AP and F1 with the labels of each protein shifted along its chain by a random offset, the last residue
              followed by the first: lengths and runs of sites stay, their places do not. The threshold is chosen anew;
              mean over `N_SHIFTS` shifts
    top share mean over proteins of the share of the summed score that lies in the top 5 % of residues: .05 where all
              are equal, 1 where everything lies there; proteins whose scores are all 0 do not count

A score that is the same everywhere has the AP P / L and the AUROC 1/2. Proteins without labelled or without other
residues do not count.

Read `Residues`, then `score_sites`. Source: designed here; circular shifts as in `precompute/align/regions.py`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from protsae.measures.ranking import aurocs, average_precisions
from protsae.measures.sparse_probing import best_threshold

TOP = 0.05
"""Share of a protein's residues that the top share is about; rounded up to whole residues."""
N_SHIFTS = 5


class Residues(NamedTuple):
    """Residues of annotated proteins; those of one protein are contiguous."""

    score: Float[np.ndarray, " n"]
    label: Bool[np.ndarray, " n"]
    length: Int[np.ndarray, " n_proteins"]
    """Residues of each protein, in order."""
    protein: Int[np.ndarray, " n_proteins"]
    """A number for each, by which its shift is drawn: the same whatever is scored beside it."""

    def parts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Score and label of each protein."""
        cuts = np.cumsum(self.length)[:-1]
        return list(zip(np.split(self.score, cuts), np.split(self.label, cuts), strict=True))

    def shifted(self, seed: int) -> "Residues":
        """The same with every protein's labels shifted along its chain by 1 to L - 1 residues."""
        moved = [
            np.roll(label, 1 + int(np.random.default_rng([seed, number]).integers(max(1, len(label) - 1))))
            for (_, label), number in zip(self.parts(), self.protein.tolist(), strict=True)
        ]
        return self._replace(label=np.concatenate(moved) if moved else self.label)


class SiteScore(NamedTuple):
    """How well one score finds one kind of site; every number is NaN where no protein can be judged."""

    ap: float
    auroc: float
    pooled_ap: float
    pooled_auroc: float
    f1: float
    null_ap: float
    null_f1: float
    top_share: float
    n_proteins: int
    """Test proteins that were judged."""
    n_residues: int
    """Labelled residues of these."""


LIVE = 1e-4
"""Share of residues on which a feature fires that is alive."""
DENSE = 0.1
"""Share of residues above which a feature stands for no one idea."""


class Liveness(NamedTuple):
    """How an SAE's features share the work."""

    share_live: float
    """Features that fire on at least one residue in 10,000."""
    share_dense: float
    """Features that fire on more than a tenth of residues."""


def liveness(density: Float[np.ndarray, " d_sae"]) -> Liveness:
    """Shares of features, from the share of residues on which each fires."""
    return Liveness(float((density >= LIVE).mean()), float((density > DENSE).mean()))


def score_sites(valid: Residues, test: Residues, *, floor: float = -np.inf, seed: int = 0) -> SiteScore:
    """Choose the threshold on valid, tell everything on test.

    Args:
        valid: with the same score and labels of the same meaning.
        test: no protein of valid.
        floor: a score that is no higher is never a call; 0 for activations.
        seed: of the shifts.
    """
    nulls = [test.shifted(seed + number) for number in range(N_SHIFTS)]
    valid_nulls = [valid.shifted(seed + number) for number in range(N_SHIFTS)]
    ap, auroc = within_proteins(test.score, [test.label, *(null.label for null in nulls)], test.length)
    pooled = (test.score[:, None], test.label[:, None])
    null_f1 = [_f1(one, other, floor) for one, other in zip(valid_nulls, nulls, strict=True)]
    return SiteScore(
        ap=float(ap[0]),
        auroc=float(auroc[0]),
        pooled_ap=float(average_precisions(*pooled)[0]),
        pooled_auroc=float(aurocs(*pooled)[0]),
        f1=_f1(valid, test, floor),
        null_ap=float(ap[1:].mean()),
        null_f1=float(np.mean(null_f1)),
        top_share=top_share(test.score, test.length),
        n_proteins=sum(0 < label.sum() < len(label) for _, label in test.parts()),
        n_residues=int(test.label.sum()),
    )


def within_proteins(
    score: Float[np.ndarray, " n"], labels: Sequence[Bool[np.ndarray, " n"]], length: Int[np.ndarray, " n_proteins"]
) -> tuple[Float[np.ndarray, " n_labels"], Float[np.ndarray, " n_labels"]]:
    """Means over proteins of average precision and AUROC within the protein, for each set of labels.

    Args:
        score: of residues, protein after protein.
        labels: of the same residues.
        length: residues of each protein, in order.

    Returns:
        NaN where no protein has both labelled and other residues.
    """
    truth = np.stack(labels, axis=1)
    found = []
    for start, n in zip((np.cumsum(length) - length).tolist(), length.tolist(), strict=True):
        own = slice(start, start + n)
        scores = np.repeat(score[own, None], truth.shape[1], axis=1)
        found.append((average_precisions(scores, truth[own]), aurocs(scores, truth[own])))
    values = np.array(found, dtype=np.float64).reshape(len(found), 2, truth.shape[1])
    judged = np.isfinite(values)
    total, n_judged = np.where(judged, values, 0).sum(axis=0), judged.sum(axis=0)
    ap, auroc = np.divide(total, n_judged, out=np.full(total.shape, np.nan), where=n_judged > 0)
    return ap, auroc


def top_share(score: Float[np.ndarray, " n"], length: Int[np.ndarray, " n_proteins"]) -> float:
    """Mean over proteins of the share of the summed score in the top 5 % of residues; scores count from 0 up."""
    shares = []
    for part in np.split(np.maximum(score, 0), np.cumsum(length)[:-1]):
        if total := part.sum():
            most = int(np.ceil(TOP * len(part)))
            shares.append(np.partition(part, len(part) - most)[-most:].sum() / total)
    return float(np.mean(shares)) if shares else float("nan")


def _f1(valid: Residues, test: Residues, floor: float) -> float:
    if not valid.label.any() or not test.label.any():
        return float("nan")
    threshold = best_threshold(valid.score[:, None], valid.label[:, None], floor=floor)[0]
    called = test.score > threshold
    return float(2 * (called & test.label).sum() / (called.sum() + test.label.sum()))
