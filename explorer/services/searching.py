"""What a text finds in the bundle: terms, proteins, annotation kinds and features. Read `search`."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from explorer.services.cached import bundle, cached_by_bundle
from protsae.store.rows import AnnotationHit, FeatureHit, ProteinHit, TermHit
from protsae.store.search import EVERYTHING


class SearchResult(NamedTuple):
    """What a search text finds, by kind."""

    terms: list[TermHit]
    proteins: list[ProteinHit]
    annotations: list[AnnotationHit]
    features: list[FeatureHit]


def search(text: str) -> SearchResult:
    """All terms, proteins, annotation kinds and labelled features that match `text`, best first."""
    return _search(text.strip())


@cached_by_bundle(64, shared=True)
def _search(text: str) -> SearchResult:
    """Terms, which take as long as all else, beside the rest; the store computes without Python's lock."""
    reader = bundle().reader
    with ThreadPoolExecutor(1) as beside:
        terms = beside.submit(reader.search_terms, text, EVERYTHING)
        proteins = reader.search_proteins(text, EVERYTHING)
        annotations = reader.search_annotations(text, EVERYTHING)
        features = reader.search_features(text, EVERYTHING)
        return SearchResult(terms.result(), proteins, annotations, features)


def search_proteins(text: str) -> list[ProteinHit]:
    """All proteins that match `text`, best first; those that are merely near say so."""
    return bundle().reader.search_proteins(text.strip(), EVERYTHING)
