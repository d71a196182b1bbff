"""What is said of a whole batch by processes that each have a share of it. Read `of_all`, then `auxk_loss`."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from protsae.parallel.ranks import Ranks, Share
from protsae.sae.base import SAE
from protsae.sae.losses import auxiliary_loss
from protsae.sae.passes import TrainingPass
from protsae.sae.protsae import ProtSAE
from protsae.training.config import TrainConfig


def of_all(ranks: Ranks, losses: dict[str, Tensor], passed: TrainingPass) -> tuple[dict[str, Tensor], TrainingPass]:
    """Terms of the loss and counts of the whole batch, in one exchange; whatever has a row per residue stays as it is.

    Args:
        ranks: processes that share the batch.
        losses: this process's part of every term.
        passed: its pass.
    """
    if ranks.size == 1:
        return losses, passed
    counts = passed.n_fired.new_tensor([passed.n_forced, passed.n_predicted, passed.n_participating])
    terms = torch.stack(list(losses.values())).detach()
    sums = ranks.total(torch.cat([terms.double(), counts.double(), passed.n_fired.double()]))
    terms, counts, n_fired = sums.split([len(terms), len(counts), len(passed.n_fired)])
    n_forced, n_predicted, n_participating = map(int, counts.tolist())
    return dict(zip(losses, terms, strict=True)), passed._replace(
        n_fired=n_fired.long(), n_forced=n_forced, n_predicted=n_predicted, n_participating=n_participating
    )


def auxk_loss(
    sae: SAE,
    x_in: Float[Tensor, "n d_model"],
    passed: TrainingPass,
    *,
    silent: Int[Tensor, " d_sae"],
    config: TrainConfig,
    share: Share,
) -> Float[Tensor, ""]:
    """AuxK as a share of the residual, times the batch's variance: a share of it, as L_rec is; this process's part.

    Args:
        sae: that is trained.
        x_in: this process's residues, in the SAE's own units.
        passed: the pass over them.
        silent: steps since each feature fired.
        config: of the training.
        share: of the batch.
    """
    is_dead = silent > config.auxk_dead_steps
    if isinstance(sae, ProtSAE):
        is_dead[: sae.cfg.n_defined] = False  # their concepts wake them
    dead = is_dead.nonzero().flatten().to(x_in.device)
    if not len(dead):
        return x_in.new_zeros(())
    ranks, residual = share.ranks, (x_in - passed.x_hat).detach()
    mean = ranks.total(x_in.mean(dim=0) * share.weight)
    variance = ranks.total((x_in - mean).pow(2).sum(dim=1).mean() * share.weight)
    squared = ranks.total(residual.pow(2).sum())
    return variance * auxiliary_loss(residual, sae.reconstruct_with(x_in, dead, config.auxk), squared)
