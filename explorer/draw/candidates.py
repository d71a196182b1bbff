"""What the explorer says of proteins that a feature calls without their being annotated: never that they are found.

Read `verdict`, then `header`.
"""

from collections.abc import Mapping, Sequence

from explorer.draw import downloads, words
from protsae.store.analyses.shortlist import CandidateList, CandidateRow, ListQuality

HELP = (
    "Proteins whose score lies above this feature's frozen threshold although neither its term nor one below it stands "
    "in their annotation. Each may be a gap in the database or an error of the feature: candidates to check, not "
    "findings. At most 20, those with the highest score; where there are more, half of the places go to those that "
    "neither a relative nor a wider annotation explains."
)
KINS = {
    "family": "probably just family: a relative has the term",
    "wider": "probably just a wider term: its parent is annotated",
    "sibling": "a sibling term is annotated: perhaps that is what fires",
    "far": "annotated, but with nothing near",
    "unknown": "nothing annotated in this sub-ontology",
}
NONE_FREE = "The feature is called after no GO term that holds, so there is no term whose annotation could be missing."


def verdict(row: CandidateRow) -> str:
    """What makes a candidate unsurprising, or that nothing does."""
    near = f" ({row.near_name or row.near_go_id})" if row.near_go_id and row.kin != "family" else ""
    return f"{KINS.get(row.kin, row.kin)}{near}"


def right(row: CandidateRow) -> str:
    """How many test proteins with this score or a higher one carry the term: '3 of 5'."""
    if row.precision is None or not row.n_above:
        return "no test protein"
    return f"{round(row.precision * row.n_above)} of {row.n_above}"


def relatives(row: CandidateRow) -> str:
    """How many of its homology cluster carry the term, and which."""
    if not row.n_relatives:
        return "no relatives here"
    named = f": {', '.join(row.carriers.split())}{' …' if row.n_carriers > 2 else ''}" if row.n_carriers else ""
    return f"{row.n_carriers} of {row.n_relatives}{named}"


def others(row: CandidateRow) -> str:
    """How many other features with the same label call it, too."""
    return f"{row.n_others_call} of {row.n_others}" if row.n_others else "no other"


def site(row: CandidateRow, *, has_site: bool) -> str:
    """Residue annotations that speak for the term."""
    return row.site or ("none" if has_site else "none that could")


def header(facts: CandidateList, term_name: str) -> str:
    """How many it calls without the term, beside chance."""
    return (
        f"Of {words.count(facts.n_called, 'annotated protein')} that it calls, {facts.n_lacking:,} lack "
        f"“{term_name}” and every term below it; were the term dealt out at random, {facts.null_lacking:,.0f} would. "
        f"It also calls {words.count(facts.n_unknown, 'protein')} without any annotation in the sub-ontology."
    )


def tested(facts: CandidateList, mean: ListQuality | None) -> str:
    """How well such lists find annotations that were hidden, beside lists drawn at random and by composition."""
    if facts.recall is None or facts.found is None:
        own = "Too few test proteins carry the term to test this feature's list."
    else:
        own = (
            f"Tested by hiding the term of a fifth of its test proteins ({facts.n_hidden}): this feature's list of at "
            f"most 20 finds {words.percent(facts.recall)} of them (drawn at random {_share(facts.null_recall)}, by "
            f"amino-acid composition {_share(facts.composition_recall)}); {words.percent(facts.found)} of the list "
            f"were hidden ones (at random {_share(facts.null_found)}, by composition "
            f"{_share(facts.composition_found)})."
        )
    if mean is None:
        return own
    return (
        f"{own} Mean of {words.count(mean.n_lists, 'list')} of this autoencoder: finds {_share(mean.recall)} (random "
        f"{_share(mean.null_recall)}, composition {_share(mean.composition_recall)}), {_share(mean.found)} of a list "
        f"hidden (random {_share(mean.null_found)}, composition {_share(mean.composition_found)}). The features were "
        "graded on the same test proteins, so expect a little less."
    )


def _share(value: float | None) -> str:
    return "-" if value is None else words.percent(value)


FIELDS = [*CandidateRow._fields]


def table_csv(rows: Sequence[CandidateRow], facts: CandidateList) -> str:
    """Every candidate with all its evidence, one line each."""
    own = (facts.sae, facts.feature, facts.go_id)
    return downloads.table_csv(["sae", "feature", "go_id", *FIELDS], [(*own, *row) for row in rows])


def fasta(
    rows: Sequence[CandidateRow], sequences: Mapping[str, str], facts: CandidateList, term_name: str, bundle: str
) -> str:
    """Sequences of the candidates that are shipped; headers name accession, protein, term, score and bundle."""
    return "".join(
        downloads.fasta(
            f"{row.accession} {row.protein_name} | candidate for {facts.go_id} {term_name} | score {row.score:.4g} of "
            f"{facts.sae} {facts.feature} | bundle {bundle}",
            sequences[row.accession],
        )
        for row in rows
        if row.accession in sequences
    )
