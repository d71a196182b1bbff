"""What is known of a feature residue by residue: the letters around its peaks, and how its proteins lie in space.

Read `motif`, then `superposed`.
"""

from typing import NamedTuple

import numpy as np

from explorer.components.ribbon import alpha_trace
from explorer.services import data
from explorer.services.cached import bundle, cached_by_bundle
from explorer.services.refs import FeatureRef
from protsae.store.analyses.motifs import MotifRow, motif_of
from protsae.store.rows import ExampleRow, StructureRow
from protsae.structure.superpose import LEAST, Chain, Fit, shared, superpose

BANDS = ("top", "3d", "with", "high", "low", "without")
MOST = 6
"""Structures that are laid over each other."""
MOST_TRIED = 12
"""Structures among which those are looked for."""
STRONG = 0.1
"""Share of the feature's maximum that the peak must reach: where it hardly fires it says nothing of the residue."""
AROUND = 5
"""Residues on either side of the peak that stand in for active ones where there are too few."""


class Placed(NamedTuple):
    """One protein of a superposition."""

    example: ExampleRow
    structure: StructureRow
    chain: Chain
    fit: Fit | None
    """On the first one; None for the first one itself."""


def motif(ref: FeatureRef) -> MotifRow | None:
    """The letters around the feature's strongest residues; None where it never fires, or nothing was counted."""
    return motif_of(bundle().reader, *ref)


class Superposed(NamedTuple):
    """Structures of different homology families in one frame."""

    placed: list[Placed]
    """The first one stays where it is; the others are laid over it, the strongest activation first. At least two."""
    on_active: bool
    """They correspond by residues on which the feature fires in both; else by all residues next to the peak."""


@cached_by_bundle(32, shared=True, spinner="Laying the structures over each other …")
def superposed(ref: FeatureRef) -> Superposed | None:
    """Structures of different homology families, each laid over the first where the feature fires.

    The first is the one over which most others can be laid, of equals the one on which the feature fires most strongly.
    Where it fires on fewer than `LEAST` residues that correspond, as a feature of single residues does, the `AROUND`
    residues on either side of the peak take their place. None where fewer than two structures can be laid together.
    """
    tried = _in_space(ref)
    for on_active in (True, False):
        chains = [chain_of(example, structure, on_active=on_active) for example, structure in tried]
        found = _laid([Placed(*one, chain, None) for one, chain in zip(tried, chains, strict=True)])
        if found:
            return Superposed(found, on_active)
    return None


def _laid(tried: list[Placed]) -> list[Placed]:
    partners = [
        sum(len(shared(one.chain, other.chain)) >= LEAST for other in tried if other is not one) for one in tried
    ]
    if not any(partners):
        return []
    first = tried[int(np.argmax(partners))]
    fits = [one._replace(fit=superpose(one.chain, first.chain)) for one in tried if one is not first]
    return [first, *(one for one in fits if one.fit is not None)][:MOST]


def chain_of(example: ExampleRow, structure: StructureRow, *, on_active: bool) -> Chain:
    """A structure's C-alphas with the peak, and which residues may correspond to others'."""
    places = alpha_trace(structure.pdb)
    positions = np.asarray(structure.positions[: len(places)], dtype=int)
    near = np.abs(positions - example.peak_pos) <= AROUND
    counts = np.isin(positions, example.positions) if on_active else near
    return Chain(places, positions, counts & (positions > 0), example.peak_pos)


def _in_space(ref: FeatureRef) -> list[tuple[ExampleRow, StructureRow]]:
    """Examples whose peak is strong and seen in a structure, the strongest first, one of each homology cluster."""
    feature = data.feature(ref)
    least = STRONG * feature.max_act if feature is not None else 0.0
    examples = (row for band in BANDS for row in data.examples(ref, band))
    found = {row.accession: row for row in examples if row.has_structure and row.peak_act >= max(least, 1e-9)}
    seen: set[str] = set()
    kept: list[tuple[ExampleRow, StructureRow]] = []
    for row in sorted(found.values(), key=lambda row: (-row.peak_act, row.accession)):
        protein, structure = data.protein(row.accession), data.structure(row.accession)
        if protein is None or structure is None or protein.cluster in seen or row.peak_pos not in structure.positions:
            continue
        seen.add(protein.cluster)
        kept.append((row, structure))
        if len(kept) == MOST_TRIED:
            break
    return kept
