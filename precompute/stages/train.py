"""A ProtSAE for each of MFO, BPO and CCO, and one vanilla TopK SAE of the same width at their mean total L0.

A ProtSAE learns from the training proteins that carry at least one annotation of its sub-ontology, because on the
others its labels are unknown; the vanilla SAE learns from all. A sub-ontology without a term that is frequent enough is
skipped. A finished SAE is kept, an unfinished one goes on from its last checkpoint. Writes per SAE `cfg.json`,
`sae.safetensors`, `log.jsonl` and `result.json`, and `result.json` over all.

Read `run`, then `protsae_config`. The loop is in `protsae/training/loop.py`.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from precompute.config import RunConfig
from precompute.corpus.concepts import Concepts, choose_concepts
from precompute.corpus.labels import read_labels
from precompute.corpus.proteins import Corpus, read_corpus
from precompute.pipeline.plan import array_hash, follow_plan
from precompute.pipeline.progress import Transient, duration
from protsae.errors import InputError
from protsae.files import read_json, write_json
from protsae.ontology.graph import Ontology
from protsae.ontology.namespaces import Namespace
from protsae.plm.weights import pick_device
from protsae.sae import SAE, ProtSAE, ProtSAEConfig, TopKSAE, TopKSAEConfig
from protsae.shards import ShardReader
from protsae.training.config import TrainConfig, TrainingData
from protsae.training.loop import Progress, train

NAMESPACES: tuple[Namespace, ...] = ("MFO", "BPO", "CCO")
VANILLA = "vanilla"


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int | float | str]:
    """Train what is not trained yet.

    Raises:
        InputError: train or valid has no protein.
    """
    corpus, reader = read_corpus(work), ShardReader(work / "embed")
    _check_splits(corpus)
    ontology = Ontology.read(config.ontology)
    chosen = _concepts(config, work, corpus, ontology)
    for concepts in chosen:
        if not concepts.go_id:
            report(_nothing(concepts.namespace, config))
    guided = [concepts for concepts in chosen if concepts.go_id]
    width = config.width_of(reader.d_model, max((len(concepts.go_id) for concepts in guided), default=0))
    trainer = _Trainer(config, work / "train", report)
    results = []
    for concepts in guided:
        data = TrainingData(
            reader,
            np.flatnonzero(concepts.annotated & (corpus.split == "train")),
            np.flatnonzero(concepts.annotated & (corpus.split == "valid")),
            concepts.labels,
            ontology.axioms(concepts.namespace),  # pyright: ignore[reportArgumentType]
        )
        cfg = protsae_config(config, concepts, reader.d_model, width)
        name = f"protsae_{concepts.namespace.lower()}"
        results.append(trainer.train(name, lambda cfg=cfg: ProtSAE(cfg, seed=config.seed), cfg, data))
    k = min(width, round(float(np.mean([result["l0"] for result in results])))) if results else config.k
    cfg = TopKSAEConfig(d_model=reader.d_model, d_sae=width, k=k)
    data = TrainingData(reader, np.flatnonzero(corpus.split == "train"), np.flatnonzero(corpus.split == "valid"))
    results.append(trainer.train(VANILLA, lambda: TopKSAE(cfg, seed=config.seed), cfg, data))
    for path in (work / "train").iterdir():
        if path.is_dir() and path.name not in {result["name"] for result in results}:
            shutil.rmtree(path)
    names = ("name", "architecture", "namespace", "concepts", "d_sae", "k")
    saes = [{name: result[name] for name in names} for result in results]
    write_json(work / "train" / "result.json", {"saes": saes, "trainings": results})
    skipped = [concepts.namespace for concepts in chosen if not concepts.go_id]
    return _numbers(results, skipped)


def protsae_config(config: RunConfig, concepts: Concepts, d_model: int, d_sae: int) -> ProtSAEConfig:
    """The ProtSAE of one sub-ontology."""
    return ProtSAEConfig(
        d_model=d_model,
        d_sae=d_sae,
        concepts=concepts.go_id,
        namespace=concepts.namespace,  # pyright: ignore[reportArgumentType]
        k=config.k,
        lambda_annot=config.lambda_annot,
        lambda_axiom=config.lambda_axiom,
        annotation=config.annotation,
        positive_weight=config.positive_weight,
        forcing_strength=config.forcing_strength,
    )


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
            lr_drop_epoch=config.epochs_before_drop,
            seed=config.seed,
            save_dtype=config.sae_dtype,
        )

    def train(
        self, name: str, make: Callable[[], SAE], cfg: ProtSAEConfig | TopKSAEConfig, data: TrainingData
    ) -> dict[str, Any]:
        """Train one SAE, or give the result that an earlier run has left."""
        folder = self._folder / name
        follow_plan(folder, self._plan(cfg, data))
        done = read_json(folder / "result.json")
        if done is not None:
            return done

        def progress(now: Progress) -> None:
            loss, rate = now.losses["total"], now.rows_per_s
            line = f"step {now.step:,} of {now.steps:,}, loss {loss:.4g}, {rate:,.0f} residues/s"
            self._report(Transient(f"train {name}: {line}, {duration(now.eta_s)} left"))

        trained = train(make().to(self._device), data, self._settings, folder, progress)
        result = {
            "name": name,
            "architecture": "protsae" if isinstance(cfg, ProtSAEConfig) else "topk",
            "namespace": cfg.namespace if isinstance(cfg, ProtSAEConfig) else "",
            "concepts": list(cfg.concepts) if isinstance(cfg, ProtSAEConfig) else [],
            "d_sae": cfg.d_sae,
            "k": cfg.k,
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

    def _plan(self, cfg: ProtSAEConfig | TopKSAEConfig, data: TrainingData) -> dict[str, Any]:
        axioms = () if data.axioms is None else data.axioms[2:]
        arrays = [data.train, data.valid, *axioms, *(() if data.labels is None else (data.labels,))]
        return {
            "embed": self._embed_plan,
            "sae": asdict(cfg),
            "training": asdict(self._settings),
            "data": [array_hash(np.asarray(array)) for array in arrays],
        }


def _concepts(config: RunConfig, work: Path, corpus: Corpus, ontology: Ontology) -> list[Concepts]:
    terms = pd.read_parquet(work / "proteins" / "go_term.parquet", columns=["go_id", "namespace"])
    labels = read_labels(work, corpus, terms)
    return [
        choose_concepts(
            labels,
            terms,
            namespace,
            split=corpus.split,
            roots=ontology.roots(),
            min_proteins=config.min_term_proteins,
            max_concepts=config.max_concepts,
        )
        for namespace in NAMESPACES
    ]


def _check_splits(corpus: Corpus) -> None:
    for part in ("train", "valid", "test"):
        if not (corpus.split == part).any():
            msg = f"no protein falls into the {part} split ({corpus.n_proteins} proteins in all); give more proteins"
            raise InputError(msg)


def _nothing(namespace: str, config: RunConfig) -> str:
    return f"no {namespace} term is carried by {config.min_term_proteins} training proteins; no ProtSAE for {namespace}"


def _numbers(results: list[dict[str, Any]], skipped: list[str]) -> dict[str, int | float | str]:
    numbers: dict[str, int | float | str] = {"d_sae": results[-1]["d_sae"], "k vanilla": results[-1]["k"]}
    for result in results:
        name, seconds = result["name"], max(1e-3, result["seconds"])
        numbers[f"terms {name}"] = len(result["concepts"])
        numbers[f"steps/s {name}"] = result["steps"] / seconds
        numbers[f"EV {name}"] = result["validation"]["explained_variance"]
    return numbers | ({"skipped": " ".join(skipped)} if skipped else {})
