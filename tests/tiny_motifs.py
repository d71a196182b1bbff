"""Drawn letters around peaks for `tiny_bundle.py`: feature i peaks on amino acid i modulo 20, three before it a W."""

import numpy as np
import pandas as pd

from protsae.alphabet import AMINO_ACIDS
from protsae.store.analyses.motifs import REACH, written_counts

N_SEQUENCES = 30
FEW = 24
"""A feature, of every SAE, that fires in three families only."""


def motif_tables(features: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A row for every feature that fires; the letters of the corpus are equally frequent."""
    rng = np.random.default_rng(14)
    rows = []
    for sae, feature in features.loc[features["max_act"] > 0, ["sae", "feature"]].itertuples(index=False):
        n = 3 if feature == FEW else N_SEQUENCES
        counts = rng.multinomial(n, np.full(20, 0.05), size=2 * REACH + 1)
        counts[REACH] = n * np.eye(20, dtype=int)[feature % 20]
        counts[REACH - 3] = n * np.eye(20, dtype=int)[AMINO_ACIDS.index("W")]
        bits = {"peak_bits": 4.0, "null_peak_bits": 0.05, "flank_bits": 5.5}
        null = {"null_flank_bits": 0.4, "null_flank_most": 0.9}
        rows.append({"sae": sae, "feature": feature, "n_sequences": n, "counts": written_counts(counts)} | bits | null)
    background = pd.DataFrame({"amino_acid": list(AMINO_ACIDS), "share": 0.05})
    return {"motif": pd.DataFrame(rows), "motif_background": background}
