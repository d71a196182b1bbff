"""Sequences as ESM-2's tokens: <cls>, one token a residue, <eos>."""

from collections.abc import Sequence

import numpy as np
import torch
from esm.data import Alphabet
from jaxtyping import Int
from torch import Tensor

from protsae.alphabet import RESIDUES
from protsae.errors import InputError


class Tokenizer:
    """Letters to token ids, one residue a token, and nothing else: no gaps, no special tokens in the text."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._alphabet = alphabet
        self._table = np.full(128, -1, dtype=np.int64)
        self._table[[ord(letter) for letter in RESIDUES]] = self.ids(RESIDUES).numpy()

    def ids(self, letters: str) -> Int[Tensor, " n"]:
        """Token ids of letters that the alphabet knows."""
        return torch.tensor([self._alphabet.get_idx(letter) for letter in letters])

    def encode(self, sequence: str, masked: Sequence[int] = ()) -> Int[Tensor, " n_tokens"]:
        """Tokens of one sequence, special tokens at both ends.

        Args:
            sequence: upper-case letters.
            masked: 0-based positions that are replaced by <mask>.

        Raises:
            InputError: the sequence is empty or has a letter that the model does not know.
        """
        if not sequence:
            raise InputError("The sequence is empty: give at least one residue.")
        codes = np.frombuffer(sequence.encode("utf-32-le"), dtype=np.uint32)
        ids = np.where(codes < len(self._table), self._table[codes % len(self._table)], -1)
        if (ids < 0).any():
            position = int((ids < 0).argmax())
            raise InputError(
                f"The sequence has {sequence[position]!r} at position {position + 1}, which the language model does "
                f"not know: use the letters {RESIDUES}."
            )
        if len(masked):
            ids[np.asarray(masked, dtype=np.int64)] = self._alphabet.mask_idx
        return torch.from_numpy(np.concatenate([[self._alphabet.cls_idx], ids, [self._alphabet.eos_idx]]))
