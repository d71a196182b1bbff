"""What reads a GO term out of a sequence that steering wrote, and what such a term looks like in the language model.

One linear probe a sub-ontology on the mean PLM states of annotated proteins, fitted on train, its penalty chosen on
valid. Beside it the difference of means (CAA): the mean state of train proteins that carry the term, minus that of
those that are annotated in its sub-ontology and do not. Neither knows an SAE.

3-mers judge beside it, without any model. Read `readable`, then `read_out` and `kmer_judge`.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import Corpus
from precompute.pipeline.progress import Transient
from precompute.pipeline.tables import write_arrays
from protsae.measures.probes import LogisticProbe, choose_logistic
from protsae.measures.ranking import aurocs
from protsae.shards import ShardReader
from protsae.steering.directions import difference_of_means
from protsae.steering.judges import KmerJudge

MOST_COMPARED = 1000
"""Proteins of a kind whose 3-mers are compared."""

_LEAST_SPREAD = 1e-6
"""Of a judge that says the same of every protein."""


class Readable(NamedTuple):
    """The terms of one sub-ontology that can be read out, and the proteins that are annotated in it."""

    namespace: str
    go_id: tuple[str, ...]
    rows: Int[np.ndarray, " n"]
    """Of the corpus."""

    labels: Bool[np.ndarray, "n m"]


class ReadOut(NamedTuple):
    """What reads the terms of a `Readable`."""

    probe: LogisticProbe
    auroc: Float[np.ndarray, " m"]
    """On test."""
    spread: Float[np.ndarray, " m"]
    """Standard deviation of the log-odds on test."""
    difference: Float[np.ndarray, "m d_model"]
    """Mean state of train proteins with the term, minus that of those without."""
    carriers: Float[np.ndarray, " m"]
    """Median log-odds of test proteins with the term."""
    others: Float[np.ndarray, " m"]
    """Of test proteins without it."""


def readable(work: Path, corpus: Corpus, wanted: Iterable[tuple[str, str]]) -> dict[str, Readable]:
    """By sub-ontology; of every term train, valid and test hold proteins with it and without it.

    Args:
        work: folder of the run.
        corpus: its proteins.
        wanted: sub-ontology and GO id of the terms.
    """
    terms = pd.read_parquet(work / "proteins" / "go_term.parquet", columns=["go_id", "namespace"])
    labels, place = read_labels(work, corpus, terms), pd.Series(np.arange(len(terms)), index=terms["go_id"])
    asked = set(wanted)
    spaces = {}
    for namespace in sorted({namespace for namespace, _ in asked}):
        columns = np.flatnonzero(terms["namespace"].to_numpy(dtype=str) == namespace)
        rows = np.flatnonzero(np.asarray(labels[:, columns].sum(axis=1)) > 0)
        go_id = np.array(sorted(go_id for where, go_id in asked if where == namespace))
        carried = labels[rows][:, place.loc[go_id].to_numpy()].toarray() > 0
        parts = [carried[corpus.split[rows] == part] for part in ("train", "valid", "test")]
        kept = np.all([part.any(axis=0) & ~part.all(axis=0) for part in parts], axis=0)
        spaces[namespace] = Readable(namespace, tuple(go_id[kept].tolist()), rows, carried[:, kept])
    return {name: space for name, space in spaces.items() if space.go_id}


def read_out(
    work: Path, corpus: Corpus, space: Readable, folder: Path, report: Callable[[str | Transient], None]
) -> ReadOut:
    """The read-out of one sub-ontology, kept in a folder that the caller empties when terms or proteins change."""
    path = folder / f"read-out-{space.namespace}.npz"
    if not path.is_file():
        report(Transient(f"fitting the read-out of {len(space.go_id)} terms of {space.namespace}"))
        shards = ShardReader(work / "embed")
        x = shards.protein_means([shards.row_of(str(corpus.accession[row])) for row in space.rows])
        split = corpus.split[space.rows]
        probe = choose_logistic(x, space.labels, split, criterion="auc")
        test, train = split == "test", split == "train"
        log_odds = probe.logits(x[test])
        told = {
            "auroc": aurocs(log_odds, space.labels[test]),
            "spread": np.maximum(log_odds.std(axis=0), _LEAST_SPREAD),
            "difference": difference_of_means(x[train], space.labels[train]),
            "carriers": _medians(log_odds, space.labels[test]),
            "others": _medians(log_odds, ~space.labels[test]),
        }
        write_arrays(path, {**{name: np.asarray(value) for name, value in probe._asdict().items()}, **told})
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    told = {name: arrays.pop(name) for name in ReadOut._fields[1:]}
    l2 = float(arrays.pop("l2"))
    return ReadOut(LogisticProbe(**arrays, l2=l2), **told)


def kmer_judge(corpus: Corpus, space: Readable, concept: int, seed: int) -> tuple[KmerJudge, float]:
    """What 3-mers of 1,000 train proteins with a term and 1,000 without tell, and its spread over valid ones."""
    rng = np.random.default_rng([seed, concept])
    split, carried = corpus.split[space.rows], space.labels[:, concept]
    kinds = (space.rows[(split == "train") & (carried == kind)] for kind in (True, False))
    taken = [rng.permutation(rows)[:MOST_COMPARED].tolist() for rows in kinds]
    judge = KmerJudge.of(*([corpus.sequence[row] for row in rows] for rows in taken))
    valid = rng.permutation(space.rows[split == "valid"])[:MOST_COMPARED].tolist()
    spread = float(np.std([judge.similarity(corpus.sequence[row]) for row in valid]))
    return judge, max(spread, _LEAST_SPREAD)


def _medians(values: Float[np.ndarray, "n m"], kept: Bool[np.ndarray, "n m"]) -> Float[np.ndarray, " m"]:
    return np.nanmedian(np.where(kept, values, np.nan), axis=0)
