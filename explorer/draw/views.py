"""From rows of the store to what `ProteinView` draws: strips with their full colour, tracks, structure.

Read `full_colour`: it is the one rule for every strip and structure of the explorer.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

from explorer.components.protein_view import StripRow, StructureView, Track
from protsae.store.rows import AnnotationRow, FeatureRow, StructureRow
from protsae.structure.origin import caption


def full_colour(features: Sequence[FeatureRow], scale: str) -> list[float]:
    """Activation that gets the ramp's full colour, per feature; never taken from one protein.

    Args:
        features: Features shown together.
        scale: 'normalised': each feature's 99.9th percentile over the corpus. 'raw': the largest maximum of all, so
            that equal activations get equal colours.
    """
    if scale == "raw":
        return [max((row.max_act for row in features), default=0.0) or 1.0] * len(features)
    return [row.p999_act or row.max_act or 1.0 for row in features]


def strip(
    name: str, values: Float[np.ndarray, " n_residues"], scale: float, href: str | None = None, *, code: str = ""
) -> StripRow:
    """One row of a ProteinView; `code` names its autoencoder and feature in files."""
    return StripRow(label=name, values=values, scale=scale, href=href, code=code)


def tracks(annotations: Iterable[AnnotationRow]) -> list[Track]:
    """One track for every kind of annotation, those with fewest residues (sites) first."""
    regions: dict[str, list[tuple[int, int, str]]] = {}
    for row in annotations:
        regions.setdefault(row.kind, []).append((row.start_pos, row.end_pos, row.label))
    order = sorted(regions, key=lambda kind: sum(end - start + 1 for start, end, _ in regions[kind]))
    return [Track(name=kind, regions=regions[kind]) for kind in order]


def structure(row: StructureRow | None) -> StructureView | None:
    """A stored structure with its caption."""
    if row is None:
        return None
    name = caption(row.pdb_id, row.chain, row.resolution, row.pdb)
    return StructureView(
        pdb=row.pdb,
        positions=[int(position) for position in row.positions],
        author_numbers=row.author_numbers,
        title=f"{name}, covers {100 * row.coverage:.0f} % of the sequence.",
    )
