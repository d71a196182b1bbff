"""What the architectures share that have an encoder matrix of their own: all but ProtSAE and SpLiCE.

They start alike, from random unit directions with the encoder as the decoder's transpose. Read `TiedSAE.start`.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from protsae.sae.base import SAE, random_directions


class TiedSAE(SAE):
    """An SAE whose encoder starts as its decoder's transpose; the two then train apart."""

    W_enc: nn.Parameter
    b_enc: nn.Parameter

    def start(self, seed: int, **vectors: float) -> None:
        """Make the parameters: W_enc, one vector [d_sae] for each name given, filled with its number, W_dec and b_dec.

        Args:
            seed: of the directions.
            vectors: names and first values, in the order in which they are saved.
        """
        directions = random_directions(self.d_sae, self.d_model, torch.Generator().manual_seed(seed))
        self.W_enc = nn.Parameter(directions.T.contiguous())
        for name, value in vectors.items():
            self.register_parameter(name, nn.Parameter(torch.full((self.d_sae,), value)))
        self.W_dec = nn.Parameter(directions.clone())
        self.b_dec = nn.Parameter(torch.zeros(self.d_model))

    @override
    def encoder_times(self, gain: Float[Tensor, "..."]) -> dict[str, Tensor]:
        """W_enc, each of its rows times the gain of the dimension that it reads."""
        return {"W_enc": self.W_enc * gain.expand(self.d_model)[:, None]}

    def encoder(self) -> tuple[Float[Tensor, "d_sae d_model"], Float[Tensor, " d_sae"]]:
        """Rows of W_enc transposed, and b_enc."""
        return self.W_enc.T, self.b_enc
