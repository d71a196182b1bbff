"""Which proteins are shown for each feature, and the residues on which it fires there.

Chosen from the pooled scores and from what the feature is called, then gathered in one pass over the sparse codes; see
`precompute/features/examples.py`. Writes

    example_band.parquet    columns of `example_band`
    example.parquet         columns of `example`, positions from 0

Read `run`.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import csc_array

from precompute.config import RunConfig
from precompute.corpus.codes import code_path, read_codes, runs_of
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import Corpus, Shard, read_corpus
from precompute.corpus.trained import read_trained
from precompute.features.counts import read_pooled
from precompute.features.examples import Chosen, ExampleRow, ExampleRows, LabelScore, Shown, choose_examples
from precompute.pipeline.engines import engine_of
from precompute.pipeline.executors import Emit, Job, in_order
from precompute.pipeline.folders import Folder
from precompute.pipeline.progress import Meter, Report
from precompute.stages.activations import codes_of
from protsae.ontology.namespaces import WHOLE_GO, members
from protsae.shards import shard_name


def run(config: RunConfig, work: Path, report: Report) -> dict[str, int | float | str]:
    """Write both tables."""
    corpus, saes, folder = read_corpus(work), read_trained(work), work / "examples"
    terms = pd.read_parquet(work / "proteins" / "go_term.parquet", columns=["go_id", "namespace"])
    shown = _shown(work, corpus, terms)
    stats = pd.read_parquet(work / "statistics" / "feature_stats.parquet", columns=["sae", "feature", "max_act"])
    named = _named(work, terms)
    meter = Meter(report, "examples", len(saes) * corpus.n_residues)
    bands, examples = [], []
    for sae in saes:
        own = named.loc[named["sae"] == sae.name]
        names = LabelScore(*(own[field].to_numpy() for field in LabelScore._fields))
        chosen = choose_examples(read_pooled(work / "statistics" / f"{sae.name}.pooled.npz"), shown, names)
        max_act = stats.loc[stats["sae"] == sae.name].sort_values("feature")["max_act"].to_numpy()
        rows = ExampleRows(chosen, max_act, corpus.accession)
        make = partial(_gatherer, codes_of(config, work, sae), chosen, max_act, corpus.accession)
        with engine_of(config).session(make, meter.advance, lambda shard: f"shard {shard.number}") as session:
            for shard, found in zip(corpus.shards, in_order(session, corpus.shards), strict=True):
                rows.merge(found)
                meter.advance(shard.n_rows)
        bands.append(chosen.table(sae.name, corpus.accession))
        examples.append(rows.table(sae.name))
    pd.concat(bands, ignore_index=True).to_parquet(folder / "example_band.parquet", index=False)
    pq.write_table(pa.concat_tables(examples), folder / "example.parquet")
    return {"shown": sum(map(len, bands)), "examples": sum(map(len, examples))}


def _gatherer(
    codes: Folder, chosen: Chosen, max_act: np.ndarray, accession: np.ndarray
) -> Job[Shard, list[ExampleRow]]:
    """Finds what one shard of an SAE's codes has of the chosen proteins."""

    def gather(shard: Shard, _emit: Emit) -> list[ExampleRow]:
        rows = ExampleRows(chosen, max_act, accession)
        path = code_path(codes.fetch(shard_name(shard.number)), shard.number)
        rows.add(runs_of(read_codes(path), shard.row_protein), shard)
        return rows.rows

    return gather


def _shown(work: Path, corpus: Corpus, terms: pd.DataFrame) -> Shown:
    stored = pd.read_parquet(work / "structures" / "structure.parquet", columns=["accession"])["accession"]
    labels = csc_array(read_labels(work, corpus, terms))
    spaces = {name: labels[:, np.flatnonzero(terms["namespace"] == name)] for name in members(WHOLE_GO)}
    is_known = {str(name): np.asarray(space.sum(axis=1)).ravel() > 0 for name, space in spaces.items()}
    return Shown(corpus.is_shipped, np.isin(corpus.accession, stored), labels, is_known)


def _named(work: Path, terms: pd.DataFrame) -> pd.DataFrame:
    """Features that a GO term guides, or names and holds: sae, and the fields of `LabelScore`."""
    labels = pd.read_parquet(work / "associate" / "label.parquet")
    is_named = (labels["label_origin"] == "go") & (labels["label_grade"] != "none")
    labels = labels.loc[is_named | (labels["label_origin"] == "guided"), ["sae", "feature", "label_id"]]
    scores = pd.read_parquet(work / "associate" / "feature_go.parquet")[
        ["sae", "feature", "go_id", "namespace", "pooling", "threshold"]
    ]
    named = labels.merge(
        scores, left_on=["sae", "feature", "label_id"], right_on=["sae", "feature", "go_id"], validate="one_to_one"
    )
    column = pd.Series(np.arange(len(terms)), index=terms["go_id"])
    return named.assign(term=column.loc[named["go_id"]].to_numpy())
