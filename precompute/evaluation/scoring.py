"""From one row to its numbers: train what is to be trained, encode, predict, perturb, measure.

Read `run_row`. The metrics' names and meanings are in `protsae/store/evaluation/metrics.py`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from precompute.evaluation import function, meaning, sites
from precompute.evaluation.context import Context, Space
from precompute.evaluation.pooling import Pooled, pool
from precompute.evaluation.rows import Row
from precompute.evaluation.training import Trained, neurons_row, splice_row, train_row
from precompute.pipeline.progress import Meter, Report
from protsae.measures.fidelity import Reconstruct
from protsae.measures.probes import choose_logistic
from protsae.measures.site import liveness
from protsae.sae.base import SAE
from protsae.store.evaluation.methods import PROBED, TOPK
from protsae.training.batches import BatchStream
from protsae.training.validation import validate

PREDICTED_RESIDUES = 32
"""Residues of each test protein on which forcing and participation are counted."""

SPLICE_RESIDUES = 48
"""Residues of each protein on which SpLiCE is scored: it solves a lasso for every one."""


class Entry(NamedTuple):
    """Numbers of one method in one sub-ontology."""

    method: str
    namespace: str
    """'' where they hold for all"""

    k: int
    metrics: dict[str, float]
    notes: dict[str, Any]
    """What was chosen on the way"""


class Scored(NamedTuple):
    """What a row has come to."""

    entries: list[Entry]
    l0: float
    """On the validation sample of the training; what rows that need this one aim at; 0 where there is none"""

    facts: dict[str, Any]
    """Of the training"""


def run_row(context: Context, row: Row, k: int, folder: Path, report: Report) -> Scored:
    """Train and score one row.

    Args:
        context: data and settings.
        row: what to do.
        k: features that TopK keeps, or the L0 aimed at; 0 where there is none.
        folder: for the weights.
        report: takes lines of progress.

    Raises:
        InputError: a split holds no protein to train or score on.
    """
    if row.kind in {"probe", "permuted"}:
        return _score_probe(context, row)
    if row.kind == "site":
        found = sites.baseline(context, row.method)
        return Scored([_finite(Entry(row.method, name, 0, numbers, {})) for name, numbers in found.items()], 0.0, {})
    if row.kind == "splice":
        trained = splice_row(context, row, k)
    elif row.kind == "neurons":
        trained = neurons_row(context)
    else:
        trained = train_row(context, row, k, folder, report)
    return _score_sae(context, row, k, trained, report)


def _score_probe(context: Context, row: Row) -> Scored:
    space = context.spaces[row.space]
    x = context.states[space.rows]
    if row.kind == "probe":
        probe = context.probe(row.space)
        found = function.predict_from_probe(space, probe, x)
    else:
        space = space._replace(labels=function.permuted(space, row.seed))
        probe = choose_logistic(x, space.labels, space.split)
        found = function.predict_from_probe(space, probe, x)
    entry = Entry(row.method, row.namespace, 0, found.metrics, {"l2": float(probe.l2)})
    return Scored([entry], 0.0, {})


def _score_sae(context: Context, row: Row, k: int, trained: Trained, report: Report) -> Scored:
    sae = trained.sae
    spaces = [space for namespace, space in context.spaces.items() if namespace in row.scored_in]
    pooled = _encode(context, row, sae, spaces, report)
    shared = _fidelity(context, sae, pooled, trained)
    report(f"{row.name}: encoded, scoring")
    concepts = context.guides[row.scope].concepts.go_id if row.kind == "protsae" else ()
    by_site = sites.measure(context, sae, spaces, concepts=concepts)
    is_alone = row.namespace in context.spaces
    entries = [] if is_alone else [Entry(row.method, "", k, shared, {})]
    for space in spaces:
        metrics, notes = _score_space(context, row, sae, space, pooled.on(space.rows))
        metrics |= by_site.get(space.namespace, {})
        entries.append(Entry(row.method, space.namespace, k, {**(shared if is_alone else {}), **metrics}, notes))
        if row.part == "main" and row.seed == 0 and row.method == TOPK:
            probed = function.predict_from_codes(space, pooled.on(space.rows))
            entries.append(Entry(PROBED.format(row.method), space.namespace, k, probed.metrics, {}))
    return Scored([_finite(entry) for entry in entries], trained.l0, trained.facts)


def _encode(context: Context, row: Row, sae: SAE, spaces: list[Space], report: Report) -> Pooled:
    """All proteins on which a label is known, and all test proteins for the fidelity."""
    split = context.corpus.split
    rows = np.union1d(np.concatenate([space.rows for space in spaces]), np.flatnonzero(split == "test"))
    meter = Meter(report, f"{row.name}: encode", len(rows), unit="proteins")
    most = SPLICE_RESIDUES if row.kind == "splice" else None
    return pool(
        sae,
        context.reader,
        rows,
        split[rows],
        train_residues=most or context.config.score_residues,
        other_residues=most or context.config.held_out_residues,
        seed=row.seed,
        advance=meter.advance,
    )


def _loss_recovered(context: Context, reconstruct: Reconstruct) -> dict[str, float]:
    """Masked and unmasked, against zeros and the mean residue; nan where the language model predicts no letters."""
    names = ("lr_masked", "lr_masked_mean", "lr_unmasked", "lr_unmasked_mean")
    if not context.plm.predicts:
        return dict.fromkeys(names, float("nan"))
    found = context.bench.measure(reconstruct)
    return {name: getattr(found, name) for name in names}


def _fidelity(context: Context, sae: SAE, pooled: Pooled, trained: Trained) -> dict[str, float]:
    def reconstruct(x: torch.Tensor) -> torch.Tensor:
        x_hat = sae.decode_sparse(sae.encode_sparse(x), x)
        return torch.from_numpy(np.ascontiguousarray(x_hat, dtype=np.float32)).to(x.device)

    metrics = {
        "ev": pooled.ev,
        "l0": pooled.l0,
        "share_alive": pooled.share_alive,
        **liveness(pooled.density)._asdict(),
        **sites.annotation_features(context, sae),
        **_loss_recovered(context, reconstruct),
        "seconds": float(trained.facts["seconds"]),
    }
    if sae.concept_predictor() is not None:
        test = np.flatnonzero(context.corpus.split == "test")
        stream = BatchStream(
            context.reader, test, batch_size=4096, residues_per_protein=PREDICTED_RESIDUES, drop_last=False
        )
        counted = validate(sae, stream, None)
        metrics["l0_forced"] = counted.l0_forced
        if counted.participation is not None:
            metrics["participation"] = counted.participation
    return metrics


def _score_space(
    context: Context, row: Row, sae: SAE, space: Space, pooled: Pooled
) -> tuple[dict[str, float], dict[str, Any]]:
    own = context.guides[row.scope].features(space) if row.kind == "protsae" else None
    by_feature = function.predict_from_features(space, pooled, own)
    predicted = by_feature if own is None else function.predict_from_predictor(space, pooled, own)
    metrics = {name: predicted.metrics[name] for name in ("fmax", "smin", "aupr", "auc")}
    metrics |= {f"feature_{name}": by_feature.metrics[name] for name in ("fmax", "auc", "auc_valid")}
    if own is not None:
        metrics["guided_density"] = float(np.median(pooled.density[own]))
    metrics |= meaning.measure(context, sae, space, pooled, own=own, best=by_feature.features, seed=row.seed)
    return metrics, {"pooling": predicted.pooling, "feature_pooling": by_feature.pooling}


def _finite(entry: Entry) -> Entry:
    return entry._replace(metrics=finite(entry.metrics))


def finite(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics that are defined, as plain numbers."""
    return {name: float(value) for name, value in metrics.items() if np.isfinite(value)}
