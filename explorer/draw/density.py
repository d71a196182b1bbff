"""What a dense feature carries, in words. Read `lead`, then `rows`."""

from collections.abc import Sequence
from typing import NamedTuple

from explorer.draw import words
from protsae.store.analyses.dense import THRESHOLDS, DenseTag, Tag

HELP = (
    "Features that fire on more than a tenth of all residues seldom stand for one function. Eleven things that they "
    "may carry instead are measured on test proteins, each beside what luck gives and with a threshold that was set "
    "beforehand. Letter, end and element are chosen on validation proteins."
)


class Signal(NamedTuple):
    """The words for one thing that a dense feature may carry."""

    name: str
    sentence: str
    """What it means where it holds; {detail} and {partner} are filled in."""
    tip: str


SIGNALS: dict[Tag, Signal] = {
    "antipodal": Signal(
        "Opposite of a feature",
        "it is one half of a signed quantity whose other half is feature #{partner}",
        "Product of the cosines of both encoder and both decoder directions, both negative. Null: mean of features "
        "that are not dense.",
    ),
    "duplicate": Signal(
        "Copy of a feature",
        "it is nearly a copy of feature #{partner}",
        "Product of the cosines of both encoder and both decoder directions, both positive. Null: mean of features "
        "that are not dense.",
    ),
    "position": Signal(
        "Place in the chain",
        "its strength follows the place in the chain, counted {detail}",
        "Spearman's correlation of activation and position. Null: positions moved along the chain.",
    ),
    "terminus": Signal(
        "Ends of the chain",
        "it tells the {detail} ten residues of a chain",
        "2 AUROC - 1 of activation for the first or last ten residues; negative where it is silent there. Null: moved "
        "along the chain.",
    ),
    "amino_acid": Signal(
        "Amino acid",
        "it tells {detail}",
        "2 AUROC - 1 of activation for one amino acid; negative where it is silent there. Null: letters moved along "
        "the chain, the best of the twenty.",
    ),
    "hydrophobicity": Signal(
        "Hydrophobicity",
        "its strength follows how hydrophobic the residue is",
        "Spearman's correlation of activation and Kyte and Doolittle's hydropathy. Null: moved along the chain.",
    ),
    "structure": Signal(
        "Secondary structure",
        "it tells {detail} residues",
        "2 AUROC - 1 of activation for annotated helix or strand, in proteins that have either. Null: moved along the "
        "chain.",
    ),
    "disorder": Signal(
        "Disorder",
        "it tells residues that move too much to be seen",
        "2 AUROC - 1 of activation for residues that a stored structure leaves out between others that it resolves; "
        "negative where it is silent there. Null: moved along the chain.",
    ),
    "protein": Signal(
        "The whole protein",
        "it is nearly constant within a protein, so it says what kind of protein this is",
        "Share of the variance of the activation that lies between proteins. Null: residues dealt at random.",
    ),
    "component": Signal(
        "Principal component",
        "it points along {detail} of the language model's states",
        "Cosine of its direction with the nearest of the first three principal components. Null: mean of features "
        "that are not dense.",
    ),
    "silent": Signal(
        "Reaches the amino acids",
        "next to nothing of it reaches the model's amino acids directly",
        "Share of its direction that the last layer can turn into amino acids. Null: a random direction's; it counts "
        "where it is less than a fifth of that.",
    ),
}


def carries(tag: DenseTag) -> str:
    """What one number that holds means, as the end of a sentence."""
    detail = words.AMINO_ACID_NAMES[tag.detail] if tag.tag == "amino_acid" else tag.detail
    said = SIGNALS[tag.tag].sentence.format(detail=detail, partner=tag.partner)
    is_reversed = tag.value < 0 and tag.tag in ("amino_acid", "terminus", "structure", "disorder")
    return f"{said}, by being silent there" if is_reversed else said


def lead(density: float, tags: Sequence[DenseTag]) -> str:
    """What the feature carries, in one sentence."""
    held = [carries(tag) for tag in tags if tag.holds]
    fires = f"It fires on {words.percent(density)} of all residues"
    if not held:
        return f"{fires}, and none of eleven things that dense features are known to carry explains it."
    return f"{fires}: {words.join(held)}."


def rows(tags: Sequence[DenseTag]) -> list[tuple[str, ...]]:
    """Of every measured thing its name, what it was best for, its number, its null and whether it holds."""
    return [
        (
            SIGNALS[tag.tag].name,
            f"#{tag.partner}" if tag.partner is not None and tag.value else tag.detail,
            words.number(tag.value),
            words.number(tag.by_chance),
            "yes" if tag.holds else "no",
        )
        for tag in tags
    ]


def short(tags: Sequence[DenseTag]) -> str:
    """Names of the things that hold, for a cell; '' where none does."""
    return ", ".join(
        f"{SIGNALS[tag.tag].name.lower()}{f' ({tag.detail})' if tag.detail else ''}" for tag in tags if tag.holds
    )


def thresholds() -> str:
    """All thresholds, in one sentence."""
    told = [f"{SIGNALS[tag].name.lower()} {value:g}" for tag, value in THRESHOLDS.items() if tag != "silent"]
    return f"Counts from: {', '.join(told)}."
