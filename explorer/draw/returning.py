"""Whether a feature comes back from other seeds, in words and as a badge. Read `badge`."""

from explorer.draw import markup, words
from protsae.store.analyses.seeds import FeatureSeeds, TermSeeds

COLUMN = "Seeds"
COLUMN_HELP = (
    "In how many trainings of the same autoencoder, its own included, there is a feature of the same direction (cosine "
    "0.7 or more). Where it is found in its own only, another start would have split the states in another way."
)


def text(row: FeatureSeeds) -> str:
    """'4 of 5'."""
    return f"{row.n_found} of {row.n_seeds}"


def badge(row: FeatureSeeds, term: TermSeeds | None) -> str:
    """HTML: found in how many seeds, with the cosine and its null, and a guided feature's AUROC over seeds, as help."""
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
    kind = "good" if row.n_found == row.n_seeds else "warn" if row.n_found == 1 else ""
    return markup.badge(f"found in {text(row)} seeds", tip, kind)
