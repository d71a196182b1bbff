"""SpLiCE as an SAE: a dictionary that is named by construction, and sparse codes over it.

    D[c]  = unit(mean state of the proteins with concept c - mean state of all)
    u     = x_in - b_dec                               # b_dec = mean state of all
    acts  = argmin over z >= 0 of  |u - z D|^2 / 2 + l1 * sum z
    x_hat = (acts @ D + b_dec) / scale

Nothing is trained: the dictionary is counted and the codes are solved for. `encoder` gives the correlations u @ D^T,
`sparsify` solves from them and the Gram matrix D D^T, exactly and on the CPU. Class means of nested concepts are so
alike that gradient methods stop far from the optimum: after 1,000 steps of FISTA a dictionary of 200 molecular
functions still has a quarter more active features than the optimum. No gradient flows through the codes.

Read `base.py` first, then `SpLiCESAE.sparsify`. The solver is in `fast/kernels_lasso.py`.

Source: Bhalla et al. 2024 (arXiv:2402.10376), with directions of text concepts; class means of proteins stand in for
them here.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.sparse import csr_array, vstack
from torch import Tensor, nn
from typing_extensions import override

from protsae.errors import ConfigError
from protsae.sae.base import SAE
from protsae.sae.config import Normalise, check_shape
from protsae.sae.fast import kernels_lasso
from protsae.sae.fast.autograd import in_threads

_CHUNK_ROWS = 8192
"""Residues that `encode_sparse` solves for at once."""

_RIDGE = 1e-8
"""On the Gram matrix: makes the codes unique where directions depend on each other, and changes nothing else."""

_TOLERANCE = 1e-6
"""Slope that counts as none, as a share of the row's largest correlation; correlations are of single precision."""


@dataclass(frozen=True, kw_only=True)
class SpLiCESAEConfig:
    """Shape, concepts and sparsity of a SpLiCE SAE. Saved as `cfg.json` beside the weights."""

    d_model: int
    """Width of the residual stream that is read, e.g. 1280 for ESM-2 650M."""

    d_sae: int
    """Number of features: one for each concept."""

    concepts: tuple[str, ...]
    """GO ids of the features 0, 1, ..."""

    k: int
    """Active features per residue that `fit_penalty` aims at, on average; residues differ."""

    l1: float = 0.1
    """Penalty on the sum of activations, in rescaled units."""

    def __post_init__(self) -> None:
        """Refuse settings outside their range."""
        check_shape(self.d_model, self.d_sae, self.k)
        if len(self.concepts) != self.d_sae:
            raise ConfigError(
                f"SpLiCE has one feature for each concept, got d_sae={self.d_sae} and {len(self.concepts)} concepts"
            )
        if not 0 <= self.l1 < float("inf"):
            raise ConfigError(f"l1 must be a number of at least 0, got {self.l1}")

    @property
    def normalise(self) -> Normalise:
        """One scale: the dictionary is made of means, in which residues keep their norms."""
        return "scalar"


class SpLiCESAE(SAE):
    """Non-negative sparse codes over the class means of concepts."""

    architecture: ClassVar[str] = "splice"
    config_class: ClassVar[type] = SpLiCESAEConfig
    is_trained: ClassVar[bool] = False
    cfg: SpLiCESAEConfig

    def __init__(self, cfg: SpLiCESAEConfig) -> None:
        """An empty dictionary; `fit` or `load_sae` fills it."""
        super().__init__(cfg)
        self.W_dec = nn.Parameter(torch.zeros(cfg.d_sae, cfg.d_model))
        self.b_dec = nn.Parameter(torch.zeros(cfg.d_model))

    @classmethod
    @torch.no_grad()
    def fit(
        cls,
        means_by_concept: Float[Tensor, "m d_model"],
        mean: Float[Tensor, " d_model"],
        *,
        mean_square_norm: float,
        concepts: Sequence[str],
        k: int,
    ) -> Self:
        """The dictionary of some concepts; call `fit_penalty` next.

        Args:
            means_by_concept: mean state of the training proteins with each concept, in the PLM's own units.
            mean: of all training proteins.
            mean_square_norm: mean of |x|^2 over training residues; sets the scale as in every SAE.
            concepts: GO ids of the rows.
            k: active features per residue to aim at.

        Raises:
            ConfigError: the numbers contradict each other, or a concept's mean is the mean of all.
            ValueError: `mean_square_norm` is not a positive number.
        """
        m, d_model = means_by_concept.shape
        sae = cls(SpLiCESAEConfig(d_model=d_model, d_sae=m, concepts=tuple(concepts), k=k))
        directions = means_by_concept - mean
        lengths = torch.linalg.vector_norm(directions, dim=1)
        empty = torch.nonzero(lengths <= 1e-6 * torch.linalg.vector_norm(mean))[:, 0]
        if len(empty):
            raise ConfigError(
                f"{concepts[int(empty[0])]} has no direction, the mean of its proteins is the mean of all; leave it out"
            )
        sae.fit_input(mean, mean_square_norm)
        sae.W_dec.copy_(directions / lengths[:, None])
        return sae

    def encoder(self) -> tuple[Float[Tensor, "d_sae d_model"], Float[Tensor, " d_sae"]]:
        """The dictionary itself: pre-activations are its correlations with u."""
        return self.W_dec, self.W_dec.new_zeros(self.d_sae)

    @override
    def sparsify(
        self,
        pre_acts: Float[Tensor, "n d_sae"],
        logits: Float[Tensor, "n m"] | None,
    ) -> tuple[Float[Tensor, "n d_sae"], Bool[Tensor, "n m"] | None]:
        """Solve the non-negative lasso of each row from its correlations with the dictionary; without gradient."""
        return nonnegative_lasso(pre_acts.detach(), self._gram(), self.cfg.l1), None

    @property
    def runs_sparse(self) -> bool:
        """Never: the kernels of `fast/sparse.py` are TopK's."""
        return False

    @torch.no_grad()
    def encode_sparse(self, x: Float[Tensor, "n d_model"]) -> csr_array:
        """`encode` as a sparse matrix [n, d_sae], columns ascending within a row; a chunk of rows at a time."""
        parts = [csr_array(self.encode(part).cpu().numpy()) for part in x.split(_CHUNK_ROWS)]
        return csr_array(vstack(parts, format="csr"))

    @torch.no_grad()
    def fit_penalty(self, x_sample: Float[Tensor, "n d_model"], k: int | None = None) -> float:
        """Set `l1` so that the residues of a sample have k active features on average.

        Args:
            x_sample: training residues, in the PLM's own units; a few thousand are enough.
            k: the config's where None.

        Returns:
            The sample's mean L0, within 1 % of k.

        Raises:
            ConfigError: k is out of range, or is not reached with hardly any penalty.
        """
        k = self.cfg.k if k is None else k
        check_shape(self.d_model, self.d_sae, k)
        correlations, gram = (self.rescaled(x_sample) - self.b_dec) @ self.W_dec.T, self._gram()

        def l0_at(l1: float) -> float:
            return float((nonnegative_lasso(correlations, gram, l1) > 0).sum()) / len(correlations)

        high = float(correlations.max().clamp_min(1e-12))
        low, least = high, high * 2**-20
        while (l0 := l0_at(low)) < k:
            if low <= least:
                raise ConfigError(
                    f"k={k} is out of reach: almost without a penalty {l0:.1f} features are active; give a smaller k"
                )
            high, low = low, low / 2
        l1 = low
        for _ in range(30):
            if abs(l0 - k) <= 0.01 * k:
                break
            l1 = (low * high) ** 0.5
            l0 = l0_at(l1)
            low, high = (l1, high) if l0 > k else (low, l1)
        self.cfg = dataclasses.replace(self.cfg, l1=l1, k=k)
        return l0

    def _gram(self) -> Float[np.ndarray, "m m"]:
        directions = self.W_dec.detach().cpu().numpy().astype(np.float64)
        return directions @ directions.T


def nonnegative_lasso(
    correlations: Float[Tensor, "n m"], gram: Float[np.ndarray, "m m"], l1: float
) -> Float[Tensor, "n m"]:
    """Minimise z G z^T / 2 - z t^T + l1 * sum z over z >= 0 for every row t.

    Args:
        correlations: t = u @ D^T, on any device.
        gram: G = D @ D^T, float64; a ridge of 1e-8 is added.
        l1: at least 0.
    """
    rows = correlations.cpu().float().contiguous().numpy()
    acts = np.zeros_like(rows)
    bounds = np.linspace(0, len(rows), torch.get_num_threads() + 1).astype(np.int64)
    definite = gram + _RIDGE * np.eye(len(gram))
    in_threads(kernels_lasso.solve_rows, bounds, rows, definite, float(l1), _TOLERANCE, acts)
    return torch.from_numpy(acts).to(correlations.device, correlations.dtype)
