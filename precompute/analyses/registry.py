"""The analyses that can be computed from a run, and the functions that do it.

The evaluation has settings and a command of its own (`python -m precompute evaluate`) and goes into the bundle by the
same door, `protsae.bundle.building.add_analysis`.

Read `COMPUTED`.
"""

from collections.abc import Callable
from pathlib import Path

from precompute.analyses import (
    calibration,
    confounds,
    confusion,
    curves,
    families,
    maps,
    motifs,
    shortlist,
    sites,
    steerability,
    themes,
)
from precompute.analyses.computed import Computed
from precompute.config import RunConfig

CREATED_BY = "precompute, ProtSAE Explorer"

Compute = Callable[[RunConfig, Path, Callable[[str], None]], Computed]
"""(settings of the run, its work folder, where to report progress) -> tables and settings; `out` of the settings is the
bundle, finished or half built"""

COMPUTED: dict[str, Compute] = {
    "calibration": calibration.compute,
    "confounds": confounds.compute,
    "confusion": confusion.compute,
    "curves": curves.compute,
    "families": families.compute,
    "maps": maps.compute,
    "motifs": motifs.compute,
    "shortlist": shortlist.compute,
    "sites": sites.compute,
    "steerability": steerability.compute,
    "themes": themes.compute,
}
"""By the names of `protsae.store.analyses.known.ANALYSES`."""

IN_EVERY_RUN = (
    "calibration",
    "confounds",
    "confusion",
    "curves",
    "families",
    "maps",
    "motifs",
    "shortlist",
    "sites",
    "themes",
)
"""Those that `python -m precompute run` computes, in this order (`maps` reads the families); the others are added to a
finished bundle."""
