"""What may stand beside the store: analyses, each a folder of small Parquet tables with a version of its own.

    BUNDLE/analyses/<name>/analysis.json    name, version, bundle_id, created_by, settings, rows and hash of each table
    BUNDLE/analyses/<name>/<table>.parquet

The store holds what every page needs. An analysis can be added to a finished bundle, and a bundle without it, or with
one of another version, opens all the same. This is the contract between `precompute/analyses/`, which computes them,
and the explorer, which shows those that are there. `version` rises with every change to an analysis' tables.

Read `Analysis`, then `ANALYSES`; the files are written and read by `analysis_files.py`.
"""

from typing import Literal, NamedTuple

FOLDER = "analyses"
"""In a bundle, beside the store."""

ColumnType = Literal["VARCHAR", "BOOLEAN", "INTEGER", "REAL", "DOUBLE"]


class Column(NamedTuple):
    """One column of a table."""

    name: str
    type: ColumnType
    meaning: str
    """With its unit or range."""
    optional: bool = False
    """It may be NULL."""


class Table(NamedTuple):
    """One table; its rows lie sorted by `sorted_by`."""

    name: str
    """Of the file, and of the table in the reader's memory: not that of another table of store or analyses."""
    columns: tuple[Column, ...]
    sorted_by: tuple[str, ...]


class Analysis(NamedTuple):
    """What one analysis is called, holds and needs."""

    name: str
    """The folder below `analyses/`, and what `python -m precompute` calls it."""
    version: int
    meaning: str
    reads: tuple[str, ...]
    """Stages of the run whose results it is computed from."""
    tables: tuple[Table, ...]
    own_command: str = ""
    """That computes it, where `analyse` does not."""

    def command(self, bundle: str = "BUNDLE") -> str:
        """What a shell runs to add it to a finished bundle."""
        what = f"{self.own_command} {bundle}" if self.own_command else f"analyse {bundle} {self.name}"
        return f"python -m precompute {what}"


EVALUATION = Analysis(
    name="evaluation",
    version=1,
    meaning="Every method, ablation and seed, trained on the bundle's embeddings and scored on held-out proteins",
    reads=("proteins", "embed"),
    own_command="evaluate",
    tables=(
        Table(
            name="evaluation",
            columns=(
                Column("part", "VARCHAR", "main | ablation | sparsity | guidance"),
                Column("method", "VARCHAR", "as shown: 'ProtSAE', 'TopK', 'no detach', ..."),
                Column("namespace", "VARCHAR", "MFO | BPO | CCO; '' where the number is the same for all three"),
                Column("k", "INTEGER", "features that TopK keeps, or the L0 aimed at; 0 where there is none"),
                Column("seed", "INTEGER", "of the training"),
                Column("metric", "VARCHAR", "a key of METRICS in evaluation/metrics.py"),
                Column("value", "DOUBLE", "in the metric's own unit; NaN where it is undefined"),
            ),
            sorted_by=("part", "method", "namespace", "k", "seed", "metric"),
        ),
    ),
)

CONFOUNDS = Analysis(
    name="confounds",
    version=1,
    meaning="How well simple facts alone predict where a feature fires",
    reads=("confounds",),
    tables=(
        Table(
            name="feature_confound",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; features that never fire have no rows"),
                Column("confound", "VARCHAR", "amino_acid | position | length | family | organism | ..."),
                Column(
                    "auroc",
                    "REAL",
                    "of the predicted rate against firing; NULL where undefined",
                    optional=True,
                ),
                Column(
                    "f1", "REAL", "at the threshold best on valid, scored on test (family: at half of the relatives)"
                ),
                Column("null_f1", "REAL", "the same after shuffling the confound"),
                Column(
                    "explains", "BOOLEAN", "this fact alone explains when it fires; true for one of a feature at most"
                ),
            ),
            sorted_by=("sae", "feature", "confound"),
        ),
    ),
)

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

STEERABILITY = Analysis(
    name="steerability",
    version=1,
    meaning="Whether raising a validated feature raises its own function on held-out proteins, more than controls do",
    reads=("proteins", "embed"),
    tables=(
        Table(
            name="steerability",
            columns=(
                Column("sae", "VARCHAR", "name of the SAE"),
                Column("feature", "INTEGER", "0-based index in its SAE; validated features only"),
                Column("go_id", "VARCHAR", "the term that is read out: its guiding one, else its best"),
                Column("probe_auroc", "REAL", "of the linear read-out of that term on test proteins, 0 to 1"),
                Column("n_proteins", "INTEGER", "test proteins without the term, steered"),
                Column(
                    "effect", "REAL", "change of the term's log-odds when the feature is raised by its p99_act; mean"
                ),
                Column("random_feature", "REAL", "the same for a random feature of matched density, one a protein"),
                Column("random_direction", "REAL", "the same for a random direction, pushed as far as the feature"),
                Column("difference", "REAL", "effect - random_feature"),
                Column("difference_low", "REAL", "95 % bootstrap interval over proteins"),
                Column("difference_high", "REAL", "95 % bootstrap interval over proteins"),
                Column(
                    "p_value", "DOUBLE", "one-sided; the larger of two paired sign-flip tests, one against each control"
                ),
                Column("q_value", "DOUBLE", "p_value after Benjamini and Hochberg, over all features of the table"),
                Column("n_changed", "REAL", "residues that differ after the feature was raised; mean"),
                Column("n_changed_random", "REAL", "the same for the random feature"),
                Column(
                    "surprisal_change", "REAL", "mean -ln p of the PLM at hidden residues, after minus before; nats"
                ),
                Column(
                    "specificity",
                    "REAL",
                    "share of the other read-out terms that it raises less than its own, 0 to 1; .5 by chance",
                ),
            ),
            sorted_by=("sae", "feature"),
        ),
    ),
)

STEERABLE_Q = 0.1
"""A feature raises its own function where its difference is positive and its q_value lies below this."""

ANALYSES = {analysis.name: analysis for analysis in (CONFOUNDS, EVALUATION, SITES, STEERABILITY)}
"""All analyses that this version knows, by name."""
