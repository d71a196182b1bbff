"""ProtT5's encoder as a `PLM` (see `base.py`): transformers' T5EncoderModel, opened at every site of its blocks.

    tokens: one a residue, then </s>; U, Z, O and B are read as X, as in its training
    block:  resid_mid = x + attention(norm(x)),  resid_post = resid_mid + mlp(norm(resid_mid))

The encoder has no head that predicts letters: it reads only (`predicts`). What a residue's embedding is elsewhere, the
last state after the final norm, is `resid_post` of the last block before that norm. Read `ProtT5`.

Source: Elnaggar et al. 2022 (doi:10.1109/TPAMI.2021.3095381); names of parameters from transformers 5.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from protsae.alphabet import RESIDUES
from protsae.errors import ArtifactError, InputError
from protsae.plm.base import REFERENCE_PROTEINS
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
from protsae.plm.walked import no_head

ARCHITECTURE = "prot_t5"
VOCABULARY = "spiece.model"
LETTERS = "ALGVSREDTIPKFQNYMHWCXBOUZ"
"""In the order of the vocabulary, from id 3; 0 to 2 are <pad>, </s> and <unk>."""

MAX_RESIDUES = 2047
_FIRST, _END = 3, 1
_NUMBERED = {a: _FIRST + LETTERS.index("X" if a in "UZOB" else a) for a in RESIDUES}
_TIED = ("encoder.embed_tokens.weight",)
_REPOSITORY = "Rostlab/prot_t5_xl_half_uniref50-enc"
RELEASES = {
    "prot_t5_xl_half_uniref50-enc": Release(
        _REPOSITORY,
        ("config.json", VOCABULARY, "model.safetensors"),
        24,
        1024,
        of_hub(
            "ProtT5-XL-U50 encoder",
            "Rostlab's weights, trained on BFD and UniRef50 (Elnaggar et al. 2022, doi:10.1109/TPAMI.2021.3095381).",
            "as stated at the source",
            _REPOSITORY,
        ),
    )
}


class ProtT5(TransformerPLM):
    """The encoder of a T5 over amino acids."""

    architecture = ARCHITECTURE
    n_before, n_after = 0, 1
    max_residues = MAX_RESIDUES

    @classmethod
    def load(cls, name_or_path: str | Path, *, device: str = "auto") -> Self:
        """From a folder as the hub has it, or by name where it has been fetched.

        Raises:
            InputError: it is not on this machine, or transformers is not installed.
            ArtifactError: the files are damaged, or of another vocabulary.
        """
        loaded = read_folder(name_or_path, RELEASES)
        check_vocabulary(loaded.weights.parent / VOCABULARY)
        return cls._of(loaded, number(loaded.config, "num_heads", loaded.weights), device)

    @classmethod
    def _of(cls, loaded: Loaded, heads: int, device: str) -> Self:
        """The library's class in the shape of the tensors."""
        modeling, configuration = library("t5")
        own = {n: t for n, t in loaded.state.items() if not n.startswith(("decoder.", "lm_head."))}
        try:
            words, key = own["shared.weight"], own["encoder.block.0.layer.0.SelfAttention.k.weight"]
            buckets = own["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
            wide = own["encoder.block.0.layer.1.DenseReluDense.wi.weight"]
        except KeyError as error:
            raise ArtifactError(f"{loaded.weights} is no encoder of a ProtT5: it lacks {error}.") from error
        config = configuration.T5Config(
            vocab_size=words.shape[0],
            d_model=words.shape[1],
            d_kv=key.shape[0] // heads,
            d_ff=wide.shape[0],
            num_layers=sum(name.endswith(".SelfAttention.q.weight") for name in own),
            num_heads=heads,
            relative_attention_num_buckets=buckets.shape[0],
            feed_forward_proj=str(loaded.config.get("feed_forward_proj", "relu")),
            dropout_rate=0.0,
        )
        model = filled(modeling.T5EncoderModel(config), own, loaded.weights, tied=_TIED)
        return cls(model, name=loaded.name, weights=loaded.weights, device=device, heads=heads)

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return self._model.config.d_model

    @property
    def num_layers(self) -> int:
        """Blocks in all."""
        return self._model.config.num_layers

    @property
    def predicts(self) -> bool:
        """Never: the encoder has no head."""
        return False

    def tokenise(self, sequence: str, masked: Sequence[int] = ()) -> Int[Tensor, " n_tokens"]:
        """One token a residue, </s>; what is masked is the sentinel that stands for a span in its training."""
        ids = token_ids(sequence, _NUMBERED, masked=masked, mask=self._model.config.vocab_size - 1)
        return torch.tensor([*ids, _END])

    def amino_acid_effect(
        self, directions: Float[Tensor, "n d_model"], *, reference: Sequence[str] = REFERENCE_PROTEINS
    ) -> Float[Tensor, "n 20"]:
        """There is none: the encoder predicts nothing.

        Raises:
            ConfigError: always.
        """
        del directions, reference
        raise no_head(self.name)

    def blocks(self) -> Sequence[Any]:
        """T5's blocks."""
        return self._model.encoder.block

    def embedded(self, tokens: Tensor) -> Tensor:
        """Token embeddings."""
        return self._model.shared(tokens)

    def context(self, x: Tensor) -> Any:
        """The relative position bias, which the first block's attention holds for all."""
        return self._model.encoder.block[0].layer[0].SelfAttention.compute_bias(x.shape[1], x.shape[1])

    def attention(self, block: Any, x: Tensor, context: Any) -> Tensor:
        """What self-attention adds."""
        own = block.layer[0]
        return own.SelfAttention(own.layer_norm(x), position_bias=context)[0]

    def mlp(self, block: Any, x: Tensor) -> Tensor:
        """What the feed-forward part adds."""
        own = block.layer[-1]
        return own.DenseReluDense(own.layer_norm(x))


def check_vocabulary(path: Path) -> None:
    """Hold a SentencePiece file against the order of letters that is used here.

    Raises:
        InputError: it is missing.
        ArtifactError: it is of another vocabulary.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing, which says how letters are numbered: copy it from the model's source.")
    found = pieces(path.read_bytes())[_FIRST : _FIRST + len(LETTERS)]
    if [piece.lstrip("▁") for piece in found] != list(LETTERS):
        raise ArtifactError(f"{path} numbers letters otherwise ({' '.join(found[:6])} ...): it is of no ProtT5.")


def pieces(content: bytes) -> list[str]:
    """The vocabulary of a SentencePiece model in order: field 1 of each of its messages of field 1."""
    found, at = [], 0
    while at < len(content):
        tag, at = _varint(content, at)
        if tag & 7 != 2:
            break
        length, at = _varint(content, at)
        inner = content[at : at + length]
        if tag >> 3 == 1 and inner[:1] == b"\n":
            size, begin = _varint(inner, 1)
            found.append(inner[begin : begin + size].decode("utf-8", "replace"))
        at += length
    return found


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(content):
        byte = content[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            break
    return value, at
