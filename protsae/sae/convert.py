"""Our SAEs in forms that other programs compute: weights without our scaling, and JumpReLU at the same L0.

    plain     the gain goes into the weights (of `token` it stays, as the program's own norm of each residue)
    jumprelu  TopK's choice becomes one threshold: the N k-th largest chosen activation of a reference batch of N
              residues, so that the mean L0 of that batch stays. Features that fire by a threshold of their own keep it.
              Then decoder rows go to unit length: encoder column, bias and threshold times the row's old length.

What a ProtSAE forces beside TopK cannot be said by thresholds and is left out of `jumprelu`; where features fire apart
nothing is forced, and only the choice among free features changes. One threshold cannot follow each residue as TopK
does, which costs explained variance; an export measures how much.

Read `to_jumprelu`.

Source: He et al. 2024 (arXiv:2410.20526), Llama Scope, for the one threshold from a reference batch.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from protsae.errors import ConfigError
from protsae.sae.base import SAE
from protsae.sae.batchtopk import BatchTopKSAE
from protsae.sae.gated import GatedSAE
from protsae.sae.imported import ImportedSAE, ImportedSAEConfig, InputNorm
from protsae.sae.jumprelu import JumpReLUSAE
from protsae.sae.protsae import ProtSAE
from protsae.sae.relu import ReLUSAE
from protsae.sae.topk import TopKSAE

_PIECE = 1024


class Plain(NamedTuple):
    """Weights that read the PLM's own units."""

    W_enc: Float[Tensor, "d_model d_sae"]
    b_enc: Float[Tensor, " d_sae"]
    W_dec: Float[Tensor, "d_sae d_model"]
    b_dec: Float[Tensor, " d_model"]
    input_norm: InputNorm


@torch.no_grad()
def plain(sae: SAE) -> Plain:
    """Weights that need no gain of ours: equal activations and reconstructions."""
    weight, bias = sae.encoder()
    if isinstance(sae, ImportedSAE):
        return Plain(sae.W_enc.clone(), bias.clone(), sae.W_dec.clone(), sae.b_dec.clone(), sae.cfg.input_norm)
    by_token = sae.cfg.normalise == "token"
    gain = torch.ones_like(sae.scale) if by_token else sae.scale
    norm: InputNorm = "sqrt_d" if by_token else "none"
    return Plain((weight * gain).T.contiguous(), bias.clone(), sae.W_dec / gain, sae.b_dec / gain, norm)


@torch.no_grad()
def to_jumprelu(sae: SAE, reference: Float[Tensor, "n d_model"]) -> ImportedSAE:
    """The SAE with thresholds in the place of TopK.

    Args:
        sae: of any architecture but Gated and SpLiCE.
        reference: residues in the PLM's own units on which the mean L0 stays, some tens of thousands.

    Raises:
        ConfigError: the architecture has no such form.
    """
    weights, threshold = plain(sae), _thresholds(sae, reference)
    length = torch.linalg.vector_norm(weights.W_dec, dim=1)
    length = torch.where(length > 0, length, torch.ones_like(length))
    cfg = ImportedSAEConfig(
        d_model=sae.d_model,
        d_sae=sae.d_sae,
        activation="threshold",
        k=sae.cfg.k,
        input_norm=weights.input_norm,
        source=f"{sae.architecture} as jumprelu",
    )
    made = ImportedSAE(cfg)
    state = {
        "W_enc": weights.W_enc * length,
        "b_enc": weights.b_enc * length,
        "W_dec": weights.W_dec / length[:, None],
        "b_dec": weights.b_dec,
        "threshold": threshold * length,
        "scale": sae.scale if weights.input_norm != "none" else made.scale,
    }
    made.load_state_dict(made.state_dict() | state)
    return made


def _thresholds(sae: SAE, reference: Tensor) -> Float[Tensor, " d_sae"]:
    """In units of the SAE's own activations."""
    found = torch.zeros(sae.d_sae)
    if isinstance(sae, ReLUSAE):
        return found
    if isinstance(sae, JumpReLUSAE | BatchTopKSAE):
        return found + sae.floor().cpu()
    if isinstance(sae, ImportedSAE) and sae.cfg.activation in {"relu", "threshold"}:
        return found if sae.cfg.activation == "relu" else sae.get_parameter("threshold").detach().cpu().clone()
    if isinstance(sae, GatedSAE) or not isinstance(sae, TopKSAE | ProtSAE | ImportedSAE):
        raise ConfigError(f"a {sae.architecture} SAE has no form as JumpReLU; export one of TopK, BatchTopK or ProtSAE")
    first = sae.cfg.n_defined if isinstance(sae, ProtSAE) and sae.fires_apart else 0
    found[first:] = _one_threshold(sae, reference, first)
    return found


def _one_threshold(sae: Any, reference: Tensor, first: int) -> float:
    """Half-way between the last activation that is kept and the first that is not, over the features from `first`."""
    weight, bias = sae.encoder()
    kept, n_kept = [], 0
    for x in reference.split(_PIECE):
        pre = ((sae.rescaled(x) - sae.b_dec) @ weight.T + bias)[:, first:].relu()
        n_kept += int((pre > 0).sum(dim=1).clamp(max=sae.cfg.k).sum())
        width = min(pre.shape[1], 8 * sae.cfg.k)  # what lies above the threshold is among each residue's strongest
        kept.append(pre.topk(width, dim=1).values.flatten())
    values = torch.cat(kept)
    if n_kept >= len(values):
        return 0.0
    last = values.topk(n_kept + 1).values[-2:] if n_kept else values.topk(1).values
    return float(last.mean()) if n_kept else float(last)
