"""Several trainings of one of the run's SAEs presented as one: `python -m precompute ensemble`.

A bag is the run's own SAE and those from other seeds, which are trained where they are missing. A boosted ensemble is
trained here, each member on what those before it leave over. Either is written as any SAE is, cfg.json and
sae.safetensors, to WORK/ensembles/<sae>-<mode>, and is held on validation residues against its members.

Read `EnsembleConfig`, then `make_ensemble`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, cast

import torch

from precompute.config import RunConfig
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.training.recipes import Sources, fresh_sae
from precompute.training.seeds import SeedsConfig, train_seeds
from precompute.training.trainer import train_settings
from protsae.errors import ConfigError
from protsae.measures.reconstruction import ErrorSums
from protsae.sae import SAE
from protsae.sae.ensemble import EnsembleSAE, Mode
from protsae.training.batches import BatchStream
from protsae.training.config import TrainingData
from protsae.training.ensembles import boost

ENSEMBLES = "ensembles"
"""Folder below the work folder."""

_RESIDUES = 32
"""Of every validation protein, as a training's own validation takes."""


@dataclass(frozen=True, kw_only=True)
class EnsembleConfig(SeedsConfig):
    """Which SAE is repeated, and how its trainings are summed."""

    sae: str = "vanilla"
    """Name of one of the run's SAEs."""

    mode: Mode = "bag"
    """bag: the mean of trainings from different seeds; boost: each is trained on what those before it leave over."""


class Measured(NamedTuple):
    """An ensemble on validation residues."""

    folder: Path
    explained_variance: float
    l0: float
    single: float
    """Explained variance of its first member alone."""
    single_l0: float


def make_ensemble(settings: EnsembleConfig, report: Callable[[str], None]) -> Measured:
    """Train what is missing, write the ensemble, and measure it.

    Raises:
        ConfigError: the run has no such SAE, or it is guided and was to be boosted.
    """
    run, trained = settings.run(), {sae.name: sae for sae in read_trained(settings.work)}
    if settings.sae not in trained:
        raise ConfigError(f"the run has no SAE {settings.sae!r}; it has {', '.join(trained)}")
    own = trained[settings.sae]
    sources = Sources(run, settings.work)
    members = _bag(own, settings, run, report) if settings.mode == "bag" else None
    ensemble = EnsembleSAE.of(members, "bag") if members else _boosted(own, settings, run, sources)
    folder = settings.work / ENSEMBLES / f"{own.name}-{settings.mode}"
    ensemble.save(folder, run.sae_dtype)
    (ev, l0), (single, single_l0) = (_measured(sae, sources) for sae in (ensemble, cast("SAE", ensemble.members[0])))
    report(
        f"{folder}: {len(ensemble.members)} members, {ensemble.d_sae:,} features; explained variance {ev:.4f} at L0 "
        f"{l0:.1f}, one member alone {single:.4f} at {single_l0:.1f}"
    )
    return Measured(folder, ev, l0, single, single_l0)


def _bag(own: TrainedSAE, settings: EnsembleConfig, run: RunConfig, report: Callable[[str], None]) -> list[SAE]:
    others = train_seeds(run, settings.work, report, settings.members)
    return [own.load(), *(repeat.load() for repeat in others if repeat.sae.name == own.name)]


def _boosted(own: TrainedSAE, settings: EnsembleConfig, run: RunConfig, sources: Sources) -> EnsembleSAE:
    if own.role == "guided":
        raise ConfigError(
            f"{own.name} is guided, and what is left over has no labels; boost an unguided SAE or take bag"
        )
    cfg = own.load().cfg
    data: TrainingData = sources.data(None)
    return boost(
        lambda seed: fresh_sae(own.architecture, replace(cfg), seed=seed),
        data,
        settings.work / ENSEMBLES / f"{own.name}-boost",
        train_settings(run),
        embed=settings.work / "embed",
        n_members=settings.members,
    )


@torch.no_grad()
def _measured(sae: SAE, sources: Sources) -> tuple[float, float]:
    """Explained variance and L0 on some residues of every validation protein."""
    data = sources.data(None)
    stream = BatchStream(
        data.reader, data.valid, batch_size=4096, residues_per_protein=_RESIDUES, seed=1, drop_last=False
    )
    errors, active, n = ErrorSums.zeros(sae.d_model), 0, 0
    centre = (sae.b_dec / sae.scale).numpy()
    for batch in stream.epoch(0):
        found = sae(batch.x)
        errors = errors.plus(ErrorSums.of(batch.x.numpy() - centre, found.x_hat.numpy() - centre))
        active, n = active + int((found.acts > 0).sum()), n + len(batch.x)
    return errors.explained_variance, active / n
