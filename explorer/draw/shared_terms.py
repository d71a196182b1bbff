"""What a feature's strongest proteins have in common, in words. Read `lead`."""

from collections.abc import Sequence

from explorer.draw import downloads, words
from protsae.store.analyses.enriched import EnrichedSummary, EnrichedTerm

HELP = (
    "The hundredth of all protein families with the strongest residue, one vote a family, against all others: which GO "
    "terms and annotations do they carry more often than luck gives (hypergeometric test, corrected for all features "
    "and terms)? Found on training and validation families; beside it what test families say. It is about the "
    "strongest proteins only, so it does not say that the feature calls every protein with the term: its label does."
)


def lead(terms: Sequence[EnrichedTerm]) -> str:
    """The surest terms in one sentence; test alone decides whether they are said to be shared."""
    if not terms:
        return "Nothing known is carried by them more often than luck gives."
    held = [term for term in terms if term.is_confirmed]
    if not held:
        return (
            "Something was found among families that trained it, but none of it on test families: take it as a guess."
        )
    told = [f"{term.name} ({times(term)} as often as by chance)" for term in held]
    return f"On test families, too, they share {words.join(told)}."


def times(term: EnrichedTerm) -> str:
    """How many times as often as luck on test, as text."""
    return f"{term.test_hits / max(term.test_expected, 1e-9):.0f} times"


def rows(terms: Sequence[EnrichedTerm]) -> list[tuple[str, ...]]:
    """Of every term what was found, and what test says."""
    return [
        (
            f"{term.name}{f' and {term.n_merged} near it' if term.n_merged else ''}",
            f"{term.n_hits} of {term.n_set}",
            f"{term.n_carry} of {term.n_universe:,}",
            chance(term.q_value),
            on_test(term),
        )
        for term in terms
    ]


def on_test(term: EnrichedTerm) -> str:
    """Hits on test beside what luck gives."""
    return f"{term.test_hits} of {term.test_set}, luck {term.test_expected:.1f} (p {chance(term.test_p)})"


def chance(value: float) -> str:
    """A small probability as text."""
    return "< 1e-30" if value < 1e-30 else f"{value:.1g}"


def overall(found: EnrichedSummary) -> str:
    """All unguided features of an SAE in one sentence, with the nulls."""
    return (
        f"{found.n_found:,} of {found.n_features:,} unguided features have such a term (terms dealt at random: "
        f"{found.null_found:.0f}); for {found.n_confirmed:,} test confirms the surest (dealt at random: "
        f"{found.null_confirmed:.0f})."
    )


def csv(terms: Sequence[EnrichedTerm]) -> str:
    """Every number."""
    return downloads.table_csv([*EnrichedTerm._fields], [[*term] for term in terms])
