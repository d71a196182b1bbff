"""What goes into and comes out of one pass through an SAE, as plain records; the SAE itself is in `base.py`."""

from typing import NamedTuple

from jaxtyping import Bool, Float, Int
from torch import Tensor


class GuidedOutput(NamedTuple):
    """What a guided SAE knows beside its activations."""

    logits: Float[Tensor, "n_residues m"]
    """Of the concept predictor; the probability is their sigmoid."""

    is_forced: Bool[Tensor, "n_residues m"]
    """Defined features that are active only because their concept was predicted."""


class ForwardOutput(NamedTuple):
    """One pass through an SAE, in the PLM's own units."""

    x_hat: Float[Tensor, "n_residues d_model"]
    acts: Float[Tensor, "n_residues d_sae"]
    extra: GuidedOutput | None
    """None where the architecture is unguided."""


class ForcingRule(NamedTuple):
    """How defined features come to fire beside TopK; see `protsae.py`."""

    n_defined: int
    before_topk: bool
    mean_over_all: bool
    graded: bool
    """Force to mu (2 pi - 1) instead of mu."""
    apart: bool = False
    """Nothing is forced: every defined feature fires where it is positive, and TopK chooses among the free ones."""


class TrainingPass(NamedTuple):
    """One pass over a batch in the SAE's own units, ready for the loss."""

    x_hat: Float[Tensor, "n_residues d_model"]
    logits: Float[Tensor, "n_residues m"]
    """Of the concept predictor; m = 0 where there is none."""
    n_fired: Int[Tensor, " d_sae"]
    """Residues on which each feature is active."""
    n_forced: int
    """(residue, feature) pairs that are active only by force."""
    n_predicted: int
    """(residue, concept) pairs with pi > 0.5."""
    n_participating: int
    """Of these, pairs whose defined feature is active."""
    penalty: Float[Tensor, ""]
    """What the loss takes on top of the reconstruction, already weighted; 0 where the architecture asks for nothing."""
    floor: Float[Tensor, ""] | Float[Tensor, " d_sae"] | None = None
    """What pre-activations had to exceed, of all features or of each; None where no threshold decides."""
