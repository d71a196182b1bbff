"""Which features one simple fact alone explains: one look-up for all features of an autoencoder.

Read `explained`.
"""

from explorer.services.cached import bundle, cached_by_bundle
from protsae.store.analyses.confounds import ExplainedRow, explained_features


@cached_by_bundle(8, shared=True)
def explained(sae: str) -> dict[int, ExplainedRow]:
    """By feature; those that nothing explains are not in it."""
    return {row.feature: row for row in explained_features(bundle().reader, sae)}
