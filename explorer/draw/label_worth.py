"""How well a label alone tells where its feature fires, and how alike its proteins are, in words. Read `sentences`."""

from explorer.draw import words
from protsae.store.analyses.alikeness import Alikeness
from protsae.store.analyses.breadth import Breadth
from protsae.store.analyses.folds import Fold
from protsae.store.analyses.telling import Intervention, Telling

DETECTION = (
    "Somebody who knows the label, and nothing of the feature, guesses in which test proteins it fires: those that "
    "carry the label. Share of right guesses, firing and silent proteins counting alike: 0.5 is a coin, 1 tells all. "
    "Every tenth of the firing proteins by strength counts alike, so a label that fits the strongest only scores low."
)
STRONGEST = "The same, with the tenth of the firing proteins in which it fires most instead of all of them."
HARD = (
    "The same against silent proteins that are hard to tell apart: those in which the feature that fires most alike "
    "does fire; and relatives of proteins in which it fires."
)
RULE = (
    "Residues on which it fires against the others of the same test proteins, told by one rule: the residues that the "
    "label names, else the letter, place or annotation that told most on training proteins. Null: the rule moved along "
    "the chain."
)
POINT = (
    "What training proteins with the label have in common, in triplets of letters, ranks test proteins: how often one "
    "in which the feature fires stands above one in which it is silent (AUROC; 0.5 is a coin). Nothing of the language "
    "model is in it. Null: other labels in the same place, the mean and the best of ten."
)
RAISED = (
    "The feature is raised in held-out proteins without its label, the language model writes new letters, and a linear "
    "probe that knows no autoencoder reads the label from the new sequence: change of its log-odds, less that of a "
    "random feature in the same proteins, with its 95 % interval. Null: a random direction, pushed as far, less the "
    "same random feature. Features that a first look left out have 3 proteins: too few to say."
)
ALIKE = (
    "Mean similarity in sequence (triplets of eight classes of amino acids) of two test proteins of different "
    "families, weighted by how strongly it fires in both: nothing of the language model is in it. Null: all pairs; z "
    "counts standard deviations of activations dealt at random."
)
BROAD = (
    "In how many organisms it fires, weighted by strength, as if all were equally frequent; one protein a family and "
    "organism, those of unnamed organisms left out. Null: activations dealt at random, which counts how many proteins "
    "each organism has."
)
SPACE = (
    "Mean RMSD of 15 C-alphas around the strongest residue, over pairs of stored structures of different families in "
    "which it fires most (eight at most). Null: random residues of the same structures; z counts standard deviations, "
    "negative where the places are more alike. One helix is like any other, so a low RMSD may be no more than a helix."
)
SURE_Z = 3.0
"""Standard deviations from which on similarity is more than luck."""
LITTLE, MUCH = 0.01, 0.05
"""Similarities from which on it is worth a word; two random proteins have 0."""
TELLS = 0.6
"""Balanced accuracy from which on a label tells something of where a feature fires."""


def lead(found: Telling) -> str:
    """What the label is worth for telling proteins, in two sentences."""
    if found.detection is None or found.false_share is None:
        return (
            f"It fires in {words.count(found.n_firing, 'test protein')} and is silent in {found.n_silent:,}: too few "
            "of one to say how well its label tells them apart."
        )
    strong = in_strongest(found.strongest, found.false_share)
    verdict = (
        "The label tells where it fires."
        if found.detection >= TELLS and found.detection > (found.null_high or 0)
        else "The label tells where it fires strongly, not where it fires weakly."
        if strong is not None and strong >= TELLS
        else "The label tells little of where it fires."
    )
    return (
        f"{share(found.strongest)} of the test proteins in which it fires most (a tenth of them) carry the label, "
        f"{share(found.weakest)} of those in which it fires least, {share(found.false_share)} of those in which it is "
        f"silent. {verdict}"
    )


def raised(found: Intervention) -> tuple[str, str, str]:
    """What raising the feature does to its label, as a fact."""
    told = (
        f"{found.score:+.2f} log-odds beyond a random feature ({found.difference_low:+.2f} to "
        f"{found.difference_high:+.2f}; null {found.null:+.2f}), {words.count(found.n_proteins, 'protein')}"
    )
    few = "" if found.is_confirmed else ", too few to say"
    judged = "" if found.kmers is None else f"; triplets of letters say {found.kmers:+.2f} standard deviations"
    return ("Raised, its label follows" if found.holds else "Raised, its label", told + few + judged, RAISED)


def in_strongest(strongest: float | None, false_share: float | None) -> float | None:
    """Detection of the strongest tenth alone."""
    return None if strongest is None or false_share is None else (strongest + 1 - false_share) / 2


def facts(found: Telling) -> list[tuple[str, str, str]]:
    """Every number with its null; at residues alone where there are too few proteins."""
    rows = []
    if found.detection is not None:
        null = f"null {words.number(found.null_detection)}, highest {words.number(found.null_high)}"
        rows = [
            ("Guesses right", f"{words.number(found.detection)} ({null})", DETECTION),
            ("Strongest tenth", words.number(in_strongest(found.strongest, found.false_share)), STRONGEST),
            ("Against its double", words.number(found.neighbour), HARD),
            ("Against relatives", words.number(found.relatives), HARD),
        ]
    if found.embedding is not None:
        null = f"null {words.number(found.null_embedding)}, highest {words.number(found.embedding_high)}"
        rows.append(("By what its label's proteins share", f"{words.number(found.embedding)} ({null})", POINT))
    if found.rule:
        told = f"{words.number(found.fuzzing)} (null {words.number(found.null_fuzzing)})"
        rows.append(("At residues", f"{told}: {rule(found.rule)}", RULE))
    return rows


def share(value: float | None) -> str:
    """A percentage, a dash where there is none."""
    return "-" if value is None else words.percent(value)


def rule(text: str) -> str:
    """A rule in words: 'letter C at -2' is 'cysteine 2 before'."""
    kind, _, what = text.partition(" ")
    letter, _, by = what.partition(" at ")
    if kind == "letter":
        name = words.AMINO_ACID_NAMES[letter]
        return f"{name} {by[1:]} {'before' if by[0] == '-' else 'after'}" if by else name
    if kind == "group":
        return f"{what} amino acids"
    if kind in ("first", "last"):
        return f"the {kind} {what} residues"
    return f"annotated {what.lower()}" if kind == "site" else text


def alike(found: Alikeness) -> tuple[str, str, str]:
    """How alike its proteins are, as a fact."""
    told = f"{found.score:.3f}, all pairs {round(found.by_chance, 3) + 0.0:.3f} (z {found.z:.1f})"
    return ("Its proteins are alike", told, ALIKE)


def alike_sentence(found: Alikeness) -> str:
    """What that means."""
    if found.z >= SURE_Z:
        much = "clearly" if found.score >= MUCH else "slightly" if found.score >= LITTLE else "hardly"
        return f"By their letters alone, the proteins in which it fires are {much} more alike than others."
    return "By their letters alone, the proteins in which it fires are no more alike than others."


def broad(found: Breadth) -> tuple[str, str, str]:
    """In how many organisms it fires, as a fact."""
    told = (
        f"{found.breadth:.1f} of {found.n_organisms}, null {found.by_chance:.1f} (z {found.z:.1f}); "
        f"{words.percent(found.share)} of it in {words.species(found.organism)}, which has "
        f"{words.percent(found.expected)} of the test proteins counted, one a family and organism"
    )
    return ("Organisms", told, BROAD)


def in_space(found: Fold) -> tuple[str, str, str]:
    """How alike its places are in space, as a fact."""
    told = f"{found.rmsd:.1f} Å over {found.n_proteins} structures, null {found.by_chance:.1f} Å (z {found.z:.1f})"
    return ("Its places in space", told, SPACE)
