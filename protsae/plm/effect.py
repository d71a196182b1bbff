"""The direct path from the last residual stream to the twenty amino-acid logits, linearised at natural residues.

    J = mean over residues of d logits / d x,   logits = lm_head(layer_norm(x))        [20, d_model]

Linearising at real residues matters: on a trained model the effects so obtained agree with those of running the layers
above far better (cosine .85) than a linearisation at the norm's bias (.68).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


@torch.enable_grad()
def mean_jacobian(
    logits: Callable[[Tensor], Tensor], x: Float[Tensor, "n_residues d_model"]
) -> Float[Tensor, "n_logits d_model"]:
    """J at the residues `x` of the stream after the last block; `logits` takes them one by one."""
    x = x.detach().requires_grad_()
    totals = logits(x).sum(dim=0)
    return torch.stack([torch.autograd.grad(total, x, retain_graph=True)[0].mean(dim=0) for total in totals])
