"""The analysis `confounds`: how well simple facts alone predict where a feature fires, and which of them explains it.

The stage of that name has computed both, for every feature; here they become one table. Read `compute`.
"""

from collections.abc import Callable
from pathlib import Path

from precompute.analyses.computed import Computed
from precompute.config import RunConfig
from precompute.features.confounds import MIN_AUROC, MIN_F1, MIN_GAIN
from precompute.pipeline.tables import read_table


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Rows of `feature_confound`, with the verdict in `explains`."""
    rows = read_table(work / "confounds" / "feature_confound.parquet")
    verdicts = read_table(work / "confounds" / "explained.parquet")
    joined = rows.merge(verdicts, on=["sae", "feature"], how="left", suffixes=("", "_named"), validate="many_to_one")
    explains = (joined["confound"] == joined["confound_named"]).fillna(value=False).astype(bool)
    report(f"confounds: {int(explains.sum())} features explained by one fact")
    settings = {"seed": config.seed, "min_f1": MIN_F1, "min_auroc": MIN_AUROC, "min_gain": MIN_GAIN}
    return Computed({"feature_confound": joined.assign(explains=explains)}, settings)
