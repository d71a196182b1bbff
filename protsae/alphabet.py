"""The order of the amino acids wherever a tensor or a table has twenty of them, and the letters a sequence may hold."""

AMINO_ACIDS = "ARNDCQEGHILKMFPSTWYV"
"""The twenty standard ones, in the order of substitution matrices."""

AMBIGUOUS = "BZXUO"
"""Letters that ESM-2's alphabet knows besides: Asx, Glx, any, selenocysteine, pyrrolysine."""

RESIDUES = AMINO_ACIDS + AMBIGUOUS
"""Every letter that a language model of the ESM-2 family reads as a residue."""
