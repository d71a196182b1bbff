"""What the language model loses where a feature is taken away from one protein, beside what others would cost it.

Read `Ablated`, then `ablated`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.services import live
from explorer.services.cached import cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.errors import InputError
from protsae.steering.ablation import Ablation
from protsae.steering.controls import nearest_in_density

N_CONTROLS = 7
"""Other features that are taken away in turn."""


class Ablated(NamedTuple):
    """Divergence of the predictions at every residue, in bits, after something was taken away."""

    bits: Float[np.ndarray, " n_residues"]
    """The feature."""
    others: tuple[int, ...]
    """Features that fire in this protein, too, and over the corpus about as often."""
    other_bits: Float[np.ndarray, "n_others n_residues"]
    """Each of them."""
    direction_bits: Float[np.ndarray, " n_residues"]
    """A random direction, every residue moved as far as by taking the feature away."""
    fires: Float[np.ndarray, " n_residues"]
    """Activation of the feature."""

    @property
    def control(self) -> Float[np.ndarray, " n_residues"]:
        """At every residue the median over the other features; 0 where there are none."""
        return np.median(self.other_bits, axis=0) if len(self.others) else np.zeros_like(self.bits)

    @property
    def n_less(self) -> int:
        """Other features whose loss changes the predictions less, over the whole chain."""
        return int((self.other_bits.sum(axis=1) < self.bits.sum()).sum())


@cached_by_bundle(32, shared=True, spinner="Taking the feature away …")
def ablated(ref: FeatureRef, sequence: str) -> Ablated:
    """Take a feature, and in turn others, away from a protein's states.

    Raises:
        ArtifactError: the language model or the autoencoder cannot be loaded.
        InputError: the sequence is too long for one pass, or has a letter that the model does not know.
    """
    plm, spec = live.language_model()
    ablation = Ablation(plm, spec, live.sae(ref.sae), sequence)
    acts = ablation.acts.cpu().numpy()
    others = _others(ref, acts)
    return Ablated(
        ablation.without(ref.feature),
        others,
        np.array([ablation.without(other) for other in others]).reshape(len(others), len(sequence)),
        ablation.random_direction(ref.feature),
        acts[:, ref.feature],
    )


def _others(ref: FeatureRef, acts: Float[np.ndarray, "n_residues d_sae"]) -> tuple[int, ...]:
    """Some of the features nearest in density of those that fire here, drawn at random but always the same."""
    table = live.features(ref.sae)
    p99, density = table["p99_act"].to_numpy(), table["density"].to_numpy()
    silent = set(np.flatnonzero(acts.max(axis=0) <= 0).tolist())
    try:
        near = nearest_in_density(ref.feature, p99=p99, density=density, without=silent)
    except InputError:  # nothing else fires in this protein
        return ()
    return tuple(sorted(np.random.default_rng(ref.feature).permutation(near)[:N_CONTROLS].tolist()))
