"""What every single substitution does to a feature, and how likely the language model holds it.

    peak(m) = max over residues of the feature's activation in the mutant m        mean(m) likewise, over the chain
    masked marginal      log p(m_i | all but i) - log p(w_i | all but i)
    wild-type marginal   log p(m_i | the whole wild type) - log p(w_i | the whole wild type)

A feature is read in each mutant as it would be in any protein: the whole chain goes through the language model again.
Everything is computed position by position, so a caller can show what is known, stop, and go on. Read `scan_position`,
then `masked_marginal`.

Source: Meier et al. 2021 (doi:10.1101/2021.07.09.450648) for the two marginals; their sum over the substitutions of a
variant takes these for independent.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from protsae.alphabet import AMINO_ACIDS
from protsae.measures.feature_reader import FeatureReader
from protsae.plm.base import PLM
from protsae.plm.windows import windows

N_LETTERS = len(AMINO_ACIDS)


class PositionScan(NamedTuple):
    """One position replaced by each amino acid; the wild type's own column holds the wild type's values."""

    position: int
    """From 1."""
    peak: Float[np.ndarray, " 20"]
    """Strongest activation of the feature in each mutant, in the order of AMINO_ACIDS."""
    mean: Float[np.ndarray, " 20"]
    """Mean activation over the chain."""


def scan_position(
    reader: FeatureReader, sequence: str, position: int, wild: Float[np.ndarray, " n_residues"]
) -> PositionScan:
    """All substitutions of one residue; about as many passes as there are amino acids.

    Args:
        reader: of the feature.
        sequence: upper-case letters.
        position: from 1.
        wild: the feature's activations in the wild type.

    Raises:
        InputError: the sequence has a letter that the model does not know.
    """
    letters = [letter for letter in AMINO_ACIDS if letter != sequence[position - 1]]
    peak = np.full(N_LETTERS, float(wild.max()))
    mean = np.full(N_LETTERS, float(wild.mean()))
    for letter, acts in zip(letters, reader.read_substitutions(sequence, position, letters), strict=True):
        place = AMINO_ACIDS.index(letter)
        peak[place], mean[place] = float(acts.max()), float(acts.mean())
    return PositionScan(position, peak, mean)


def masked_marginal(plm: PLM, sequence: str, position: int) -> Float[np.ndarray, " 20"]:
    """Log-odds of each amino acid against the wild type's where the residue is hidden, in nats; 0 for the wild type.

    A chain that is longer than the model reads at once is seen through the window around the residue. All are nan
    where the wild type's letter is none of the twenty.

    Args:
        plm: the language model.
        sequence: upper-case letters.
        position: from 1.

    Raises:
        InputError: the sequence has a letter that the model does not know.
    """
    start = min(max(0, position - 1 - plm.max_residues // 2), max(0, len(sequence) - plm.max_residues))
    seen = sequence[start : start + plm.max_residues]
    here = position - 1 - start
    return _log_odds(plm.logits(seen, masked=[here])[here : here + 1], sequence[position - 1])[0]


def wild_type_marginals(plm: PLM, sequence: str) -> Float[np.ndarray, "n_residues 20"]:
    """The same at every residue with nothing hidden: one pass for all, in overlapping windows where the chain is long.

    Raises:
        InputError: the sequence has a letter that the model does not know.
    """
    kept = []
    for window in windows(len(sequence), plm.max_residues):
        logits = plm.logits(sequence[window.start : window.stop])
        kept.append(logits[window.keep_start - window.start : window.keep_stop - window.start])
    return _log_odds(torch.cat(kept), sequence)


def _log_odds(logits: torch.Tensor, wild: Sequence[str]) -> Float[np.ndarray, "n 20"]:
    """Log-probabilities less those of the wild type's letters."""
    found = logits.double().log_softmax(dim=-1).numpy()
    own = np.array([found[i, AMINO_ACIDS.index(letter)] if letter in AMINO_ACIDS else np.nan
                    for i, letter in enumerate(wild)])  # fmt: skip
    return found - own[:, None]
