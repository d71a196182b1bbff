"""Every SAE of the run's list (`precompute/saes.py`), one after the other.

A guided SAE learns from the training proteins with at least one annotation in the sub-ontologies whose terms guide it;
where such a protein has none in one of them, its labels there are unknown and guide nothing. An unguided SAE learns
from all. A guided SAE for which no term is frequent enough is left out. A finished SAE is kept, an unfinished one goes
on from its last checkpoint. Writes per SAE `cfg.json`, `sae.safetensors`, `log.jsonl` and `result.json`, and
`result.json` over all.

Read `run`, then `_Recipe`. The loop is in `protsae/training/loop.py`.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from precompute.align.sites import SiteLabels, guiding_sites, site_labels
from precompute.config import RunConfig
from precompute.corpus.concepts import Concepts, choose_concepts
from precompute.corpus.forecast import MORE, check_splits, nothing_guides
from precompute.corpus.imported import bring_in
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import Corpus, read_corpus
from precompute.pipeline.plan import array_hash, follow_plan
from precompute.pipeline.progress import Transient, duration
from precompute.presets import SWITCHES_OF_A_RUN
from precompute.saes import SAESpec
from protsae.device import pick_device
from protsae.errors import ConfigError, InputError
from protsae.files import read_json, write_json
from protsae.ontology.axioms import Axioms
from protsae.ontology.graph import Ontology
from protsae.ontology.namespaces import GOScope
from protsae.sae import SAE, ProtSAEConfig
from protsae.sae.base import ARCHITECTURES, SAEConfig
from protsae.sae.config import Normalise
from protsae.shards import ShardReader
from protsae.training.config import TrainConfig, TrainingData
from protsae.training.loop import Progress, train


class _Recipe(NamedTuple):
    """One SAE, and what it learns from."""

    spec: SAESpec
    cfg: SAEConfig
    data: TrainingData
    seed: int

    @property
    def concepts(self) -> tuple[str, ...]:
        """Guiding terms of features 0, 1, ..."""
        return self.cfg.concepts if isinstance(self.cfg, ProtSAEConfig) else ()


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Train what is not trained yet.

    Raises:
        InputError: train or valid has no protein, or no SAE of the list can be trained.
        ConfigError: an SAE would have no free feature, or fewer features than are to be active.
    """
    corpus, reader = read_corpus(work), ShardReader(work / "embed")
    check_splits(corpus.split)
    ontology = Ontology.read(config.ontology)
    guides = _concepts(config, work, corpus, ontology)
    left_out = [spec for spec in config.sae_list if spec.namespace is not None and not guides[spec.namespace].go_id]
    for spec in left_out:
        report(nothing_guides(spec, config))
    specs = [spec for spec in config.sae_list if spec not in left_out]
    if not specs:
        raise InputError(f"{nothing_guides(left_out[0], config)}, and no other SAE is in the list; {MORE}")
    if left_out and all(spec.namespace is None for spec in specs):
        report(
            f"no GO term at all reaches --min-term-proteins {config.min_term_proteins}, so the bundle will hold no "
            f"guided SAE; for one, {MORE}"
        )
    n_concepts = [len(guides[spec.namespace].go_id) for spec in specs if spec.namespace is not None]
    width = config.width_of(reader.d_model, max(n_concepts, default=0))
    sites = site_labels(work, corpus) if config.site_weight else None
    trainer = _Trainer(config, work / "train", report)
    results: dict[str, dict[str, Any]] = {}
    for spec in specs:
        concepts = None if spec.namespace is None else guides[spec.namespace]
        axioms = None if concepts is None else ontology.axioms(concepts.scope)
        data = training_data(reader, corpus.split, concepts, axioms, sites)
        l0 = [results[name]["l0"] for name in spec.match_l0 if name in results]
        cfg = sae_config(config, spec, concepts, d_model=reader.d_model, d_sae=width, l0=l0)
        if isinstance(cfg, ProtSAEConfig):
            cfg = with_what_there_is(cfg, data)
        seed = config.seed if spec.seed is None else spec.seed
        results[spec.name] = trainer.train(_Recipe(spec, cfg, data, seed))
    valid = np.flatnonzero(corpus.split == "valid")
    for imported in config.sae:
        report(f"reading {imported.name}")
        folder = work / "train" / imported.name
        results[imported.name] = bring_in(imported, folder, reader, valid, seed=config.seed)
    for path in (work / "train").iterdir():
        if path.is_dir() and path.name not in results:
            shutil.rmtree(path)
    names = ("name", "display_name", "role", "architecture", "namespace", "concepts", "d_sae", "k")
    saes = [{name: result[name] for name in names} for result in results.values()]
    write_json(work / "train" / "result.json", {"saes": saes, "trainings": list(results.values())})
    return _numbers(list(results.values()), [spec.name for spec in left_out])


def sae_config(
    config: RunConfig, spec: SAESpec, concepts: Concepts | None, *, d_model: int, d_sae: int, l0: Sequence[float]
) -> SAEConfig:
    """The configuration of one SAE of the list.

    Args:
        config: of the run.
        spec: the SAE.
        concepts: that guide it; None where none do.
        d_model: width that it reads.
        d_sae: features where the SAE names no number of its own.
        l0: of the SAEs that it is to match and that have been trained.

    Raises:
        ConfigError: it would have no free feature, or fewer features than are to be active.
    """
    d_sae = spec.d_sae or d_sae
    k = spec.k or config.k
    normalise = spec.normalise or config.normalise
    if l0:
        k = max(1, min(d_sae, round(float(np.mean(l0)))))
    if k > d_sae:
        raise ConfigError(f"k of {spec.name} must be at most its d_sae={d_sae}, got {k}")
    if concepts is None:
        return unguided_config(spec.architecture, d_model=d_model, d_sae=d_sae, k=k, normalise=normalise)
    if d_sae <= len(concepts.go_id):
        found = f"d_sae={d_sae} of {spec.name}"
        raise ConfigError(f"{found} leaves no free feature beside {len(concepts.go_id)} guiding terms; raise it")
    return replace(protsae_config(config, concepts, d_model, d_sae), k=k, normalise=normalise)


def training_data(
    reader: ShardReader,
    split: np.ndarray,
    concepts: Concepts | None,
    axioms: Axioms | None,
    sites: SiteLabels | None = None,
) -> TrainingData:
    """What an SAE learns from.

    Args:
        reader: of the activations.
        split: [n_proteins] train, valid or test.
        concepts: that guide it; None where none do, which lets it learn from every protein.
        axioms: of their sub-ontologies.
        sites: residues that annotations name, of all proteins.
    """
    in_scope = np.ones(len(split), dtype=bool) if concepts is None else concepts.annotated
    train, valid = (np.flatnonzero(in_scope & (split == part)) for part in ("train", "valid"))
    if concepts is None:
        return TrainingData(reader, train, valid)
    known = None if concepts.known[in_scope].all() else concepts.known
    named = None if sites is None else guiding_sites(sites, split, concepts.go_id)
    return TrainingData(reader, train, valid, concepts.labels, axioms, known, named)


def protsae_config(config: RunConfig, concepts: Concepts, d_model: int, d_sae: int) -> ProtSAEConfig:
    """The ProtSAE of one sub-ontology or of all, with the run's own k."""
    return ProtSAEConfig(
        **{name: getattr(config, name) for name in SWITCHES_OF_A_RUN},
        d_model=d_model,
        d_sae=d_sae,
        concepts=concepts.go_id,
        namespace=concepts.scope,
        k=config.k,
        normalise=config.normalise,
    )


def with_what_there_is(cfg: ProtSAEConfig, data: TrainingData) -> ProtSAEConfig:
    """The same without a loss on named residues where annotations name none for any guiding term."""
    return replace(cfg, site_weight=0.0) if data.sites is None else cfg


def unguided_config(architecture: str, *, d_model: int, d_sae: int, k: int, normalise: Normalise) -> SAEConfig:
    """The configuration of an SAE that no term guides, by the name of its architecture."""
    made: Any = ARCHITECTURES[architecture].config_class
    return made(d_model=d_model, d_sae=d_sae, k=k, normalise=normalise)


def fresh_sae(architecture: str, cfg: SAEConfig, *, seed: int) -> SAE:
    """An SAE before its training, by the name of its architecture."""
    made: Any = ARCHITECTURES[architecture]
    return made(cfg, seed=seed)


class _Trainer:
    """Trains SAEs one after the other with the same settings."""

    def __init__(self, config: RunConfig, folder: Path, report: Callable[[str], None]) -> None:
        self._folder, self._report = folder, report
        self._device = pick_device(config.device)
        self._embed_plan = read_json(folder.parent / "embed" / "plan.json")
        self._settings = TrainConfig(
            epochs=config.epochs,
            batch_size=config.batch_size,
            residues_per_protein=config.residues_per_protein,
            lr=config.learning_rate,
            guided_pace=config.guided_pace,
            schedule=config.schedule,
            lr_drop_epoch=config.epochs_before_drop,
            auxk=config.auxk,
            bound_rates=config.bound_rates,
            seed=config.seed,
            save_dtype=config.sae_dtype,
        )

    def train(self, recipe: _Recipe) -> dict[str, Any]:
        """Train one SAE, or give the result that an earlier run has left."""
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
        follow_plan(folder, self._plan(recipe, settings))
        done = read_json(folder / "result.json")
        if done is not None:
            return done | identity

        def progress(now: Progress) -> None:
            loss, rate = now.losses["total"], now.rows_per_s
            line = f"step {now.step:,} of {now.steps:,}, loss {loss:.4g}, {rate:,.0f} residues/s"
            self._report(Transient(f"train {spec.name}: {line}, {duration(now.eta_s)} left"))

        sae = fresh_sae(spec.architecture, cfg, seed=seed)
        trained = train(sae.to(self._device), data, settings, folder, progress)
        result = identity | {
            "l0": trained.best.l0,
            "best_epoch": trained.best_epoch,
            "steps": trained.steps,
            "seconds": round(trained.seconds, 3),
            "n_train": len(data.train),
            "validation": trained.best._asdict(),
        }
        write_json(folder / "result.json", result)
        (folder / "checkpoint.pt").unlink(missing_ok=True)
        return result

    def _plan(self, recipe: _Recipe, settings: TrainConfig) -> dict[str, Any]:
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


def _concepts(config: RunConfig, work: Path, corpus: Corpus, ontology: Ontology) -> dict[GOScope, Concepts]:
    """The guiding terms of every scope that an SAE of the list asks for."""
    terms = pd.read_parquet(work / "proteins" / "go_term.parquet", columns=["go_id", "namespace"])
    labels = read_labels(work, corpus, terms)
    wanted: set[GOScope] = {spec.namespace for spec in config.sae_list if spec.namespace is not None}
    return {
        scope: choose_concepts(
            labels,
            terms,
            scope,
            split=corpus.split,
            roots=ontology.roots(),
            min_proteins=config.min_term_proteins,
            max_concepts=config.max_concepts,
        )
        for scope in wanted
    }


def _numbers(results: list[dict[str, Any]], left_out: list[str]) -> dict[str, int | float | str]:
    numbers: dict[str, int | float | str] = {}
    for result in results:
        name = result["name"]
        numbers[f"d_sae {name}"], numbers[f"k {name}"] = result["d_sae"], result["k"]
        numbers[f"terms {name}"] = len(result["concepts"])
        if result["role"] != "imported":
            numbers[f"steps/s {name}"] = result["steps"] / max(1e-3, result["seconds"])
        numbers[f"EV {name}"] = result["validation"]["explained_variance"]
    return numbers | ({"left out": " ".join(left_out)} if left_out else {})
