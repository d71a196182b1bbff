"""The parts and methods of the evaluation as data: names, kinds, titles, and the order of tables.

Who writes a row takes its names from here, and who shows one asks `method_of` and `part_of`. A method that is not
listed needs no entry to be shown: it is of the kind `other`, which no rule judges, and stands last.

Read `METHODS`, then `KINDS`, then `PARTS`.
"""

import re
from typing import Literal, NamedTuple

PartKey = Literal["main", "ablation", "sparsity", "guidance"]
MethodKind = Literal["guided", "unguided", "fitted", "control", "other"]
Standing = Literal["paper", "tuned", "baseline", ""]


class Part(NamedTuple):
    """One part of the evaluation."""

    key: str
    title: str
    change: str = ""
    """What its methods are, after "how far ProtSAE moves"; '' where they are no variants of ProtSAE."""


PARTS: dict[str, Part] = {
    part.key: part
    for part in (
        Part("main", "All methods"),
        Part("ablation", "What each part of ProtSAE is for", "with one part taken away"),
        Part("sparsity", "With fewer and with more active features"),
        Part("guidance", "Other ways to guide", "when it is guided in another way"),
    )
}


class Kind(NamedTuple):
    """How methods use GO labels."""

    key: MethodKind
    sentence: str
    competes: bool
    """May be called the best of a column."""


KINDS: dict[MethodKind, Kind] = {
    kind.key: kind
    for kind in (
        Kind("guided", "GO terms guided the training", competes=True),
        Kind("unguided", "trained without labels; features matched to terms afterwards", competes=True),
        Kind("fitted", "labels fitted afterwards, to states or features", competes=True),
        Kind("control", "what no training gives: neurons, random features, shuffled labels", competes=False),
        Kind("other", "how they use labels is not known here", competes=False),
    )
}
"""In the order of tables."""


class Method(NamedTuple):
    """One method."""

    name: str
    """As stored and shown."""
    kind: MethodKind
    standing: Standing = ""
    """paper: the paper's own method; tuned: the form that the bundle uses where it is not the paper's; baseline:
    the unguided SAE that differs from the paper's method in nothing else."""
    architecture: str = ""
    """Of the SAE that is trained; '' where none is."""
    result: str = ""
    """Of a control: what a sentence says before its number."""
    meaning: str = ""
    """What it is, in plain words and one line."""


PROTSAE = "ProtSAE"
TUNED = "ProtSAE, tuned guidance"
ONE_EACH = "ProtSAE, one per sub-ontology"
NO_AXIOMS = "ProtSAE without axioms"
TOPK = "TopK"
SPLICE = "SpLiCE"
LINEAR_PROBE = "linear probe"
PROBED = "{} + logistic probe"
RESIDUE_PROBE = "linear probe of residues"
LETTER_WINDOW = "window of 15 letters"
LETTER = "amino acid alone"
SITE_BASELINES = (RESIDUE_PROBE, LETTER_WINDOW, LETTER)
"""Fitted on the residues that annotations name."""
NEURONS = "PLM neurons"
PERMUTED = "null: permuted labels"
RANDOM = "null: random dictionary"

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            PROTSAE,
            "guided",
            "paper",
            "protsae",
            meaning="the paper's form: residues predict the protein's terms and force their features to fire",
        ),
        Method(
            TUNED,
            "guided",
            "tuned",
            "protsae",
            meaning="guided as this bundle's autoencoder is; the settings were chosen on validation proteins",
        ),
        Method(
            ONE_EACH,
            "guided",
            architecture="protsae",
            meaning="the same guidance, but one autoencoder for each sub-ontology, together as large as one",
        ),
        Method(
            NO_AXIOMS,
            "guided",
            architecture="protsae",
            meaning="this bundle's form, but the ontology's structure (which term is part of which) trains nothing",
        ),
        Method(
            TOPK,
            "unguided",
            "baseline",
            "topk",
            meaning="the same autoencoder without guidance: on each residue the k strongest features fire",
        ),
        Method(
            "BatchTopK",
            "unguided",
            architecture="batchtopk",
            meaning="the strongest features of a whole batch fire, so residues may have more or fewer",
        ),
        Method(
            "Gated",
            "unguided",
            architecture="gated",
            meaning="one set of weights says whether a feature fires, another how strongly",
        ),
        Method(
            "JumpReLU",
            "unguided",
            architecture="jumprelu",
            meaning="each feature has a threshold of its own, which training finds",
        ),
        Method(
            "ReLU + L1",
            "unguided",
            architecture="relu",
            meaning="the classic form: a penalty on activations keeps most features silent",
        ),
        Method(
            "Ordered",
            "unguided",
            architecture="ordered",
            meaning="features learn in order: each must do without those behind it, so the most useful come first",
        ),
        Method(
            "Group bias",
            "unguided",
            architecture="gba",
            meaning="no penalty: each feature's threshold moves until it fires as often as its group is to",
        ),
        Method(
            LINEAR_PROBE,
            "fitted",
            meaning="a linear classifier for each term on the language model's states; it has no features",
        ),
        Method(PROBED.format(TOPK), "fitted", meaning="a linear classifier for each term on the features of TopK"),
        Method(SPLICE, "fitted", meaning="states written as sparse sums of directions of the terms, which labels give"),
        Method(
            RESIDUE_PROBE,
            "fitted",
            meaning="a linear classifier fitted on the very residues that annotations name: the ceiling for sites",
        ),
        Method(
            LETTER_WINDOW,
            "control",
            result="the letters of its 15 neighbours reach",
            meaning="a residue told from the amino acids around it, without a language model",
        ),
        Method(
            LETTER, "control", result="the amino acid alone reaches", meaning="a residue told from its own amino acid"
        ),
        Method(
            PERMUTED,
            "control",
            result="chance (permuted labels) is",
            meaning="the same scoring after shuffling labels over proteins: what luck gives",
        ),
        Method(
            RANDOM,
            "control",
            result="an untrained dictionary reaches",
            meaning="directions drawn at random in place of trained features",
        ),
        Method(
            NEURONS,
            "control",
            result="the language model's own neurons reach",
            meaning="the language model's own dimensions in place of features",
        ),
    )
}
"""By name, in the order of tables within a kind."""

NO_DETACH, NO_FORCING, NO_RESCALE = "no detach", "no forced activation", "no rescale"
ABLATED_AXIOMS = "no axioms"
"""Variants of the part `ablation` that the paper's directions are about."""


PAPERS_FORM = "paper's form"
"""Of ProtSAE, where other ways to guide stand beside it."""

_VARIANTS: tuple[tuple[str, str], ...] = (
    (NO_DETACH, "reconstruction, too, may turn the directions that stand for terms"),
    (NO_FORCING, "a predicted term's feature fires only where it would by itself"),
    (NO_RESCALE, "guided features cannot learn a scale of their own"),
    (ABLATED_AXIOMS, "the ontology's structure (which term is part of which) trains nothing"),
    (PAPERS_FORM, "ProtSAE as the paper guides it"),
    ("graded force", "a predicted term's feature is forced the more, the surer the prediction"),
    (r"(?:positives weighed, )?w = (\S+)", r"proteins with a rare term weigh more, by power \1 of its rarity"),
    ("bags of residues", "a protein's label is asked of a handful of its residues together, not of each"),
    ("protein means?", "a protein's label is asked of the mean of its residues, not of each"),
    (
        r"lambda \(([^,]+), ([^)]+)\)",
        r"predicting terms weighs \1 and the ontology's structure \2 against reconstruction at 1",
    ),
)
"""What variants of ProtSAE change, by patterns of their names or of parts of these."""


def meaning_of(name: str) -> str:
    """What a method or variant is, in plain words; of a variant that changes several things, each; '' if unknown."""
    if name in METHODS:
        return METHODS[name].meaning
    found = []
    for pattern, meaning in _VARIANTS:
        if match := re.search(rf"(?:^|, ){pattern}(?=$|, )", name):
            found.append((match.start(), match.expand(meaning)))
    return "; ".join(meaning for _, meaning in sorted(found))


def method_of(name: str) -> Method:
    """The method of a name as stored; of the kind `other` where it is not listed."""
    return METHODS.get(name) or Method(name, "other")


def part_of(key: str) -> Part:
    """The part of a key as stored; where it is not listed, titled by its key and taken for variants of ProtSAE."""
    return PARTS.get(key) or Part(key, key[:1].upper() + key[1:], f"in the part “{key}”")


def ordered(names: list[str]) -> list[str]:
    """By kind, then as in `METHODS`, then those that are not listed by name."""
    kinds, listed = list(KINDS), list(METHODS)
    place = {name: listed.index(name) if name in METHODS else len(listed) for name in names}
    return sorted(names, key=lambda name: (kinds.index(method_of(name).kind), place[name], name.casefold()))
