"""Trains SAEs of a run one after the other: a finished one is kept, an unfinished one goes on from its last checkpoint.

Writes per SAE `cfg.json`, `sae.safetensors`, `log.jsonl` and `result.json`. Read `Trainer.train`. The loop is in
`protsae/training/loop.py`.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from precompute.config import RunConfig
from precompute.pipeline.plan import array_hash, follow_plan
from precompute.pipeline.progress import Transient, duration
from precompute.training.recipes import Recipe, fresh_sae
from protsae.device import pick_device
from protsae.files import read_json, write_json
from protsae.parallel.ranks import ALONE, Ranks
from protsae.training.config import TrainConfig
from protsae.training.loop import Progress, Watch, train


def train_settings(config: RunConfig) -> TrainConfig:
    """How every SAE of a run is trained."""
    return TrainConfig(
        epochs=config.epochs,
        batch_size=config.batch_size,
        residues_per_protein=config.residues_per_protein,
        lr=config.learning_rate,
        guided_pace=config.guided_pace,
        schedule=config.schedule,
        lr_drop_epoch=config.epochs_before_drop,
        auxk=config.auxk,
        rate_bound=config.rate_bound,
        seed=config.seed,
        save_dtype=config.sae_dtype,
    )


class Trainer:
    """Trains SAEs one after the other with the same settings."""

    def __init__(
        self, config: RunConfig, work: Path, folder: Path, report: Callable[[str], None], ranks: Ranks = ALONE
    ) -> None:
        """Take the settings.

        Args:
            config: of the run.
            work: its folder; the stage embed is done.
            folder: for a folder of each SAE.
            report: takes one line at a time.
            ranks: processes that train each SAE together.
        """
        self._folder, self._report, self._ranks = folder, report, ranks
        self._device = ranks.on(pick_device(config.device))
        self._embed_plan = read_json(work / "embed" / "plan.json")
        self._settings = train_settings(config)

    def train(self, recipe: Recipe, watch: Watch | None = None) -> dict[str, Any]:
        """Train one SAE, or give the result that an earlier run has left.

        Args:
            recipe: the SAE, and what it learns from.
            watch: looks at it on the way; nobody looks where the SAE is finished.
        """
        spec, cfg, data, seed = recipe
        identity = {
            "name": spec.name,
            "display_name": spec.title,
            "role": spec.role,
            "architecture": spec.architecture,
            "namespace": spec.namespace or "",
            "concepts": list(recipe.concepts),
            "d_sae": cfg.d_sae,
            "k": cfg.k,
        }
        folder = self._folder / spec.name
        settings = replace(self._settings, seed=seed)
        done = None
        if self._ranks.is_first:
            follow_plan(folder, self._plan(recipe, settings))
            done = read_json(folder / "result.json")
        done = self._ranks.told(done)
        if done is not None:
            return done | identity

        def progress(now: Progress) -> None:
            loss, rate = now.losses["total"], now.rows_per_s
            line = f"step {now.step:,} of {now.steps:,}, loss {loss:.4g}, {rate:,.0f} residues/s"
            self._report(Transient(f"train {spec.name}: {line}, {duration(now.eta_s)} left"))

        sae = fresh_sae(spec.architecture, cfg, seed=seed)
        trained = train(sae.to(self._device), data, settings, folder, progress, watch=watch, ranks=self._ranks)
        result = identity | {
            "l0": trained.best.l0,
            "best_epoch": trained.best_epoch,
            "steps": trained.steps,
            "seconds": round(trained.seconds, 3),
            "n_train": len(data.train),
            "validation": trained.best._asdict(),
        }
        if self._ranks.is_first:
            write_json(folder / "result.json", result)
            (folder / "checkpoint.pt").unlink(missing_ok=True)
        return result

    def _plan(self, recipe: Recipe, settings: TrainConfig) -> dict[str, Any]:
        """What decides the weights; names and roles do not."""
        data, cfg = recipe.data, cast("Any", recipe.cfg)
        axioms = () if data.axioms is None else data.axioms[2:]
        labels = [array for array in (data.labels, data.known) if array is not None]
        arrays = [data.train, data.valid, *axioms, *labels]
        return {
            "embed": self._embed_plan,
            "sae": {"architecture": recipe.spec.architecture, **asdict(cfg)},
            "training": asdict(settings),
            "data": [array_hash(np.asarray(array)) for array in arrays],
        }
