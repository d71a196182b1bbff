"""How good an SAE is on held-out residues: the numbers that a training logs after every epoch and chooses by.

Read `Validation`, then `validate`.
"""

from typing import NamedTuple

import numpy as np
import torch

from protsae.measures.reconstruction import ErrorSums
from protsae.parallel.ranks import ALONE, Ranks
from protsae.sae.base import SAE
from protsae.sae.losses import reconstruction_loss
from protsae.training.batches import BatchStream
from protsae.training.guidance import Guidance

LIVE, DENSE = 1e-4, 0.1
"""Shares of residues: a feature that fires on fewer than the first is all but dead, on more than the second it says
little about the residue."""


class Validation(NamedTuple):
    """One epoch on the validation residues; explained variance in the PLM's own units, whatever the normalisation."""

    l_rec: float
    """Squared error summed over dimensions, mean over residues, in the SAE's own units."""
    fvu: float
    """Share of the variance about the mean residue that is not explained: the normalised L_rec."""
    explained_variance: float
    """1 - fvu."""
    l_annot: float | None
    """Binary cross-entropy in nats, as in training; None where the SAE is unguided."""
    l0: float
    """Active features per residue, forced ones included."""
    l0_forced: float
    """Of these, active only by force."""
    participation: float | None
    """Share of (residue, concept) pairs with pi > 0.5 whose feature is active; None where there is no such pair."""
    share_alive: float
    """Features that fire on at least one residue, 0 to 1."""
    share_live: float
    """Features that fire on at least `LIVE` of the residues, 0 to 1."""
    share_dense: float
    """Features that fire on more than `DENSE` of the residues, 0 to 1."""

    @property
    def rank(self) -> tuple[float, ...]:
        """Lower is better: first the annotation loss (where there is one), then the normalised L_rec."""
        return (self.fvu,) if self.l_annot is None else (self.l_annot, self.fvu)


@torch.no_grad()
def validate(sae: SAE, stream: BatchStream, guidance: Guidance | None, ranks: Ranks = ALONE) -> Validation:
    """Measure `sae` on one epoch of `stream` (always the same one).

    Args:
        sae: any architecture.
        stream: of validation proteins.
        guidance: labels for the annotation loss, None where the SAE is unguided.
        ranks: processes that share the stream's batches; all come to the same numbers.
    """
    n_forced = n_predicted = n_participating = 0
    annot = squared_error = 0.0
    errors, centre = ErrorSums.zeros(sae.d_model), sae.b_dec / sae.scale
    fired = torch.zeros(sae.d_sae, dtype=torch.int64)
    for batch in stream.epoch(0):
        x = batch.x.to(sae.W_dec.device)
        x_in = sae.rescaled(x)
        passed = sae.training_pass(x_in, inference=True)
        squared_error += float(reconstruction_loss(x_in, passed.x_hat)) * len(x_in) if len(x_in) else 0.0
        centred, centred_hat = ((part - centre).cpu().numpy() for part in (x, passed.x_hat / sae.gain(x)))
        errors = errors.plus(ErrorSums.of(centred, centred_hat))
        fired += passed.n_fired.cpu()
        n_forced += passed.n_forced
        n_predicted += passed.n_predicted
        n_participating += passed.n_participating
        if guidance:
            annot += float(guidance.annotation(batch, passed)) * len(batch.everyone)
    counts = [n_forced, n_predicted, n_participating, errors.n]
    sums = np.array([*counts, squared_error, annot, errors.squared_error, errors.squared_norm, *errors.sum_x])
    everyone = ranks.total(torch.from_numpy(sums)).tolist()
    n_forced, n_predicted, n_participating, n = map(int, everyone[:4])
    squared_error, annot, of_x_hat, of_x = everyone[4:8]
    errors = ErrorSums(n, of_x_hat, of_x, np.array(everyone[8:]))
    fired = ranks.total(fired)
    return Validation(
        l_rec=squared_error / n,
        fvu=errors.fvu,
        explained_variance=errors.explained_variance,
        l_annot=annot / n if guidance else None,
        l0=float(fired.sum()) / n,
        l0_forced=n_forced / n,
        participation=n_participating / n_predicted if n_predicted else None,
        share_alive=float((fired > 0).double().mean()),
        share_live=float((fired >= LIVE * n).double().mean()),
        share_dense=float((fired > DENSE * n).double().mean()),
    )
