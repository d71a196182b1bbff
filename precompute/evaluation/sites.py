"""Sites and liveness of the evaluation: does a feature find its residues, and do the features share the work?

Sites: the terms of `precompute/align/site_tasks.py` among a sub-ontology's guiding terms. A guided SAE is judged by
each term's own feature, any other by the one that is best on valid. All numbers are means over terms.

Annotations: features that mark the residues of a kind of UniProt's annotations with F1 > `GOOD`, kind and threshold
chosen on valid and told on test, over a sample of annotated proteins.

Read `measure`, then `baseline`, then `annotation_features`. Source: Simon and Zou 2024 (InterPLM,
doi:10.1101/2024.11.14.623630) for the count over annotations.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from scipy.sparse import vstack

from precompute.align.regions import RegionTable
from precompute.align.residues import align
from precompute.align.site_baselines import BASELINES, Inputs
from precompute.align.site_tasks import Codes, SiteTasks, choose_features, of_features, score
from precompute.corpus.codes import CSR
from precompute.corpus.proteins import Corpus, Shard
from precompute.evaluation.context import Context, Space
from protsae.measures.site import SiteScore
from protsae.sae.base import SAE
from protsae.shards import ShardReader
from protsae.store.evaluation import methods

ROWS_AT_A_TIME = 8192
SAMPLE = 400
"""Annotated proteins of valid, and of test, on which kinds of annotations are counted."""
GOOD = 0.5

BASELINE_OF = {methods.RESIDUE_PROBE: "probe", methods.LETTER_WINDOW: "window", methods.LETTER: "letter"}
"""Method -> name in `BASELINES`; the neurons are a method with features."""


def measure(
    context: Context, sae: SAE, spaces: Sequence[Space], *, concepts: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Metrics of the group "site" by sub-ontology; those without judged terms are left out.

    Args:
        context: the terms and the PLM's states.
        sae: on any device.
        spaces: sub-ontologies in which the SAE is scored.
        concepts: terms that guide its features 0, 1, ...; none where it is unguided.
    """
    tasks = context.site_tasks.only(go_id for space in spaces for go_id in space.concepts.go_id)
    if not tasks.n:
        return {}
    valid, test = tasks.proteins("valid"), tasks.proteins("test")
    if concepts:
        feature_of = {go_id: feature for feature, go_id in enumerate(concepts)}
        feature = np.array([feature_of[go_id] for go_id in tasks.go_id], dtype=np.int64)
    else:
        feature, _ = choose_features(tasks, encoded(sae, context.reader, valid), sae.d_sae)
    codes = (of_features(encoded(sae, context.reader, part), feature) for part in (valid, test))
    return _by_space(tasks, score(tasks, *codes, floor=0, seed=0), spaces)


def baseline(context: Context, method: str) -> dict[str, dict[str, float]]:
    """The same of a baseline that has no features."""
    spaces = list(context.spaces.values())
    tasks = context.site_tasks.only(go_id for space in spaces for go_id in space.concepts.go_id)
    if not tasks.n:
        return {}
    scores = BASELINES[BASELINE_OF[method]](tasks, Inputs(context.corpus, context.reader), seed=0)
    return _by_space(tasks, scores, spaces)


def encoded(sae: SAE, reader: ShardReader, proteins: np.ndarray) -> Codes:
    """Codes of proteins, encoded many at a time."""
    for block in _blocks(reader.lengths[proteins]):
        parts = [reader.protein(int(row)) for row in proteins[block]]
        x = torch.from_numpy(np.concatenate(parts).astype(np.float32)).to(sae.W_dec.device)
        codes = sae.encode_sparse(x)
        ends = np.cumsum([len(part) for part in parts])
        for row, part, end in zip(proteins[block].tolist(), parts, ends.tolist(), strict=True):
            yield row, codes[end - len(part) : end]


def annotation_features(context: Context, sae: SAE) -> dict[str, float]:
    """How many features mark a kind of annotation, and how many kinds are marked; empty where no kind is common."""
    regions = pd.read_parquet(context.run.work / "proteins" / "annotation.parquet")
    corpus, proteins = context.corpus, _sampled(context.corpus, regions)
    here = regions.loc[regions["accession"].isin(corpus.accession[proteins].tolist())]
    if not len(here):
        return {}
    table = RegionTable.from_annotations(here, corpus, seed=0)
    if not table.n_kinds:
        return {}
    blocks = list(_blocks(corpus.length[proteins]))
    codes = [_stacked(encoded(sae, context.reader, proteins[block])) for block in blocks]
    shards = []
    for number, block in enumerate(blocks):
        length = corpus.length[proteins[block]]
        shards.append(Shard(number, proteins[block], np.cumsum(length) - length, length))
    highest = np.max([one.max(axis=0).toarray().ravel() for one in codes], axis=0)
    rows = align(
        corpus._replace(shards=shards), lambda shard: codes[shard.number], highest, table, seed=0, resamples=1
    ).rows
    good = rows.loc[rows["test_f1"] > GOOD]
    return {"annotation_features": float(good["feature"].nunique()), "annotation_kinds": float(good["kind"].nunique())}


def _by_space(tasks: SiteTasks, scores: Sequence[SiteScore], spaces: Sequence[Space]) -> dict[str, dict[str, float]]:
    table = pd.DataFrame(scores, index=list(tasks.go_id))
    found = {}
    for space in spaces:
        own = table.loc[[go_id for go_id in tasks.go_id if go_id in space.concepts.go_id]]
        if len(own):
            mean = own.mean()
            found[space.namespace] = {
                "site_ap": mean["ap"],
                "site_auroc": mean["auroc"],
                "site_f1": mean["f1"],
                "site_null_ap": mean["null_ap"],
                "site_null_f1": mean["null_f1"],
                "top_share": mean["top_share"],
                "site_terms": float(len(own)),
            }
    return found


def _sampled(corpus: Corpus, regions: pd.DataFrame) -> np.ndarray:
    known = np.isin(corpus.accession, regions["accession"].unique().tolist())
    order = np.random.default_rng(0).permutation(corpus.n_proteins)
    drawn = [order[known[order] & (corpus.split[order] == part)][:SAMPLE] for part in ("valid", "test")]
    return np.sort(np.concatenate(drawn))


def _blocks(lengths: np.ndarray) -> Iterator[np.ndarray]:
    ends = np.cumsum(lengths)
    for block in np.split(np.arange(len(lengths)), np.flatnonzero(np.diff(ends // ROWS_AT_A_TIME)) + 1):
        if len(block):
            yield block


def _stacked(codes: Codes) -> CSR:
    return vstack([one for _, one in codes], format="csr")
