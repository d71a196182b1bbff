"""The analysis `steerability`: does raising a validated feature raise its own function, more than controls do?

The controls are a random feature of matched density and a random direction; a test against each, the larger p counts.

Which features are validated, and for which term, is what the bundle's reader says. The read-out is one linear probe a
sub-ontology on the mean PLM states of annotated proteins (`read_out.py`); steered are proteins that are annotated in
the sub-ontology and lack the term. What one feature does is computed in `protsae/steering/steerability.py`.

A first look takes every feature on a few validation proteins, too few for any of them to stand after a correction for
so many tests (with n proteins no p lies below 2^-n). The clearest of them are steered again on test proteins, with
more controls; their p-values are of these alone, and are corrected for the number of features steered again.

Features are taken in blocks of 64, each a file of BUNDLE.work/steerability, so that a killed run goes on where it was.

Read `compute`.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from precompute.analyses.computed import Computed
from precompute.analyses.read_out import Readable, ReadOut, kmer_judge, read_out, readable
from precompute.config import RunConfig
from precompute.corpus.proteins import Corpus, read_corpus
from precompute.pipeline.plan import follow_plan, text_hash
from precompute.pipeline.progress import Meter
from precompute.pipeline.tables import empty_table, read_table, write_table
from protsae.bundle.layout import STORE, sae_folder
from protsae.plm.base import PLM
from protsae.plm.registry import open_plm
from protsae.plm.spec import PLMSpec
from protsae.sae import load_sae
from protsae.steering.steerability import (
    MOST_PAIRS,
    MoreArms,
    Outcome,
    SteerabilityConfig,
    Trial,
    draw_trials,
    run_trials,
    steerability_of,
)
from protsae.store.analyses.steerability import STEERABILITY, STEERABLE_Q
from protsae.store.reader import StoreReader
from protsae.store.rows import TermFeature

BLOCK = 64
"""Features a file."""

CLEAREST = 48
"""Features that are steered again."""

FIRST_PROTEINS = 3
"""Of the first look, a feature."""

AGAIN = "again"
"""Folder of the second look below that of the first; it has a plan of its own."""

_TYPES = {"VARCHAR": "str", "BOOLEAN": "bool", "INTEGER": "int32", "REAL": "float32", "DOUBLE": "float64"}


class _Block(NamedTuple):
    """Features of one SAE and one sub-ontology that are computed together."""

    sae: str
    namespace: str
    trials: list[Trial]


class _Bundle(NamedTuple):
    """What the finished bundle gives."""

    bundle_id: str
    validated: list[TermFeature]
    scales: dict[str, pd.DataFrame]
    """Features of each SAE with their p99_act and density."""

    plm: PLM
    spec: PLMSpec


class _Bench(NamedTuple):
    """What both looks work with."""

    config: RunConfig
    work: Path
    bundle: _Bundle
    corpus: Corpus
    spaces: dict[str, Readable]
    """Terms that can be read out, by sub-ontology."""

    report: Callable[[str], None]


def compute(config: RunConfig, work: Path, report: Callable[[str], None]) -> Computed:
    """Rows of `steerability`: every validated feature whose term can be read out."""
    first = SteerabilityConfig(seed=config.seed, n_proteins=FIRST_PROTEINS)
    again = SteerabilityConfig(seed=config.seed + 1, n_proteins=MOST_PAIRS, pool=first.pool)
    bundle, corpus = _open(config), read_corpus(work)
    spaces = readable(work, corpus, ((row.namespace, row.go_id) for row in bundle.validated))
    bench = _Bench(
        config,
        work,
        bundle,
        corpus,
        spaces,
        report,
    )
    folder = work / STEERABILITY.name
    seen = _steered(bench, folder, bundle.validated, first, "valid")
    clearest = {(row["sae"], row["feature"]) for row in _clearest(seen)}
    chosen = [row for row in bundle.validated if (row.sae, row.feature) in clearest]
    confirmed = _steered(bench, folder / AGAIN, chosen, again, "test") if chosen else []
    table = _table(seen, confirmed)
    _tell(table, len(bundle.validated), report)
    settings = {**asdict(first), "clearest": CLEAREST, "n_proteins_again": again.n_proteins, "q": STEERABLE_Q}
    return Computed({STEERABILITY.name: table, **_read_out_tables(bench)}, settings)


def _steered(
    bench: _Bench, folder: Path, validated: Sequence[TermFeature], settings: SteerabilityConfig, part: str
) -> list[dict[str, object]]:
    """One row a feature, without its q, from blocks that are kept in the folder.

    Args:
        bench: what there is.
        folder: of the blocks.
        validated: features to steer.
        settings: how.
        part: of the proteins; with those of test, more controls are run.
    """
    blocks = _blocks(bench, validated, settings, part)
    trials = [text_hash(block.sae, block.namespace, repr(block.trials)) for block in blocks]
    follow_plan(folder, {"bundle": bench.bundle.bundle_id, "settings": asdict(settings), "trials": trials})
    read_outs = {name: _read_out(bench, space) for name, space in bench.spaces.items()}
    meter = Meter(bench.report, STEERABILITY.name, sum(len(block.trials) for block in blocks), unit="steered proteins")
    rows: list[dict[str, object]] = []
    for number, block in enumerate(blocks):
        path, out = folder / f"block-{number:05d}.parquet", read_outs[block.namespace]
        if path.is_file():
            meter.skip(len(block.trials))
        else:
            outcomes = run_trials(
                bench.bundle.plm,
                bench.bundle.spec,
                load_sae(sae_folder(bench.config.out, block.sae)).to(bench.bundle.plm.device),
                block.trials,
                probe=out.probe,
                spread=out.spread,
                sequences=bench.corpus.sequence,
                config=settings,
                more=_more(bench, block, out) if part == "test" else None,
                progress=meter.advance,
            )
            write_table(path, pd.DataFrame(outcomes, columns=list(Outcome._fields)))
        rows += _summaries(block, read_table(path), bench.spaces[block.namespace], out, settings)
    return rows


def _clearest(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that a second look is worth: raised more than by the random feature, the smallest p first."""
    raised = [row for row in rows if row["difference"] > 0]
    return sorted(raised, key=lambda row: (row["p_value"], -row["difference"], row["sae"], row["feature"]))[:CLEAREST]


def _open(config: RunConfig) -> _Bundle:
    with StoreReader.open(config.out / STORE) as reader:
        validated = reader.validated_features()
        scales = {name: reader.feature_table(name) for name in {row.sae for row in validated}}
        return _Bundle(reader.meta()["bundle_id"], validated, scales, *open_plm(config.out, device=config.device))


def _tell(table: pd.DataFrame, n_validated: int, report: Callable[[str], None]) -> None:
    if n_validated > len(table):
        report(
            f"steerability: {n_validated - len(table)} of {n_validated} validated features are left out: too few "
            "proteins with or without their term to read it out"
        )
    n_raise = int(((table["q_value"] < STEERABLE_Q) & (table["difference"] > 0)).to_numpy().sum())
    report(
        f"steerability: {n_raise} of {len(table)} features raise their own function more than a random feature "
        "and a random direction do"
    )


def _read_out(bench: _Bench, space: Readable) -> ReadOut:
    """Kept beside the first look's blocks."""
    return read_out(bench.work, bench.corpus, space, bench.work / STEERABILITY.name, bench.report)


def _more(bench: _Bench, block: _Block, out: ReadOut) -> MoreArms:
    """Differences of means, and 3-mers of the terms that the block steers."""
    space = bench.spaces[block.namespace]
    concepts = sorted({trial.concept for trial in block.trials})
    return MoreArms(out.difference, {c: kmer_judge(bench.corpus, space, c, bench.config.seed) for c in concepts})


def _read_out_tables(bench: _Bench) -> dict[str, pd.DataFrame]:
    """The probes and the differences of means, for live steering."""
    heads, rows = [], []
    for space in bench.spaces.values():
        out = _read_out(bench, space)
        weight = out.probe.weight / out.probe.scale
        told = {"auroc": out.auroc, "bias": out.probe.bias - weight @ out.probe.mean, "spread": out.spread}
        heads.append(pd.DataFrame({"go_id": space.go_id, **told, "carriers": out.carriers, "others": out.others}))
        n_terms, width = weight.shape
        rows.append(
            pd.DataFrame(
                {
                    "go_id": np.repeat(np.array(space.go_id), width),
                    "dimension": np.tile(np.arange(width, dtype=np.int32), n_terms),
                    "weight": _short(weight.ravel()),
                    "difference": _short(out.difference.ravel()),
                }
            )
        )
    found = dict(zip(("term_read_out", "term_direction"), (heads, rows), strict=True))
    declared = {table.name: table for table in STEERABILITY.tables}
    empty = {name: empty_table({c.name: _TYPES[c.type] for c in declared[name].columns}) for name in found}
    return {
        name: pd.concat(parts, ignore_index=True).sort_values(list(declared[name].sorted_by)) if parts else empty[name]
        for name, parts in found.items()
    }


def _short(values: np.ndarray) -> np.ndarray:
    """As float32 of eleven significant bits: half the file, and no read-out moves by a hundredth."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    return ((bits + np.uint32(1 << 12)) & np.uint32(0xFFFFE000)).view(np.float32)


def _blocks(bench: _Bench, validated: Sequence[TermFeature], settings: SteerabilityConfig, part: str) -> list[_Block]:
    """What to steer, in the order of SAE, sub-ontology and feature; proteins of one part of the corpus."""
    bundle, spaces, corpus = bench.bundle, bench.spaces, bench.corpus
    short = (corpus.split == part) & (corpus.length <= min(bundle.plm.max_residues, settings.max_residues))
    order = np.random.default_rng(bench.config.seed).permutation(np.flatnonzero(short))
    blocks = []
    for sae, namespace in sorted({(row.sae, row.namespace) for row in validated if row.namespace in spaces}):
        space, scale = spaces[namespace], bundle.scales[sae]
        p99, density = scale["p99_act"].to_numpy(np.float64), scale["density"].to_numpy(np.float64)
        known = np.full(corpus.n_proteins, -1)
        known[space.rows] = np.arange(len(space.rows))
        here = order[known[order] >= 0]
        drawn = []
        for row in sorted(validated, key=lambda row: row.feature):
            if (row.sae, row.namespace) != (sae, namespace) or row.go_id not in space.go_id:
                continue
            concept = space.go_id.index(row.go_id)
            eligible = here[~space.labels[known[here], concept]]
            if len(eligible):
                drawn.append(draw_trials(row.feature, concept, eligible, p99=p99, density=density, config=settings))
        blocks += [
            _Block(sae, namespace, list(chain.from_iterable(drawn[first : first + BLOCK])))
            for first in range(0, len(drawn), BLOCK)
        ]
    return blocks


def _summaries(
    block: _Block, outcomes: pd.DataFrame, space: Readable, read_out: ReadOut, settings: SteerabilityConfig
) -> list[dict[str, object]]:
    """One row a feature, without its q."""
    concept_of = {trial.feature: trial.concept for trial in block.trials}
    feature_of = np.array([trial.feature for trial in block.trials])
    rows = []
    for feature, concept in concept_of.items():
        own = outcomes.loc[feature_of == feature].itertuples(index=False, name=None)
        found = steerability_of([Outcome(*row) for row in own], seed=settings.seed)
        rows.append(
            {
                "sae": block.sae,
                "feature": feature,
                "go_id": space.go_id[concept],
                "probe_auroc": float(read_out.auroc[concept]),
                **found._asdict(),
                "seen_difference": found.difference,
                "seen_null": found.random_direction - found.random_feature,
            }
        )
    return rows


def _table(seen: Sequence[dict[str, object]], confirmed: Sequence[dict[str, object]]) -> pd.DataFrame:
    """All features, those steered again with the numbers of the second look, and `q_value`."""
    declared = STEERABILITY.tables[0]
    if not seen:
        return empty_table({column.name: _TYPES[column.type] for column in declared.columns})
    second = {(row["sae"], row["feature"]): row for row in confirmed}
    kept = ("seen_difference", "seen_null")
    table = pd.DataFrame(
        [{**second.get((row["sae"], row["feature"]), row), **{name: row[name] for name in kept}} for row in seen]
    )
    is_confirmed = np.array([(row["sae"], row["feature"]) in second for row in seen])
    corrected = is_confirmed if is_confirmed.any() else ~is_confirmed
    q_value = np.ones(len(table))
    q_value[corrected] = false_discovery_control(table["p_value"].to_numpy(np.float64)[corrected])
    return table.assign(is_confirmed=is_confirmed, q_value=q_value)
