"""The bundle's own SAEs once more, from other seeds: same form, same width, same data, another start and order.

    WORK/seeds/seed-1/<sae>/{cfg.json, sae.safetensors, log.jsonl, result.json}, seed-2/..., each as the stage train
    writes it; of seed-1 also onset/ (`onsets.py`).

A training that was killed goes on from its checkpoint; finished ones are kept. Trained where a GPU is, the folder
WORK/seeds may be copied beside another copy of the same run.

`python -m precompute seeds --work BUNDLE.work --device cuda` is the command. Read `train_seeds`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from precompute.config import RunConfig
from precompute.corpus.trained import TrainedSAE, read_trained
from precompute.options import build
from precompute.pipeline.finished import kept_settings
from precompute.pipeline.runner import RUN_NAME
from precompute.training.onsets import watch_onsets
from precompute.training.recipes import Recipe, Sources
from precompute.training.trainer import Trainer
from protsae.errors import ConfigError, InputError
from protsae.sae import SAE, load_sae

SEEDS = "seeds"
"""Folder below the work folder."""

MEMBERS = 3
"""Seeds of each SAE, the bundle's own included."""

_WATCHED = 1
"""The seed whose trainings are watched."""


@dataclass(frozen=True, kw_only=True)
class SeedsConfig:
    """Which trainings are repeated, and where."""

    work: Path
    """Work folder of a run, BUNDLE.work; what the stages proteins, embed and train have left there is read."""

    members: int = MEMBERS
    """Trainings of each SAE, the run's own included."""

    ontology: Path | None = None
    """Gene Ontology in OBO format, where it is not where the run read it."""

    device: str = "auto"
    """auto, cpu or cuda."""

    def __post_init__(self) -> None:
        if self.members < 2:
            raise ConfigError(f"members must be at least 2, got {self.members}")

    def run(self) -> RunConfig:
        """The settings of the run.

        Raises:
            InputError: the folder is no work folder, or the ontology does not exist.
        """
        known = kept_settings(self.work)
        if known is None:
            raise InputError(f"{self.work} holds no {RUN_NAME}; give the work folder of a run, BUNDLE.work")
        ontology = known["ontology"] if self.ontology is None else str(self.ontology)
        run = build(RunConfig, {**known, "ontology": ontology, "device": self.device})
        if not run.ontology.is_file():
            raise InputError(f"the ontology {run.ontology} does not exist; give the file with --ontology")
        return run


class Repeat(NamedTuple):
    """One SAE of the bundle, trained from another seed."""

    sae: TrainedSAE
    """The bundle's own."""
    seed: int
    """How far its seed lies above the own's."""
    folder: Path

    def load(self) -> SAE:
        """The saved weights."""
        return load_sae(self.folder)


def repeats(work: Path, members: int = MEMBERS) -> list[Repeat]:
    """The trainings that `members` seeds of each SAE ask for beside the bundle's own, seed after seed."""
    return [
        Repeat(sae, seed, work / SEEDS / f"seed-{seed}" / sae.name)
        for seed in range(1, members)
        for sae in read_trained(work)
    ]


def train_seeds(config: RunConfig, work: Path, report: Callable[[str], None], members: int = MEMBERS) -> list[Repeat]:
    """Train what is not trained yet.

    Args:
        config: of the run.
        work: its folder; the stages proteins, embed and train are done.
        report: takes one line at a time.
        members: seeds of each SAE, the bundle's own included.

    Raises:
        InputError: the guiding terms are not those of the bundle's SAE any more.
    """
    wanted, sources = repeats(work, members), Sources(config, work)
    listed = {spec.name: spec for spec in config.sae_list}
    for repeat in wanted:
        sae, spec = repeat.sae, listed[repeat.sae.name]
        if spec.namespace is not None and sources.concepts(spec.namespace).go_id != sae.concepts:
            raise InputError(
                f"{work / 'proteins'} gives other guiding terms than {sae.folder} was trained with; run "
                "`precompute run` again"
            )
        seed = (config.seed if spec.seed is None else spec.seed) + repeat.seed
        recipe = Recipe(spec, sae.load().cfg, sources.data(spec.namespace), seed)
        watch = watch_onsets(sources, repeat.folder, config.seed) if repeat.seed == _WATCHED else None
        report(f"seeds: {sae.display_name}, seed {seed}")
        Trainer(replace(config, seed=seed), work, repeat.folder.parent, report).train(recipe, watch)
    return wanted
