"""The analysis `sites`: does a feature find the residues that carry its function, and do all features work?

The stage of that name has computed it; here its tables are taken as they are. Read `compute`.
"""

from collections.abc import Callable
from pathlib import Path

from precompute.align.site_tasks import LEAST, MOST
from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.pipeline.tables import read_table
from protsae.measures.site import N_SHIFTS
from protsae.store.analyses.sites import SITES


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """The tables of the stage."""
    tables = {table.name: read_table(work / "sites" / f"{table.name}.parquet") for table in SITES.tables}
    report(f"sites: {len(tables['feature_site'])} features beside {len(tables['site_baseline'])} baselines")
    settings = {"seed": config.seed, "least": dict(LEAST), "most": dict(MOST), "shifts": N_SHIFTS}
    return Computed(tables, settings)
