"""Our SAEs in forms that other programs compute: weights without our scaling, and JumpReLU at the same L0.

    plain     the gain goes into the weights (of `token` it stays, as the program's own norm of each residue)
    jumprelu  TopK's choice becomes one threshold: the N k-th largest chosen activation of a reference batch of N
              residues, so that the mean L0 of that batch stays. Features that fire by a threshold of their own keep it.
              Then the decoder rows of the features that were chosen by TopK, and b_dec, are fitted to the reference
              batch by least squares, held to what they were as by `PRIOR` residues; and rows go to unit length:
              encoder column, bias and threshold times the row's length.

What a ProtSAE forces beside TopK cannot be said by thresholds and is left out of `jumprelu`; where features fire apart
nothing is forced, and only the choice among free features changes: guided features, their rows included, stay what
they are. One threshold cannot follow each residue as TopK does, which costs explained variance; the fit wins most of it
back (docs/saes.md has what was tried), and an export measures what is left.

Read `to_jumprelu`.

Source: He et al. 2024 (arXiv:2410.20526), Llama Scope, for the one threshold from a reference batch; the fit after it
is this project's.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import csr_array, hstack
from torch import Tensor

from protsae.errors import ConfigError
from protsae.sae.base import SAE
from protsae.sae.batchtopk import BatchTopKSAE
from protsae.sae.gated import GatedSAE
from protsae.sae.imported import ImportedSAE, ImportedSAEConfig, InputNorm
from protsae.sae.jumprelu import JumpReLUSAE
from protsae.sae.ordered import OrderedSAE
from protsae.sae.protsae import ProtSAE
from protsae.sae.relu import ReLUSAE
from protsae.sae.topk import TopKSAE

_PIECE = 1024

PRIOR = 20_000
"""Residues that the decoder of before counts for in the fit; chosen on validation proteins."""


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
        sae: TopK, ordered, BatchTopK, ReLU, JumpReLU, ProtSAE or an imported one of these.
        reference: residues in the PLM's own units on which the mean L0 stays and the decoder is fitted, some tens of
            thousands; not looked at where the SAE has thresholds already.

    Raises:
        ConfigError: the architecture has no such form.
    """
    threshold, first = _thresholds(sae, reference)
    weights = plain(sae)
    cfg = ImportedSAEConfig(
        d_model=sae.d_model,
        d_sae=sae.d_sae,
        activation="threshold",
        k=sae.cfg.k,
        input_norm=weights.input_norm,
        source=f"{sae.architecture} as jumprelu",
    )
    made = ImportedSAE(cfg)
    own = weights._asdict() | {"threshold": threshold}
    own["scale"] = sae.scale if own.pop("input_norm") != "none" else made.scale
    made.load_state_dict(made.state_dict() | own)
    if first < sae.d_sae:
        _fit_decoder(made, reference, first)
    length = torch.linalg.vector_norm(made.W_dec, dim=1)
    length = torch.where(length > 0, length, torch.ones_like(length))
    for name in ("W_enc", "b_enc", "threshold"):
        made.get_parameter(name).mul_(length)
    made.W_dec.div_(length[:, None])
    return made


def _fit_decoder(sae: ImportedSAE, reference: Tensor, first: int) -> None:
    """Fit rows of W_dec from `first`, and b_dec, to the reference, in the SAE's own units.

    min |x - x_hat|^2 + PRIOR * mean z^2 * |change|^2, with the mean over residues and fitted features. What b_dec takes
    from the input is given back by b_enc, so activations stay.
    """
    acts = sae.encode_sparse(reference)
    decoded = torch.from_numpy(np.asarray(acts @ sae.W_dec.cpu().numpy(), dtype=np.float32))
    left = (sae.rescaled(reference) - sae.b_dec - decoded).numpy()
    ones = csr_array(np.ones((len(reference), 1), np.float32))
    design = csr_array(hstack([acts[:, first:], ones], format="csr"))
    gram = torch.from_numpy((design.T @ design).toarray())
    square = gram.diagonal()[:-1].mean() / max(1, len(reference))
    if square == 0:
        return
    gram.diagonal().add_(PRIOR * square)
    change = torch.linalg.solve(gram, torch.from_numpy(np.asarray(design.T @ left)))
    sae.W_dec[first:] += change[:-1]
    sae.b_dec += change[-1]
    sae.b_enc += change[-1] @ sae.W_enc


def _thresholds(sae: SAE, reference: Tensor) -> tuple[Float[Tensor, " d_sae"], int]:
    """In units of the SAE's own activations; and the first feature that TopK chose, d_sae where none was."""
    found = torch.zeros(sae.d_sae)
    if isinstance(sae, ReLUSAE):
        return found, sae.d_sae
    if isinstance(sae, JumpReLUSAE | BatchTopKSAE):
        return found + sae.floor().cpu(), sae.d_sae
    if isinstance(sae, ImportedSAE) and sae.cfg.activation in {"relu", "threshold"}:
        own = found if sae.cfg.activation == "relu" else sae.get_parameter("threshold").detach().cpu().clone()
        return own, sae.d_sae
    if isinstance(sae, GatedSAE) or not isinstance(sae, TopKSAE | OrderedSAE | ProtSAE | ImportedSAE):
        raise ConfigError(f"a {sae.architecture} SAE has no form as JumpReLU; export one of TopK, BatchTopK or ProtSAE")
    first = sae.cfg.n_defined if isinstance(sae, ProtSAE) and sae.fires_apart else 0
    found[first:] = _one_threshold(sae, reference, first)
    return found, first


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
