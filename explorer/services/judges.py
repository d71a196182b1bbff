"""Judges of a sequence that know no autoencoder: a linear probe of a GO term, and 3-mers of proteins that carry it.

The probe and the difference of means come from the bundle's analysis `steerability`; they were fitted on train
proteins. 3-mers are compared with stored proteins. Read `Probe`, then `Kmers` and `term_of`.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explorer.services import data, live
from explorer.services.cached import cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.steering.judges import KmerJudge
from protsae.store.analyses.steerability import ReadOutRow, read_out_of
from protsae.store.rows import TermFeature

MOST_COMPARED = 400
"""Stored proteins of a kind whose 3-mers are compared."""


class Probe(NamedTuple):
    """A linear read-out of one term on the mean state of a sequence."""

    row: ReadOutRow
    weight: Float[np.ndarray, " d_model"]
    difference: Float[Tensor, " d_model"]
    """From proteins without the term to those with it (CAA)."""

    def log_odds(self, sequence: str) -> float:
        """Of the term, by the language model's states."""
        mean = live.embed(sequence).double().mean(dim=0).numpy()
        return float(mean @ self.weight + self.row.bias)


class Kmers(NamedTuple):
    """What 3-mers tell of one term."""

    judge: KmerJudge
    spread: float
    """Standard deviation over the proteins compared, above 0."""
    n_carriers: int
    n_others: int

    def similarity(self, sequence: str) -> float:
        """How much nearer to carriers than to others, in standard deviations over stored proteins."""
        return self.judge.similarity(sequence) / self.spread


def term_of(ref: FeatureRef) -> str | None:
    """The GO term that a feature is judged by: the one that guides it, else the one that it is called after."""
    row = data.feature(ref)
    if row is None:
        return None
    if row.go_id is not None:
        return row.go_id
    headline = data.headline(row)
    return headline.go_id if isinstance(headline, TermFeature) else None


@cached_by_bundle(64, shared=True)
def probe(go_id: str) -> Probe | None:
    """The probe of a term; None where the bundle has none."""
    found = read_out_of(data.bundle().reader, go_id)
    if found is None:
        return None
    head, rows = found
    difference = torch.tensor([row.difference for row in rows], dtype=torch.float32)
    return Probe(head, np.array([row.weight for row in rows]), difference)


@cached_by_bundle(32, shared=True)
def kmers(go_id: str) -> Kmers | None:
    """3-mers of stored proteins that carry a term against those that do not; None where one kind is missing."""
    table = data.bundle().reader.sequence_index()
    carried = table["accession"].isin(data.accessions_with_term(go_id)).to_numpy()
    rng = np.random.default_rng(0)
    sequences = table["sequence"].to_numpy(dtype=object)
    carriers, others = (
        [str(text) for text in rng.permutation(sequences[carried == kind])[:MOST_COMPARED]] for kind in (True, False)
    )
    if not carriers or not others:
        return None
    judge = KmerJudge.of(carriers, others)
    spread = float(np.std([judge.similarity(sequence) for sequence in (*carriers, *others)]))
    return Kmers(judge, spread, len(carriers), len(others)) if spread > 0 else None
