"""Whether a feature comes back from other seeds, in words and as a badge. Read `badge`."""

from explorer.draw import markup, words
from protsae.store.analyses.seeds import FeatureSeeds, TermSeeds

COLUMN = "Seeds"
COLUMN_HELP = (
    "In how many trainings of the same autoencoder, its own included, there is a feature of the same direction (cosine "
    "0.7 or more). Where it is found in its own only, another start would have split the states in another way. "
    "A guided feature is known by its term instead: its page says how far its AUROC differs."
)

STEADY = 0.05
"""Spread of a term's AUROC over seeds up to which its feature counts as the same each time."""


def text(row: FeatureSeeds) -> str:
    """'4 of 5'."""
    return f"{row.n_found} of {row.n_seeds}"


def badge(row: FeatureSeeds, term: TermSeeds | None) -> str:
    """HTML: found in how many seeds, with the cosine and its null as help; of a guided feature its AUROC over seeds.

    A term names its feature in every training, whichever direction that writes.
    """
    tip = (
        f"The autoencoder was trained {row.n_seeds} times from different starts. The most alike direction of the "
        f"others has cosine {words.number(row.cosine)} on average; random directions of the same spread, "
        f"{words.number(row.null_cosine)}."
    )
    if term is not None:
        tip += (
            f" The feature of its term has AUROC {words.number(term.auroc_low)} to {words.number(term.auroc_high)} "
            f"over the {term.n_seeds} trainings, with shuffled labels {words.number(term.null_auroc)}."
        )
        spread = f"AUROC {words.number(term.auroc_low)} to {words.number(term.auroc_high)} over {term.n_seeds} seeds"
        return markup.badge(spread, tip, "good" if term.auroc_high - term.auroc_low <= STEADY else "")
    kind = "good" if row.n_found == row.n_seeds else "warn" if row.n_found == 1 else ""
    return markup.badge(f"found in {text(row)} seeds", tip, kind)
