"""What was measured over the whole bundle, for the page that sums it up: look-ups kept while the bundle stays.

Read any look-up.
"""

import pandas as pd

from explorer.services.cached import bundle, cached_by_bundle
from protsae.store.analyses.sites import SITES
from protsae.store.rows import TermFeature


@cached_by_bundle(4)
def guiding(sae: str) -> list[TermFeature]:
    """Every guided feature of an SAE with its own term."""
    return bundle().reader.guiding_features(sae)


@cached_by_bundle(4)
def differences(guided: str, other: str) -> pd.DataFrame:
    """Every guiding term of one SAE, its scores and those of another SAE's best feature."""
    return bundle().reader.compare_table(guided, other)


@cached_by_bundle(2)
def sites() -> tuple[pd.DataFrame, pd.DataFrame]:
    """How well features find named residues, and how well simpler means do; no rows where it was not measured."""
    reader = bundle().reader
    return reader.analysis_table(SITES, "feature_site"), reader.analysis_table(SITES, "site_baseline")


@cached_by_bundle(2)
def liveness() -> pd.DataFrame:
    """How many features of each SAE fire often enough, and how many too often; no rows where it was not measured."""
    return bundle().reader.analysis_table(SITES, "sae_liveness")
