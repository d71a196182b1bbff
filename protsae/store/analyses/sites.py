"""The analysis `sites`: whether features find the residues that carry a function.

Read `SITES`, then `feature_sites` and `site_table`.
"""

from typing import NamedTuple

import pandas as pd

from protsae.store.analyses.contract import Analysis, Column, Table
from protsae.store.analyses.reading import AnalysisQueries
from protsae.store.queries import columns

_BASELINES = ("letter", "window", "neuron", "probe")
_OF_TERM = "site_baseline WHERE site_baseline.go_id = found.go_id"

_SITE_SCORES = (
    Column("n_proteins", "INTEGER", "test proteins with named residues that were judged"),
    Column("n_residues", "INTEGER", "named residues of these"),
    Column("ap", "REAL", "mean over test proteins of the average precision within the protein", optional=True),
    Column("auroc", "REAL", "mean over test proteins of the AUROC within the protein", optional=True),
    Column("pooled_ap", "REAL", "average precision over the residues of all these proteins", optional=True),
    Column("pooled_auroc", "REAL", "AUROC over the residues of all these proteins", optional=True),
    Column("f1", "REAL", "over the same, at the threshold best on valid", optional=True),
    Column("null_ap", "REAL", "ap with the named residues shifted along each protein", optional=True),
    Column("null_f1", "REAL", "f1 with the same shifts", optional=True),
)

SITES = Analysis(
    name="sites",
    version=1,
    meaning="Whether features find the residues that carry a function, inside proteins that have it",
    reads=("sites",),
    tables=(
        Table(
            name="feature_site",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE"),
                Column("go_id", "VARCHAR", "whose residues it is judged by"),
                Column("is_guiding", "BOOLEAN", "the term guided it; else it is its SAE's best on valid for the term"),
                *_SITE_SCORES,
                Column(
                    "top_share", "REAL", "share of a protein's activation in its top 5 % of residues", optional=True
                ),
                Column("density", "REAL", "share of the residues of all test proteins on which it fires"),
            ),
            sorted_by=("sae", "feature", "go_id"),
        ),
        Table(
            name="site_baseline",
            columns=(
                Column("go_id", "VARCHAR", "whose residues are looked for"),
                Column("baseline", "VARCHAR", "letter | window | probe | neuron"),
                *_SITE_SCORES,
            ),
            sorted_by=("go_id", "baseline"),
        ),
        Table(
            name="sae_liveness",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("n_residues", "INTEGER", "of all test proteins"),
                Column("share_live", "REAL", "features that fire on at least one residue in 10,000"),
                Column("share_dense", "REAL", "features that fire on more than a tenth of residues"),
                Column("guided_density", "REAL", "median share of residues, of guided features", optional=True),
            ),
            sorted_by=("sae",),
        ),
    ),
)


class FeatureSite(NamedTuple):
    """How well a feature finds the residues that carry a term's function, beside what else finds them."""

    go_id: str
    term_name: str
    is_guiding: bool
    """The term guided the feature; else the feature is its SAE's best on validation proteins."""
    n_proteins: int
    """Unseen proteins with named residues."""
    n_residues: int
    """Named residues of these."""
    ap: float | None
    """Average precision within a protein, mean over proteins; so are the others that end in _ap."""
    null_ap: float | None
    """With the named residues shifted along each protein."""
    auroc: float | None
    f1: float | None
    top_share: float | None
    """Share of a protein's activation in its top 5 % of residues."""
    density: float
    """Share of the residues of all test proteins."""
    letter_ap: float | None
    """Of the amino acid alone."""
    window_ap: float | None
    """Of a regression on the letters of 15 residues."""
    neuron_ap: float | None
    """Of the best single dimension of the language model's states."""
    unguided_ap: float | None
    """Of the best feature of an SAE that no term guides."""
    probe_ap: float | None
    """Of a regression on the language model's states, fitted on named residues: the ceiling."""


def feature_sites(reader: AnalysisQueries, sae: str, feature: int) -> list[FeatureSite]:
    """How well it finds named residues, its guiding term first; empty where it is judged by none."""
    if reader.absence(SITES):
        return []
    source = {f"{name}_ap": f"(SELECT ap FROM {_OF_TERM} AND baseline = '{name}')" for name in _BASELINES}
    source |= {
        "term_name": "coalesce((SELECT name FROM go_term WHERE go_term.go_id = found.go_id), go_id)",
        "unguided_ap": "(SELECT max(ap) FROM feature_site AS other "
        "WHERE other.go_id = found.go_id AND NOT other.is_guiding)",
    }
    query = f"""
        SELECT sae AS _sae, feature AS _feature, {columns(FeatureSite, **source)} FROM feature_site AS found
        ORDER BY sae, feature, is_guiding DESC, ap DESC, go_id
    """
    return reader.held(FeatureSite, query, "_sae", "_feature").of(sae, feature)


def site_table(reader: AnalysisQueries, guided: str, baseline: str) -> pd.DataFrame:
    """All terms that are judged by residues: average precision inside proteins of two SAEs' features, and what else.

    Columns: go_id, namespace, n_proteins, n_residues, guided_site, guided_site_null, guided_feature, the same with
    baseline_, and letter_site, window_site, neuron_site, probe_site; no rows where the analysis is absent.
    """
    names = ["go_id", "namespace", "n_proteins", "n_residues"]
    names += [f"{side}_{what}" for side in ("guided", "baseline") for what in ("site", "site_null", "feature")]
    if reader.absence(SITES):
        return pd.DataFrame(columns=[*names, *(f"{name}_site" for name in _BASELINES)])
    others = ", ".join(
        f"(SELECT ap FROM site_baseline b WHERE b.go_id = g.go_id AND baseline = '{name}') AS {name}_site"
        for name in _BASELINES
    )
    query = f"""
        SELECT g.go_id, t.namespace, g.n_proteins, g.n_residues, g.ap AS guided_site, g.null_ap AS guided_site_null,
            g.feature AS guided_feature, o.ap AS baseline_site, o.null_ap AS baseline_site_null,
            o.feature AS baseline_feature, {others}
        FROM (SELECT * FROM feature_site WHERE sae = $1
            QUALIFY row_number() OVER (PARTITION BY go_id ORDER BY is_guiding DESC, feature) = 1) g
        JOIN go_term t ON t.go_id = g.go_id
        LEFT JOIN (SELECT * FROM feature_site WHERE sae = $2
            QUALIFY row_number() OVER (PARTITION BY go_id ORDER BY feature) = 1) o ON o.go_id = g.go_id
        ORDER BY g.go_id
    """
    return reader.frame(query, [guided, baseline])
