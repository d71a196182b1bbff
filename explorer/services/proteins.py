"""What pages ask about stored proteins beyond `data.py`: relatives, sequences, traces of structures.

Read any look-up.
"""

from explorer.services.cached import bundle, cached_by_bundle
from protsae.store.rows import ProteinHit, ProteinRow


@cached_by_bundle(256)
def family(cluster: str) -> list[ProteinHit]:
    """Shipped proteins of a homology cluster, those with a structure first."""
    return bundle().reader.family(cluster)


def with_sequence(sequence: str) -> ProteinRow | None:
    """The shipped protein that has this very sequence, None where there is none."""
    return bundle().reader.with_sequence(sequence)
