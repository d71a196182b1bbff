"""The parts and methods of the evaluation as data: names, kinds, titles, and the order of tables.

Who writes a row takes its names from here, and who shows one asks `method_of` and `part_of`. A method that is not
listed needs no entry to be shown: it is of the kind `other`, which no rule judges, and stands last.

Read `METHODS`, then `KINDS`, then `PARTS`.
"""

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
        Method(PROTSAE, "guided", "paper", "protsae"),
        Method(TUNED, "guided", "tuned", "protsae"),
        Method(ONE_EACH, "guided", architecture="protsae"),
        Method(NO_AXIOMS, "guided", architecture="protsae"),
        Method(TOPK, "unguided", "baseline", "topk"),
        Method("BatchTopK", "unguided", architecture="batchtopk"),
        Method("Gated", "unguided", architecture="gated"),
        Method("JumpReLU", "unguided", architecture="jumprelu"),
        Method("ReLU + L1", "unguided", architecture="relu"),
        Method(LINEAR_PROBE, "fitted"),
        Method(PROBED.format(TOPK), "fitted"),
        Method(SPLICE, "fitted"),
        Method(RESIDUE_PROBE, "fitted"),
        Method(LETTER_WINDOW, "control", result="the letters of its 15 neighbours reach"),
        Method(LETTER, "control", result="the amino acid alone reaches"),
        Method(PERMUTED, "control", result="chance (permuted labels) is"),
        Method(RANDOM, "control", result="an untrained dictionary reaches"),
        Method(NEURONS, "control", result="the language model's own neurons reach"),
    )
}
"""By name, in the order of tables within a kind."""

NO_DETACH, NO_FORCING, NO_RESCALE = "no detach", "no forced activation", "no rescale"
ABLATED_AXIOMS = "no axioms"
"""Variants of the part `ablation` that the paper's directions are about."""


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
