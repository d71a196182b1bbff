"""How far an alignment is to be trusted, in words: its grade, what it beats, and the numbers behind both.

The rule is the store's (`protsae/store/grades.py`); no page has one of its own. Read `verdict`.
"""

from explorer.draw import words
from protsae.store.grades import MIN_TEST_POSITIVES, TERM_RULE, missed
from protsae.store.rows import FeatureAnnotation, TermFeature

BARS = {
    "shuffled": "shuffled labels",
    "all_positive": "calling every protein positive",
    "guessing": "guessing",
    "simple": "amino-acid composition",
}
"""What an alignment must beat, as in `protsae/store/grades.py`."""


def is_validated(row: TermFeature | FeatureAnnotation) -> bool:
    """Whether the store grades the alignment as strong or weak."""
    return row.grade != "none"


def grade_name(row: TermFeature | FeatureAnnotation) -> str:
    """What a badge calls the grade."""
    return row.grade if is_validated(row) else "not validated"


def verdict(term: TermFeature) -> str:
    """Two sentences on how far to trust the alignment: what it beats, and with which numbers."""
    if term.n_pos_test == 0:
        return "No test protein carries this term, so the alignment could not be checked."
    if term.n_pos_test < MIN_TEST_POSITIVES:
        return f"Only {words.count(term.n_pos_test, 'test protein')} with this term: too few to tell."
    beaten = words.join([BARS[hurdle.name] for hurdle in TERM_RULE.weak if hurdle.name in BARS])
    if term.grade == "strong":
        text = f"Strong: on unseen proteins it beats {beaten}, and {BARS['simple']}, too."
    elif term.grade == "weak":
        but = "is not clear of" if term.composition_auroc is not None else "was not held against"
        text = f"Weak: on unseen proteins it beats {beaten}, but {but} {BARS['simple']}."
    else:
        measured = [hurdle for hurdle in TERM_RULE.weak if getattr(term, hurdle.value) is not None]
        names = [BARS[hurdle.name] for hurdle in missed(term, measured)]
        text = f"Not confirmed: on unseen proteins it is not clear of {words.join(names) or BARS['guessing']}."
    return f"{text} {evidence(term)}"


def of_site(site: FeatureAnnotation) -> str:
    """The same for a kind of residue annotation, in one sentence."""
    return (
        f"On residues of unseen proteins: F1 {words.number(site.test_f1)} "
        f"{interval(site.test_f1_low, site.test_f1_high)}; calling every residue positive "
        f"{words.number(site.all_positive_f1)}; shifted annotations {words.number(site.null_f1)}; AUROC "
        f"{words.number(site.test_auroc)}, the amino acid alone {words.number(site.amino_acid_auroc)}."
    )


def evidence(term: TermFeature) -> str:
    """The numbers behind a verdict: 'F1 0.62 [0.50, 0.70]; calling every protein positive 0.31; ...'."""
    parts = [
        f"F1 {words.number(term.test_f1)} {interval(term.test_f1_low, term.test_f1_high)}",
        f"{BARS['all_positive']} {words.number(term.all_positive_f1)}",
        f"shuffled {words.number(term.null_f1)}",
        f"AUROC {words.number(term.test_auroc)} {interval(term.test_auroc_low, term.test_auroc_high)}".rstrip(),
        f"composition alone {words.number(term.composition_auroc)}",
    ]
    return f"{'; '.join(parts)}."


def interval(low: float | None, high: float | None) -> str:
    """'[0.50, 0.70]', '' where there is none."""
    return "" if low is None or high is None else f"[{words.number(low)}, {words.number(high)}]"
