"""What was measured of single features beyond their labels: look-ups kept while the bundle stays.

Read any look-up.
"""

from explorer.services.cached import bundle
from explorer.services.refs import FeatureRef
from protsae.store.analyses import dense
from protsae.store.analyses.dense import DenseTag


def dense_tags(ref: FeatureRef) -> list[DenseTag]:
    """What a dense feature may carry, those that hold first."""
    return dense.dense_tags(bundle().reader, *ref)
