"""Makes and trains the SAE of one row, or takes up the weights and the result that an earlier run has left.

Read `train_row`; SpLiCE and the PLM's neurons, which are not trained, are in `splice_row` and `neurons_row`.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from precompute.evaluation.context import Context
from precompute.evaluation.rows import Row
from precompute.pipeline.plan import follow_plan
from precompute.pipeline.progress import Report, Transient, duration
from precompute.training.recipes import fresh_sae, protsae_config, training_data, unguided_config, with_what_there_is
from protsae.errors import ConfigError, InputError
from protsae.files import read_json, write_json
from protsae.ontology.namespaces import WHOLE_GO
from protsae.sae import SAE, ProtSAE, ReLUSAE, ReLUSAEConfig, load_sae
from protsae.sae.splice import SpLiCESAE
from protsae.training.batches import BatchStream, fit_input
from protsae.training.config import TrainConfig, TrainingData
from protsae.training.loop import Progress, train

RANDOM_SAMPLE = 8
"""Residues of each training protein from which a random dictionary takes its input's mean and scale."""

SPLICE_SAMPLE = 1024
"""Residues on which the penalty of SpLiCE is fitted."""


class Trained(NamedTuple):
    """An SAE, ready to be scored."""

    sae: SAE
    l0: float
    """Mean active features per residue, on the validation sample"""

    facts: dict[str, Any]
    """best_epoch, steps, seconds, n_train, d_sae; seconds is 0 where nothing was trained"""


def train_row(context: Context, row: Row, k: int, folder: Path, report: Report) -> Trained:
    """The trained SAE of a row; what is in `folder` is taken up where it belongs to the same training.

    Args:
        context: data and settings.
        row: of a kind that is trained, or `random`.
        k: features that TopK keeps, or the mean L0 aimed at.
        folder: for checkpoint, log and weights.
        report: takes lines of progress.

    Raises:
        InputError: train or valid holds no protein that is annotated in what guides the row.
    """
    make, data = _recipe(context, row, k)
    settings = _row_settings(context, row, data)
    if row.kind == "random":
        sae = make()
        sample = BatchStream(context.reader, data.train, batch_size=8192, residues_per_protein=RANDOM_SAMPLE)
        fit_input(sae, sample)
        return Trained(sae.to(context.device), float(k), {"seconds": 0.0, "steps": 0, "n_train": 0})
    sae = make()
    plan = {"sae": [sae.architecture, asdict(sae.cfg)], "training": asdict(settings), "data": context.fingerprint}
    follow_plan(folder, plan)
    done = read_json(folder / "trained.json")
    if done is not None:
        return Trained(load_sae(folder).to(context.device), done["l0"], done["facts"])

    def progress(now: Progress) -> None:
        line = f"step {now.step:,} of {now.steps:,}, {now.rows_per_s:,.0f} residues/s, {duration(now.eta_s)} left"
        report(Transient(f"{row.name}: {line}"))

    trained = train(sae.to(context.device), data, settings, folder, progress)
    facts = {
        "best_epoch": trained.best_epoch,
        "steps": trained.steps,
        "seconds": round(trained.seconds, 2),
        "n_train": len(data.train),
        "d_sae": sae.d_sae,
        "validation": trained.best._asdict(),
    }
    write_json(folder / "trained.json", {"l0": trained.best.l0, "facts": facts})
    (folder / "checkpoint.pt").unlink(missing_ok=True)
    return Trained(sae.eval(), trained.best.l0, facts)


def splice_row(context: Context, row: Row, k: int) -> Trained:
    """SpLiCE on the class means of the row's sub-ontology, with the penalty that gives an L0 of k where one does.

    Where the non-negative codes are sparser than k even without a penalty, there is none.
    """
    space = context.spaces[row.space]
    train = np.flatnonzero(space.on("train"))
    states, labels = context.states[space.rows[train]], space.labels[train].astype(np.float32)
    sae = SpLiCESAE.fit(
        torch.from_numpy(labels.T @ states / labels.sum(axis=0)[:, None]),
        torch.from_numpy(states.mean(axis=0)),
        mean_square_norm=_mean_square(context, space.rows[train]),
        concepts=space.concepts.go_id,
        k=min(k, space.m),
    )
    rng = np.random.default_rng(row.seed)
    owners = rng.choice(space.rows[train], SPLICE_SAMPLE)
    sample = context.reader.gather(owners, rng.integers(0, context.reader.lengths[owners])).astype(np.float32)
    try:
        l0 = sae.fit_penalty(torch.from_numpy(sample))
    except ConfigError:
        sae.cfg = replace(sae.cfg, l1=0.0)
        l0 = float((sae.encode(torch.from_numpy(sample)) > 0).sum() / len(sample))
    return Trained(sae.to(context.device), l0, {"seconds": 0.0, "steps": 0, "n_train": len(train), "l1": sae.cfg.l1})


def neurons_row(context: Context) -> Trained:
    """The PLM's own dimensions as an SAE: each gives two features, what lies above its mean and what lies below."""
    d_model = context.reader.d_model
    sae = ReLUSAE(ReLUSAEConfig(d_model=d_model, d_sae=2 * d_model, k=d_model))
    sae.fit_input(torch.from_numpy(context.mean_state), float(d_model))
    both_ways = torch.cat([torch.eye(d_model), -torch.eye(d_model)])
    with torch.no_grad():
        sae.W_enc.copy_(both_ways.T)
        sae.b_enc.zero_()
        sae.W_dec.copy_(both_ways)
    return Trained(sae.to(context.device), float(d_model), {"seconds": 0.0, "steps": 0, "n_train": 0})


def train_settings(context: Context, seed: int) -> TrainConfig:
    """As the bundle's own SAEs were trained, but for what the evaluation's settings say."""
    run, config = context.run, context.config
    epochs = config.epochs or run.epochs
    return TrainConfig(
        epochs=epochs,
        batch_size=config.batch_size or run.batch_size,
        residues_per_protein=config.residues_per_protein or run.residues_per_protein,
        lr=run.learning_rate,
        guided_pace=run.guided_pace,
        schedule=run.schedule,
        auxk=run.auxk,
        rate_bound=run.rate_bound,
        lr_drop_epoch=round(run.epochs_before_drop * epochs / run.epochs),
        seed=seed,
    )


def _row_settings(context: Context, row: Row, data: TrainingData) -> TrainConfig:
    """Where rows share one budget: fewer residues a protein, so that all their steps together are those of one SAE."""
    settings = train_settings(context, row.seed)
    if row.sharing == 1:
        return settings
    everyone = context.guides[WHOLE_GO].concepts.annotated & (context.corpus.split == "train")
    share = everyone.sum() / (row.sharing * len(data.train))
    return replace(settings, residues_per_protein=max(1, round(settings.residues_per_protein * share)))


def _width(context: Context, row: Row) -> int:
    """Features of a guided row; where rows share one budget, its own terms and its part of the free features."""
    if row.sharing == 1:
        return context.width
    n_free = context.width - context.guides[WHOLE_GO].m
    return context.guides[row.scope].m + max(1, n_free // row.sharing)


def _recipe(context: Context, row: Row, k: int) -> tuple[Callable[[], SAE], TrainingData]:
    d_model, width = context.reader.d_model, context.width
    split = context.corpus.split
    if row.kind == "protsae":
        guide, width = context.guides[row.scope], _width(context, row)
        base = protsae_config(context.run, guide.concepts, d_model, width)
        data = training_data(context.reader, split, guide.concepts, guide.axioms, context.site_labels)
        cfg = with_what_there_is(replace(base, k=min(k, width), **dict(row.overrides)), data)
        return (lambda: ProtSAE(cfg, seed=row.seed)), _checked(data, row)
    architecture = "topk" if row.kind == "random" else row.kind
    cfg = unguided_config(architecture, d_model=d_model, d_sae=width, k=k, normalise=context.run.normalise)
    data = training_data(context.reader, split, None, None)
    return (lambda: fresh_sae(architecture, cfg, seed=row.seed)), _checked(data, row)


def _checked(data: TrainingData, row: Row) -> TrainingData:
    for part, proteins in (("train", data.train), ("valid", data.valid)):
        if not len(proteins):
            raise InputError(
                f"{row.name}: no protein of the {part} split is annotated in {row.namespace or 'any sub-ontology'}"
            )
    return data


def _mean_square(context: Context, train: np.ndarray) -> float:
    """Mean squared norm of some training residues."""
    residues = np.concatenate([context.reader.protein(row) for row in train[:64].tolist()])
    return float((residues.astype(np.float64) ** 2).sum(axis=1).mean())
