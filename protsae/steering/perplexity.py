"""Pseudo-perplexity: how surprised a masked language model is by a sequence, each residue hidden alone.

    pseudo-perplexity = exp(mean over residues of -ln p(residue | all the others))        1 is certain, 20 is guessing

It takes a pass through the model per residue, so it is handed out residue by residue. Read `surprisal`.

Source: Salazar et al. 2020 (arXiv:1910.14659).
"""

import math
from collections.abc import Iterable

import torch

from protsae.alphabet import AMINO_ACIDS
from protsae.plm.base import PLM


@torch.no_grad()
def surprisal(plm: PLM, sequence: str, position: int) -> float | None:
    """-ln p of one residue where it alone is hidden, in nats; None where it is no standard amino acid.

    Raises:
        InputError: the sequence is too long for one pass, or has unknown letters.
    """
    if sequence[position] not in AMINO_ACIDS:
        return None
    row = plm.logits(sequence, masked=[position])[position].log_softmax(dim=-1)
    return -float(row[AMINO_ACIDS.index(sequence[position])])


def pseudo_perplexity(surprisals: Iterable[float | None]) -> float:
    """Of residues whose surprisal is known, 1 to infinity; nan where there is none."""
    known = [value for value in surprisals if value is not None]
    return math.exp(sum(known) / len(known)) if known else math.nan
