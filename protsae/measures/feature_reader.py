"""One feature's activations in many sequences, with as little of the language model and the SAE as that takes.

Only the blocks below the SAE run, a few sequences at a time, and of the SAE only what the one feature needs. Read
`FeatureReader.read`.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from protsae.errors import InputError
from protsae.plm.base import PLM
from protsae.plm.spec import PLMSpec
from protsae.sae import SAE

TOKENS_PER_BATCH = 1400
"""So many stay in a CPU's cache; larger batches are slower there."""

_ROWS_AT_ONCE = 2048


class FeatureReader:
    """Reads one feature; holds no state of its own, so threads may share it."""

    def __init__(self, plm: PLM, spec: PLMSpec, sae: SAE, feature: int) -> None:
        """Nothing is computed yet.

        Args:
            plm: the language model.
            spec: the layer and site that the SAE reads.
            sae: the autoencoder.
            feature: 0-based.

        Raises:
            InputError: the SAE has no such feature.
        """
        if not 0 <= feature < sae.d_sae:
            raise InputError(f"There is no feature {feature}: this SAE has features 0 to {sae.d_sae - 1}.")
        self._plm, self._spec, self._sae, self._feature = plm, spec, sae, feature

    @torch.inference_mode()
    def read(
        self, sequences: Sequence[str], *, masked: Sequence[Sequence[int]] = (), precise: bool = True
    ) -> list[Float[Tensor, " n_residues"]]:
        """The feature's activation at every residue of every sequence, in their order.

        Args:
            sequences: upper-case letters, any length.
            masked: of each sequence the 0-based positions that the model does not see; none where empty.
            precise: False lets the model multiply in half precision where that is faster (`PLM.harvest`).

        Raises:
            InputError: a sequence is empty or has a letter that the model does not know.
        """
        states: list[Tensor] = [torch.empty(0)] * len(sequences)
        harvested = self._plm.harvest(
            sequences, layer=self._spec.layer, site=self._spec.site, tokens_per_batch=TOKENS_PER_BATCH,
            masked=masked, precise=precise,
        )  # fmt: skip
        for index, x in harvested:
            states[index] = x
        return self._acts(states)

    @torch.inference_mode()
    def read_substitutions(
        self, sequence: str, position: int, letters: Sequence[str]
    ) -> list[Float[Tensor, " n_residues"]]:
        """The same in a sequence with one residue replaced by each of some letters, in half precision where faster.

        Args:
            sequence: upper-case letters, any length.
            position: from 1.
            letters: what replaces it.

        Raises:
            InputError: the sequence has a letter that the model does not know.
        """
        return self._acts(list(self._plm.harvest_substitutions(
            sequence, position - 1, letters, layer=self._spec.layer, site=self._spec.site,
            tokens_per_batch=TOKENS_PER_BATCH, precise=False,
        )))  # fmt: skip

    def _acts(self, states: Sequence[Tensor]) -> list[Tensor]:
        device = self._sae.b_dec.device
        rows = torch.cat(list(states)).split(_ROWS_AT_ONCE) if states else ()
        acts = [self._sae.encode_feature(x.to(device), self._feature).cpu() for x in rows]
        return list(torch.cat(acts).split([len(x) for x in states])) if acts else []
