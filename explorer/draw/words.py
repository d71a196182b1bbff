"""What the explorer says: names, numbers as text, help texts, and the sentences that lead a page.

Plain words for a biologist who never saw a sparse autoencoder. A label is a hypothesis; a feature "fires on" residues;
a score is "held-out". Read `HELP`, then `feature_lead`.
"""

import math
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from protsae.alphabet import AMINO_ACIDS
from protsae.store.analyses.confounds import ConfoundRow
from protsae.store.analyses.sites import FeatureSite
from protsae.store.rows import DifferenceRow, FeatureAnnotation, FeatureRow, Role, SAERow, TermFeature

NAMESPACES = {"MFO": "molecular function", "BPO": "biological process", "CCO": "cellular component"}
SCOPES = NAMESPACES | {"GO": "Gene Ontology, all three"}
"""Whose terms guide an autoencoder."""

TERM_BANDS = {"with": "With the term", "without": "Without the term", "silent": "Term, not called"}
"""Bands of examples of a feature that a GO term guides, or names and holds; sorted by the score that judges it."""

BANDS = {"top": "Strongest", "high": "Middle", "low": "Weak", "3d": "In 3D"}
"""Bands that every feature has, sorted by its strongest residue."""
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
    "alike": "Correlation of the two features' mean activations over the corpus' proteins: 1, they fire in the same "
    "proteins alike; 0, they have nothing to do with each other.",
    "label": "What the feature is called: the best alignment that holds on unseen proteins. Where none does, the best "
    "match on validation proteins is a guess, and no more.",
    "label_f1": "Held-out F1 of this very label, which was chosen on validation proteins; never the best of several.",
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
    "band": "With the term: the proteins that carry it with the highest score. Without the term: the highest of those "
    "that do not, either errors of the feature or gaps in the annotation. Term, not called: the lowest that carry it. "
    "These are sorted by the score of the card, and only proteins count that are annotated in the term's "
    "sub-ontology. Strongest: the proteins with the strongest residue. Middle: 50th to 75th percentile of protein "
    "maxima. Weak: below the 25th. In 3D: the strongest of the others whose structure is known.",
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


def label(text: str, grade: str) -> str:
    """What a feature is called: its label where that holds on unseen proteins, else that none does, and the guess."""
    if not text:
        return "no label"
    return text if grade != "none" else f"no confirmed label (guess: {text})"


def named(row: FeatureRow) -> str:
    """What a strip is called: label and number, the number alone where no label holds."""
    return f"{row.label} #{row.feature}" if row.label_grade != "none" else f"#{row.feature}"


def title(row: FeatureRow, sae: SAERow) -> str:
    """What a feature's page is called."""
    if row.label_grade != "none":
        return capitalised(row.label)
    return "No confirmed label" if row.label else f"Feature {row.feature} of {sae.display_name}"


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


def origin(row: FeatureRow) -> str:
    """Where a label comes from and whether it holds, in words."""
    if not row.label:
        return "no label: nothing known matches it well enough"
    whence = {
        "guided": "the GO term that guided it in training",
        "go": "the GO term that it matches best on validation proteins",
        "annotation": "the residue annotation that it matches best on validation proteins",
    }.get(row.label_origin, "")
    if row.label_grade == "none":
        return f"guess: {row.label}, {whence}"
    whence = whence.replace("that it matches best", "that holds and that it matches best")
    return f"label ({row.label_grade} evidence): {whence}"


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


def feature_lead(row: FeatureRow, headline: TermFeature | FeatureAnnotation | None) -> str:
    """The sentence under a feature's title.

    Args:
        row: the feature.
        headline: the alignment that it is called after.
    """
    if row.max_act <= 0:
        return "This feature has no known activations: it fired on no residue of the corpus."
    where = f"It fires on {percent(row.density)} of residues, in {percent(row.protein_density)} of proteins"
    guide = f"Trained to follow “{row.term_name or row.go_id}”." if row.kind == "defined" else "Found without guidance."
    if headline is None:
        return f"{guide} {where}. No term could be matched to it; the examples are the evidence."
    score = f"held-out F1 {number(headline.test_f1)} (luck gives {number(headline.null_f1)})"
    if headline.grade == "none":
        return f"{guide} {where}. No label is confirmed on unseen proteins; the guess “{row.label}” has {score}."
    what = f"residues annotated “{row.label}”" if isinstance(headline, FeatureAnnotation) else f"“{row.label}”"
    finds = "finds" if headline.grade == "strong" else "finds, on weak evidence,"
    return f"{guide} {where}, and {finds} {what} in unseen proteins, with {score}."


def comparison(
    guided: TermFeature | None, baseline: TermFeature | None, difference: DifferenceRow | None, role: Role = "unguided"
) -> str:
    """One sentence that reads the held-out scores of a guided feature and one of another role for the same term.

    Args:
        guided: the one.
        baseline: the other.
        difference: of the two, paired over resamples; None where it was not measured.
        role: of the other.
    """
    if guided is None and baseline is None:
        return "Too few annotated proteins: neither autoencoder has a feature that could be scored for this term."
    if guided is None or baseline is None:
        who = "guided" if baseline is None else role
        return f"Only the {who} autoencoder has a scored feature for this term, so there is nothing to compare."
    scores = f"{number(guided.test_f1)} guided, {number(baseline.test_f1)} {role}"
    if difference is None:
        return f"Held-out F1 is {scores}; whether one is ahead by more than chance was not measured."
    low, high = difference.difference_low, difference.difference_high
    interval = f"difference {difference.difference:+.2f}, 95 % interval {low:+.2f} to {high:+.2f}"
    paired = f"{scores}; {interval} over the same resampled proteins"
    if not difference.is_clear:
        return f"Neither is ahead by more than chance: held-out F1 {paired}."
    ahead = "The guided feature" if difference.difference > 0 else f"The {role} feature"
    return f"{ahead} is ahead: held-out F1 {paired}."


def species(organism: str) -> str:
    """An organism without its strain."""
    return organism.split(" (", maxsplit=1)[0]


def protein_name(accession: str, name: str, *, limit: int = 70) -> str:
    """A protein's name, shortened; its accession where it has none."""
    text = name or accession
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def called(score: float, judged: TermFeature) -> str:
    """How a protein stands to the threshold that calls a term: 'score 0.61, called above 0.42'."""
    verdict = "called" if score > judged.threshold else "not called, needs"
    return f"score {amount(score)}, {verdict} above {amount(judged.threshold)}"


def peak(accession: str, length: int, act: float, position: int | None = None) -> str:
    """'P00330 · 348 residues · peak 4.2 at 44'."""
    where = f" at {position}" if position else ""
    return f"{accession} · {length} residues · {f'peak {amount(act)}{where}' if act > 0 else 'silent'}"


def join(items: Sequence[str]) -> str:
    """'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
