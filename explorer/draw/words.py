"""What the explorer says: names, numbers as text, help texts, and the sentences that lead a page.

Plain words for a biologist who never saw a sparse autoencoder. A label is a hypothesis; a feature "fires on" residues;
a score is "held-out". Read `HELP`, then `feature_lead`.
"""

import math
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from protsae.alphabet import AMINO_ACIDS
from protsae.store.rows import ConfoundRow, FeatureRow, FeatureSite, Role, SAERow, TermFeature

NAMESPACES = {"MFO": "molecular function", "BPO": "biological process", "CCO": "cellular component"}
SCOPES = NAMESPACES | {"GO": "Gene Ontology, all three"}
"""Whose terms guide an autoencoder."""

BANDS = {"top": "Strongest", "high": "Middle", "low": "Weak", "3d": "In 3D"}
SCALE_NOTES = {"normalised": "Activation, full colour at the 99.9th percentile", "raw": "Activation, one raw scale"}
AMINO_ACID_NAMES = dict(
    zip(
        AMINO_ACIDS,
        [
            "alanine",
            "arginine",
            "asparagine",
            "aspartate",
            "cysteine",
            "glutamine",
            "glutamate",
            "glycine",
            "histidine",
            "isoleucine",
            "leucine",
            "lysine",
            "methionine",
            "phenylalanine",
            "proline",
            "serine",
            "threonine",
            "tryptophan",
            "tyrosine",
            "valine",
        ],
        strict=True,
    )
)

ROLE_LEADS: dict[Role, str] = {
    "guided": "were guided by Gene Ontology terms (ProtSAE)",
    "unguided": "were left alone (vanilla)",
    "imported": "were trained elsewhere (imported)",
}
"""What distinguishes the features of each role's SAEs, as the end of a sentence on some of them."""


class Confound(NamedTuple):
    """The words for a simple fact that may explain where a feature fires."""

    name: str
    meaning: str
    """What it means where it explains a feature, without a full stop."""
    badge: str


CONFOUNDS = {
    "amino_acid": Confound(
        "Amino acid", "The amino acid alone predicts on which residues it fires", "mostly amino acid"
    ),
    "position": Confound(
        "Place in the chain", "The place in the chain alone predicts on which residues it fires", "mostly position"
    ),
    "length": Confound("Length", "Sequence length alone predicts in which proteins it fires strongly", "mostly length"),
    "family": Confound(
        "Family",
        "Most proteins in which it fires strongly belong to one homology family, and relatives alone predict them",
        "one family",
    ),
    "organism": Confound(
        "Organism", "The organism alone predicts in which proteins it fires strongly", "mostly organism"
    ),
}
"""Words for the facts that have some of their own; `confound_words` makes them for any other."""

HELP = {
    "feature": "One direction that the sparse autoencoder found in the protein language model's states. On each "
    "residue it is silent or fires with some strength.",
    "f1": "How well firing predicts the term: the harmonic mean of precision (how many called proteins have the term) "
    "and recall (how many proteins with the term are called). 1 is perfect. Feature, pooling and threshold were "
    "chosen on validation proteins; this is the score on test proteins of other homology clusters.",
    "ci": "95 % bootstrap interval over the test proteins.",
    "auroc": "The chance that a random protein with the term scores above a random one without it; 0.5 is guessing. In "
    "brackets its 95 % bootstrap interval over the test proteins.",
    "all_positive": "F1 of calling every test protein positive: a term that many carry gives it away for free.",
    "composition": "AUROC of a logistic regression on a protein's amino-acid shares and length, which needs no "
    "language model.",
    "probe": "AUROC of a logistic regression on the language model's mean state: what a feature could reach.",
    "neuron": "AUROC of the best single dimension of the language model's mean state, chosen on training proteins.",
    "grade": "Strong: on test proteins the F1 interval lies above shuffled labels and above calling every protein "
    "positive, and the AUROC interval above 0.5 and above amino-acid composition alone. Weak: the same, but not above "
    "composition. Everything else, and whatever fewer than 5 test proteins carry, is not validated.",
    "n": "Test proteins annotated with the term. Few make a wide interval.",
    "null": "The same choice and the same score after shuffling the labels over the proteins: what luck alone gives.",
    "threshold": "A protein is called positive where its pooled activation exceeds this.",
    "pooling": "How residue activations become one number per protein: their maximum or their mean.",
    "precision": "Share of the called test proteins that have the term.",
    "recall": "Share of the test proteins with the term that are called.",
    "density": "Share of all residues in the corpus on which the feature fires.",
    "protein_density": "Share of all proteins in which the feature fires at least once.",
    "normalised": "Share of this feature's 99.9th percentile over the corpus. Full colour means strong for this "
    "feature, so rows of different features and of both autoencoders compare.",
    "raw": "The activation itself. One unit means different things for different features.",
    "aa_effect": "How the feature, when present, moves the language model's prediction towards or away from each "
    "amino acid (change of the logit for one unit of activation, centred).",
    "aa_enrichment": "How much more often an amino acid stands where the feature fires than elsewhere; +1 is twice as "
    "often.",
    "cosine": "Similarity of the two features' directions: 1 the same, 0 unrelated.",
    "held_out": "No protein of these homology clusters trained the autoencoder or helped to choose feature and "
    "threshold.",
    "confounds": "How well one simple fact, and nothing else, predicts where the feature fires. Amino acid and place "
    "in the chain: on which residues. Length, family, organism: in which proteins its strongest residue exceeds half "
    "of its maximum. Learned on training proteins and told on test proteins; for families, which no two splits share, "
    "a protein is predicted by its relatives. Null: the same after dealing the fact out at random.",
    "sites": "Whether the feature fires on the very residues that carry the function, in test proteins whose "
    "annotation names them. Average precision within a protein, mean over proteins; 1 is perfect. All rows but this "
    "feature's are what else finds them; the supervised probe, fitted on named residues of training proteins, is the "
    "ceiling.",
    "top_share": "Share of a protein's activation in its top 5 % of residues; 5 % is spread evenly.",
    "band": "Strongest: the proteins with the highest activation. Middle: 50th to 75th percentile of protein maxima. "
    "Weak: below the 25th. In 3D: the strongest of the others whose structure is known. Without the term: strong "
    "examples that are not annotated with it, either errors of the "
    "feature or gaps in the annotation.",
}

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~$<>:-])")


def md(text: str) -> str:
    """`text` with Markdown's signs escaped, for labels that Streamlit reads as Markdown."""
    return _MARKDOWN.sub(r"\\\1", text)


def sae_long(sae: SAERow) -> str:
    """Name of an SAE with what it is: 'ProtSAE · Gene Ontology, all three', 'Vanilla · unguided'."""
    return f"{sae.display_name} · {SCOPES.get(sae.namespace, sae.role)}"


def kinds_of_saes(roles: Collection[Role]) -> str:
    """One sentence on what distinguishes a bundle's autoencoders; '' where there is only one kind."""
    parts = [end for role, end in ROLE_LEADS.items() if role in roles]
    return f"Some {', others '.join(parts)}." if len(parts) > 1 else ""


def label(text: str) -> str:
    """A feature's label, or what stands in its place."""
    return text or "no label"


def title(row: FeatureRow, sae: SAERow) -> str:
    """What a feature's page is called."""
    return capitalised(row.label) if row.label else f"Feature {row.feature} of {sae.display_name}"


def capitalised(text: str) -> str:
    """First letter upper case, the rest as it is ('tRNA binding' keeps its t)."""
    starts_lower = text[:1].islower() and text[1:2].islower()
    return text[:1].upper() + text[1:] if starts_lower else text


def number(value: float | None, digits: int = 2) -> str:
    """A score with two digits, a dash where there is none."""
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def amount(value: float) -> str:
    """An activation with three significant digits."""
    return f"{value:.3g}"


def percent(share: float) -> str:
    """0.0123 as '1.2 %'; never 0 for something that occurs."""
    if share <= 0:
        return "0 %"
    value = 100 * share
    if value < 0.01:
        return "< 0.01 %"
    return f"{value:.2f} %" if value < 1 else f"{value:.1f} %" if value < 10 else f"{value:.0f} %"


def count(value: int, noun: str) -> str:
    """'1 protein', '2,301 proteins'."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def origin(row: FeatureRow | TermFeature) -> str:
    """Where a label comes from, in words."""
    return {
        "guided": "guided by this GO term in training",
        "go": "the GO term it matches best on validation proteins",
        "annotation": "the residue annotation it matches best on validation proteins",
    }.get(row.label_origin, "nothing we know matches it well")


def confound_words(name: str) -> Confound:
    """The words for a confound; one that has none of its own is called as the store calls it, without underscores."""
    plain = name.replace("_", " ").strip() or "unnamed fact"
    return CONFOUNDS.get(name) or Confound(
        capitalised(plain), f"{capitalised(plain)} alone predicts where it fires", f"mostly {plain}"
    )


def confound(found: ConfoundRow) -> str:
    """One sentence on a simple fact that explains where a feature fires."""
    meaning = confound_words(found.confound).meaning
    return f"{meaning}, with F1 {number(found.f1)} (luck gives {number(found.null_f1)})."


def site(found: FeatureSite) -> str:
    """One sentence on how well a feature finds the residues that carry a function."""
    where = f"Inside {count(found.n_proteins, 'unseen protein')} with named residues for “{found.term_name}”"
    return (
        f"{where}, it ranks these residues with average precision {number(found.ap)} "
        f"(shifted positions give {number(found.null_ap)})."
    )


def feature_lead(row: FeatureRow, best: TermFeature | None) -> str:
    """The sentence under a feature's headline."""
    if row.max_act <= 0:
        return "This feature has no known activations: it fired on no residue of the corpus."
    where = f"It fires on {percent(row.density)} of residues, in {percent(row.protein_density)} of proteins"
    if best is None:
        return f"{where}. No GO term could be matched to it; the examples are the evidence."
    role = "Trained to follow this GO term."
    if row.kind != "defined":
        role = "Found without guidance; " + ("the label is a guess." if row.label else "nothing known names it well.")
    score = f"with held-out F1 {number(best.test_f1)} (luck gives {number(best.null_f1)})"
    finds = "and finds" if best.grade != "none" else "but does not reliably find"
    return f"{role} {where}, {finds} “{best.term_name}” in unseen proteins, {score}."


def comparison(guided: TermFeature | None, baseline: TermFeature | None, role: Role = "unguided") -> str:
    """One sentence that reads the held-out scores of a guided feature and one of another role for the same term."""
    if guided is None and baseline is None:
        return "Too few annotated proteins: neither autoencoder has a feature that could be scored for this term."
    if guided is None or baseline is None:
        who = "guided" if baseline is None else role
        return f"Only the {who} autoencoder has a scored feature for this term, so there is nothing to compare."
    gap = guided.test_f1 - baseline.test_f1
    if abs(gap) < 0.005:
        return f"A tie: both reach held-out F1 {number(guided.test_f1)}."
    ahead, behind, name = (
        (guided, baseline, "The guided feature") if gap > 0 else (baseline, guided, f"The {role} feature")
    )
    clear = ahead.test_f1_low > behind.test_f1_high
    tail = "the intervals do not overlap." if clear else "the intervals overlap, so the lead is not certain."
    return f"{name} is ahead, held-out F1 {number(ahead.test_f1)} against {number(behind.test_f1)}; {tail}"


def species(organism: str) -> str:
    """An organism without its strain."""
    return organism.split(" (", maxsplit=1)[0]


def protein_name(accession: str, name: str, *, limit: int = 70) -> str:
    """A protein's name, shortened; its accession where it has none."""
    text = name or accession
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def peak(accession: str, length: int, act: float, position: int | None = None) -> str:
    """'P00330 · 348 residues · peak 4.2 at 44'."""
    where = f" at {position}" if position else ""
    return f"{accession} · {length} residues · {f'peak {amount(act)}{where}' if act > 0 else 'silent'}"


def join(items: Sequence[str]) -> str:
    """'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
