"""ESM-C as a `PLM` (see `base.py`): transformers' EsmcForMaskedLM, opened at every site of its blocks.

    tokens: <cls>, one a residue, <eos>
    block:  resid_mid = x + attention(norm(x)) / s,  resid_post = resid_mid + mlp(norm(resid_mid)) / s
            s = sqrt(blocks / 36)

`attn_out` and `mlp_out` are what is added, so after the division by s. EvolutionaryScale's own package takes the module
name `esm` that fair-esm has, so the two cannot be installed together; transformers holds the same model. Read `ESMC`.

Source: EvolutionaryScale / Biohub, ESM Cambrian (2024); names of parameters from transformers 5.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from protsae.alphabet import AMINO_ACIDS, RESIDUES
from protsae.errors import ArtifactError
from protsae.plm.base import REFERENCE_PROTEINS
from protsae.plm.effect import mean_jacobian
from protsae.plm.transformer import (
    Loaded,
    Release,
    TransformerPLM,
    filled,
    library,
    number,
    of_hub,
    read_folder,
    token_ids,
)

ARCHITECTURE = "esmc"
MAX_RESIDUES = 2046
"""Positions of its training without <cls> and <eos>."""

_CLS, _EOS, _MASK, _FIRST = 0, 2, 32, 4
LETTERS = "LAGVSERTIDPKQNFYMHWCXBUZO"
"""In the order of the vocabulary, from id 4."""

_NUMBERED = {letter: _FIRST + LETTERS.index(letter) for letter in RESIDUES}


def _release(size: str, layers: int, width: int) -> Release:
    repository = f"biohub/ESMC-{size}"
    about = of_hub(f"ESM-C {size}", "Biohub's weights (ESM Cambrian).", "as stated at the source", repository)
    return Release(repository, ("config.json", "model.safetensors"), layers, width, about)


RELEASES = {"ESMC-300M": _release("300M", 30, 960), "ESMC-600M": _release("600M", 36, 1152)}


class ESMC(TransformerPLM):
    """ESM Cambrian with its head."""

    architecture = ARCHITECTURE
    n_before = n_after = 1
    max_residues = MAX_RESIDUES

    @classmethod
    def load(cls, name_or_path: str | Path, *, device: str = "auto") -> Self:
        """From a folder as the hub has it, or by name where it has been fetched.

        Raises:
            InputError: it is not on this machine, or transformers with this model is not installed.
            ArtifactError: the files are damaged.
        """
        loaded = read_folder(name_or_path, RELEASES)
        return cls._of(loaded, number(loaded.config, "num_attention_heads", loaded.weights), device)

    @classmethod
    def _of(cls, loaded: Loaded, heads: int, device: str) -> Self:
        """The library's class in the shape of the tensors."""
        modeling, configuration = library("esmc")
        try:
            words = loaded.state["esmc.embed_tokens.weight"]
            wide = loaded.state["esmc.layers.0.mlp.gate_proj.weight"]
        except KeyError as error:
            raise ArtifactError(f"{loaded.weights} is no ESM-C with its head: it lacks {error}.") from error
        config = configuration.EsmcConfig(
            vocab_size=words.shape[0],
            hidden_size=words.shape[1],
            intermediate_size=wide.shape[0],
            num_hidden_layers=sum(name.endswith(".self_attn.q_proj.weight") for name in loaded.state),
            num_attention_heads=heads,
        )
        own = {name: value for name, value in loaded.state.items() if not name.endswith("inv_freq")}
        model = filled(modeling.EsmcForMaskedLM(config), own, loaded.weights)
        return cls(model, name=loaded.name, weights=loaded.weights, device=device, heads=heads)

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return self._model.config.hidden_size

    @property
    def num_layers(self) -> int:
        """Blocks in all."""
        return self._model.config.num_hidden_layers

    def tokenise(self, sequence: str, masked: Sequence[int] = ()) -> Int[Tensor, " n_tokens"]:
        """<cls>, one token a residue, <eos>; see `PLM.tokenise`."""
        return torch.tensor([_CLS, *token_ids(sequence, _NUMBERED, masked=masked, mask=_MASK), _EOS])

    def head(self, top: Float[Tensor, "n_residues d_model"]) -> Float[Tensor, "n_residues 20"]:
        """Logits of the twenty amino acids."""
        return self._logits(top)

    def amino_acid_effect(
        self, directions: Float[Tensor, "n d_model"], *, reference: Sequence[str] = REFERENCE_PROTEINS
    ) -> Float[Tensor, "n 20"]:
        """Logits per unit length of a direction, through the final norm and the head; see the protocol."""
        states = [self.embed(protein, layer=self.num_layers, site="resid_post") for protein in reference]
        x = torch.cat(states).to(self.device)
        jacobian = mean_jacobian(self._logits, x)
        effect = directions.to(self.device, torch.float32) @ jacobian.T
        return (effect - effect.mean(dim=-1, keepdim=True)).cpu()

    def blocks(self) -> Sequence[Any]:
        """ESM-C's blocks."""
        return self._model.esmc.layers

    def embedded(self, tokens: Tensor) -> Tensor:
        """Token embeddings."""
        return self._model.esmc.embed_tokens(tokens)

    def context(self, x: Tensor) -> Any:
        """Cosine and sine of every position."""
        return self._model.esmc.rotary_emb(x, torch.arange(x.shape[1], device=x.device)[None])

    def attention(self, block: Any, x: Tensor, context: Any) -> Tensor:
        """What attention adds."""
        return block.self_attn(block.input_layernorm(x), None, position_embeddings=context)[0] / block.scaling_factor

    def mlp(self, block: Any, x: Tensor) -> Tensor:
        """What the MLP adds."""
        return block.mlp(block.post_attention_layernorm(x)) / block.scaling_factor

    def _logits(self, x: Tensor) -> Tensor:
        columns = [_FIRST + LETTERS.index(letter) for letter in AMINO_ACIDS]
        return self._model.lm_head(self._model.esmc.norm(x))[..., columns]
