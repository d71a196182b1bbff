"""Proteins that a feature calls although they are not annotated with its term.

Read `shortlist_of`.
"""

from typing import NamedTuple

from explorer.services.cached import bundle, cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.store.analyses import shortlist
from protsae.store.analyses.shortlist import CandidateList, CandidateRow, ListQuality


class Shortlist(NamedTuple):
    """A feature's list and what it is drawn from."""

    facts: CandidateList
    rows: list[CandidateRow]


def shortlist_of(ref: FeatureRef) -> Shortlist | None:
    """The list of a feature; None where it has none, because no GO term that holds names it."""
    facts = shortlist.candidate_list(bundle().reader, *ref)
    return None if facts is None else Shortlist(facts, shortlist.candidates(bundle().reader, *ref))


@cached_by_bundle(8)
def quality(sae: str) -> ListQuality | None:
    """How well the lists of an autoencoder find annotations that were hidden, in the mean."""
    return shortlist.list_quality(bundle().reader, sae)


def sequences(accessions: list[str]) -> dict[str, str]:
    """Of those proteins that the bundle ships."""
    return {row.accession: row.sequence for row in bundle().reader.proteins(accessions)}
