"""The analyses that this version knows, by name: read `ANALYSES`."""

from protsae.store.analyses.alikeness import ALIKENESS
from protsae.store.analyses.breadth import BREADTH
from protsae.store.analyses.calibration import CALIBRATION
from protsae.store.analyses.confounds import CONFOUNDS
from protsae.store.analyses.confusion import CONFUSION
from protsae.store.analyses.contract import Analysis
from protsae.store.analyses.curves import CURVES
from protsae.store.analyses.dense import DENSE
from protsae.store.analyses.enriched import ENRICHED
from protsae.store.analyses.evaluation import EVALUATION
from protsae.store.analyses.explanations import EXPLANATIONS
from protsae.store.analyses.families import FAMILIES
from protsae.store.analyses.folds import FOLDS
from protsae.store.analyses.maps import MAPS
from protsae.store.analyses.motifs import MOTIFS
from protsae.store.analyses.onsets import ONSETS
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.analyses.seeds import SEEDS
from protsae.store.analyses.shortlist import SHORTLIST
from protsae.store.analyses.sites import SITES
from protsae.store.analyses.steerability import STEERABILITY
from protsae.store.analyses.telling import TELLING
from protsae.store.analyses.themes import THEMES

ANALYSES = {
    analysis.name: analysis
    for analysis in (
        ALIKENESS,
        BREADTH,
        CALIBRATION,
        CONFOUNDS,
        CONFUSION,
        CURVES,
        DENSE,
        ENRICHED,
        EVALUATION,
        EXPLANATIONS,
        FAMILIES,
        FOLDS,
        MAPS,
        MOTIFS,
        ONSETS,
        SEEDS,
        SHORTLIST,
        SITES,
        STEERABILITY,
        TELLING,
        THEMES,
    )
}


def present(reader: AnalysisQueries) -> list[Analysis]:
    """Those that a bundle has and that can be read."""
    return [analysis for analysis in ANALYSES.values() if not reader.absence(analysis)]
