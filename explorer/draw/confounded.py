"""The words for a feature that one simple fact alone explains, the same wherever the feature is listed.

Read `text`, then `badge`.
"""

from collections.abc import Sequence

import numpy as np

from explorer.draw import markup, words
from protsae.alphabet import AMINO_ACIDS
from protsae.store.analyses.confounds import ConfoundRow

ENRICHED = 1.0
"""log2 enrichment from which on an amino acid is named."""

MOST = 3
"""Amino acids that are named; where more explain the feature, the words just say so."""

COLUMN = "Explained by"
COLUMN_HELP = (
    "A simple fact that alone predicts where the feature fires on unseen proteins; where one does, the "
    "label says little. Empty: none of amino acid, place in the chain, length, family and organism does."
)


def text(fact: ConfoundRow, aa_enrichment: np.ndarray | Sequence[float]) -> str:
    """What explains the feature, in two or three words: 'mostly on histidine', 'one family'.

    Args:
        fact: the one that explains it.
        aa_enrichment: [20] log2 enrichment of the amino acids where it fires.
    """
    letters = enriched(aa_enrichment)
    if fact.confound == "amino_acid" and 1 <= len(letters) <= MOST:
        return f"mostly on {words.join([words.AMINO_ACID_NAMES[letter] for letter, _ in letters])}"
    return words.confound_words(fact.confound).badge


def badge(fact: ConfoundRow, aa_enrichment: np.ndarray | Sequence[float]) -> str:
    """The same as a badge, with the numbers as its help."""
    return markup.badge(text(fact, aa_enrichment), words.confound(fact), "warn")


def enriched(aa_enrichment: np.ndarray | Sequence[float]) -> list[tuple[str, float]]:
    """Amino acids at least twice as frequent where a feature fires, with log2 enrichment, most enriched first."""
    pairs = zip(AMINO_ACIDS, map(float, aa_enrichment), strict=False)
    return sorted(((letter, gain) for letter, gain in pairs if gain >= ENRICHED), key=lambda pair: -pair[1])
