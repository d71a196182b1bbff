"""The analysis `motifs`: which letters stand around the strongest residues of a feature.

The counts of one feature are text, a character a count: 21 offsets of 20 amino acids each, a byte each where numbers in
rows of their own would take a hundred. Read `MOTIFS`, then `motif_of`.
"""

from typing import NamedTuple

import numpy as np

from protsae.alphabet import AMINO_ACIDS
from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

REACH = 10
"""Residues on either side of the peak."""

MOST = 90
"""Sequences of a feature, so that a count fits a printable character."""

_ZERO = "!"
"""Stands for a count of 0; the next printable character for 1, and so on."""

MOTIFS = Analysis(
    name="motifs",
    version=1,
    meaning="Which amino acids stand around a feature's strongest residues, beside what luck gives",
    reads=("proteins", "embed", "train", "activations", "statistics"),
    tables=(
        Table(
            name="motif",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; features that never fire have no rows"),
                Column("n_sequences", "INTEGER", "proteins with the strongest residue, one a homology cluster"),
                Column(
                    "counts",
                    "VARCHAR",
                    "21 x 20 characters: offset -10 to 10, then amino acid in the order ARNDCQEGHILKMFPSTWYV; "
                    "'!' is 0, each next printable character one more",
                ),
                Column("peak_bits", "REAL", "information of the peak's column, corrected for few sequences"),
                Column("null_peak_bits", "REAL", "the same at random residues of the same proteins, mean of 20 draws"),
                Column("flank_bits", "REAL", "information of the 20 columns beside the peak, added up, corrected"),
                Column(
                    "null_flank_bits",
                    "REAL",
                    "the same around other residues with the peak's letter in the same proteins, mean of 20 draws",
                ),
                Column("null_flank_most", "REAL", "the largest of these draws"),
            ),
            sorted_by=("sae", "feature"),
        ),
        Table(
            name="motif_background",
            columns=(
                Column("amino_acid", "VARCHAR", "one-letter code"),
                Column("share", "DOUBLE", "of the corpus' residues, 0 to 1"),
            ),
            sorted_by=("amino_acid",),
        ),
    ),
)


class MotifRow(NamedTuple):
    """The letters around the strongest residues of a feature; bits are corrected for few sequences, so luck gives 0."""

    n_sequences: int
    """Proteins, each of another homology cluster."""
    counts: np.ndarray
    """[21, 20] of each letter of AMINO_ACIDS at offset -10 to 10."""
    background: np.ndarray
    """[20] share of each letter in the corpus."""
    peak_bits: float
    null_peak_bits: float
    """At random residues of the same proteins."""
    flank_bits: float
    """Of the columns beside the peak, added up."""
    null_flank_bits: float
    """Around other residues with the peak's letter in the same proteins, mean of 20 draws."""
    null_flank_most: float
    """The largest of these draws."""


def motif_of(reader: AnalysisQueries, sae: str, feature: int) -> MotifRow | None:
    """One feature's letters; None where it never fires, or the analysis is absent."""
    if reader.absence(MOTIFS):
        return None
    query = f"""
        SELECT {columns(MotifRow, background="(SELECT list(share ORDER BY amino_acid) FROM motif_background)")}
        FROM motif WHERE sae = ? AND feature = ?
    """
    found = reader.first(MotifRow, query, [sae, feature])
    if found is None:
        return None
    by_letter = dict(zip(sorted(AMINO_ACIDS), found.background, strict=True))
    return found._replace(
        counts=read_counts(str(found.counts)), background=np.array([by_letter[letter] for letter in AMINO_ACIDS])
    )


def written_counts(counts: np.ndarray) -> str:
    """Counts [21, 20] as text.

    Raises:
        ValueError: one of them is negative or more than `MOST`.
    """
    if counts.min() < 0 or counts.max() > MOST:
        raise ValueError(f"counts must be 0 to {MOST}, got {counts.min()} to {counts.max()}")
    return (counts + ord(_ZERO)).astype(np.uint8).tobytes().decode("ascii")


def read_counts(text: str) -> np.ndarray:
    """The counts [21, 20] that `written_counts` has written."""
    return np.frombuffer(text.encode("ascii"), dtype=np.uint8).astype(np.int64).reshape(2 * REACH + 1, -1) - ord(_ZERO)
