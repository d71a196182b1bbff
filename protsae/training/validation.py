"""How good an SAE is on held-out residues: the numbers that a training logs after every epoch and chooses by.

Read `Validation`, then `validate`.
"""

from typing import NamedTuple

import torch

from protsae.measures.reconstruction import ErrorSums
from protsae.sae.base import SAE
from protsae.training.batches import BatchStream
from protsae.training.guidance import Guidance


class Validation(NamedTuple):
    """One epoch on the validation residues, in the SAE's own units."""

    l_rec: float
    """Squared error summed over dimensions, mean over residues."""
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

    @property
    def rank(self) -> tuple[float, ...]:
        """Lower is better: first the annotation loss (where there is one), then the normalised L_rec."""
        return (self.fvu,) if self.l_annot is None else (self.l_annot, self.fvu)


@torch.no_grad()
def validate(sae: SAE, stream: BatchStream, guidance: Guidance | None) -> Validation:
    """Measure `sae` on one epoch of `stream` (always the same one).

    Args:
        sae: any architecture.
        stream: of validation proteins.
        guidance: labels for the annotation loss, None where the SAE is unguided.
    """
    n_forced = n_predicted = n_participating = 0
    annot = 0.0
    errors = ErrorSums.zeros(sae.d_model)
    fired = torch.zeros(sae.d_sae, dtype=torch.int64)
    for batch in stream.epoch(0):
        x_in = batch.x.to(sae.W_dec.device) * sae.scale
        passed = sae.training_pass(x_in, inference=True)
        centred, centred_hat = ((part - sae.b_dec).cpu().numpy() for part in (x_in, passed.x_hat))
        errors = errors.plus(ErrorSums.of(centred, centred_hat))
        fired += passed.n_fired.cpu()
        n_forced += passed.n_forced
        n_predicted += passed.n_predicted
        n_participating += passed.n_participating
        if guidance:
            annot += float(guidance.annotation(batch, passed)) * len(x_in)
    n = errors.n
    return Validation(
        l_rec=errors.squared_error / n,
        fvu=errors.fvu,
        explained_variance=errors.explained_variance,
        l_annot=annot / n if guidance else None,
        l0=float(fired.sum()) / n,
        l0_forced=n_forced / n,
        participation=n_participating / n_predicted if n_predicted else None,
        share_alive=float((fired > 0).double().mean()),
    )
