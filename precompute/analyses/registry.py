"""The analyses that can be computed from a run, and the functions that do it.

The evaluation has settings and a command of its own (`python -m precompute evaluate`) and goes into the bundle by the
same door, `protsae.bundle.building.add_analysis`.

Read `COMPUTED`.
"""

from collections.abc import Callable
from pathlib import Path

from precompute.analyses import (
    alikeness,
    breadth,
    calibration,
    confounds,
    confusion,
    curves,
    dense,
    enriched,
    families,
    folds,
    maps,
    motifs,
    onsets,
    seeds,
    shortlist,
    sites,
    steerability,
    telling,
    themes,
)
from precompute.analyses.computed import Computed
from precompute.config import RunConfig

CREATED_BY = "precompute, ProtSAE Explorer"

Compute = Callable[[RunConfig, Path, Callable[[str], None]], Computed]
"""(settings of the run, its work folder, where to report progress) -> tables and settings; `out` of the settings is the
bundle, finished or half built"""

COMPUTED: dict[str, Compute] = {
    "alikeness": alikeness.compute,
    "breadth": breadth.compute,
    "calibration": calibration.compute,
    "confounds": confounds.compute,
    "confusion": confusion.compute,
    "curves": curves.compute,
    "dense": dense.compute,
    "enriched": enriched.compute,
    "families": families.compute,
    "folds": folds.compute,
    "maps": maps.compute,
    "motifs": motifs.compute,
    "onsets": onsets.compute,
    "seeds": seeds.compute,
    "shortlist": shortlist.compute,
    "sites": sites.compute,
    "steerability": steerability.compute,
    "telling": telling.compute,
    "themes": themes.compute,
}
"""By the names of `protsae.store.analyses.known.ANALYSES`."""

IN_EVERY_RUN = (
    "alikeness",
    "breadth",
    "calibration",
    "confounds",
    "confusion",
    "curves",
    "dense",
    "enriched",
    "families",
    "folds",
    "maps",
    "motifs",
    "shortlist",
    "sites",
    "telling",
    "themes",
)
"""Those that `python -m precompute run` computes, in this order (`maps` reads the families); the others are added to a
finished bundle."""
