"""The autoencoders of the suite that is open: its registry, or that of a bundle alone. Read `entries`."""

from collections import defaultdict

from explorer.services import data
from explorer.services.cached import cached_by_bundle, member, suite
from protsae.bundle.suite import Entry, registry_of


def entries() -> tuple[Entry, ...]:
    """Every autoencoder of the suite; of the open bundle where it is alone."""
    found = suite()
    return _alone() if found is None else found.entries


@cached_by_bundle(2, shared=True)
def _alone() -> tuple[Entry, ...]:
    return registry_of({"": data.bundle()}).entries


def is_one() -> bool:
    """Whether there is a choice of place or width: a folder of bundles, or a bundle with one autoencoder at several."""
    widths = defaultdict[tuple[str, str, str], set[int]](set)
    for row in data.saes():
        if row.role != "imported":
            widths[row.role, row.architecture, row.namespace].add(row.d_sae)
    return suite() is not None or any(len(several) > 1 for several in widths.values())


def entry(sae: str) -> Entry:
    """What the registry says of an autoencoder of the open bundle."""
    here = member()
    return next(one for one in entries() if (one.bundle, one.sae) == (here, sae))


def layers() -> int:
    """Layers of the language model."""
    return data.bundle().plm.num_layers
