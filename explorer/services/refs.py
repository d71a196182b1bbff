"""How the explorer names a feature; below links and look-ups, so that neither needs the other for it."""

from typing import NamedTuple


class FeatureRef(NamedTuple):
    """A feature of one of the bundle's SAEs."""

    sae: str
    feature: int
