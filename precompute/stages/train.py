"""Every SAE of the run's list (`precompute/saes.py`), one after the other.

A guided SAE for which no term is frequent enough is left out. Writes a folder per SAE (see `Trainer`) and `result.json`
over all. Several processes may train each SAE together, on this machine (`train_processes`) or started by torchrun.

Read `train_list`, then `precompute/training/recipes.py`.
"""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from precompute.config import RunConfig
from precompute.corpus.forecast import MORE, check_splits, nothing_guides
from precompute.corpus.imported import bring_in
from precompute.pipeline.together import together
from precompute.training.recipes import Recipe, Sources, sae_config, with_what_there_is
from precompute.training.trainer import Trainer
from protsae.errors import InputError
from protsae.files import write_json
from protsae.parallel.ranks import ALONE, Ranks
from protsae.sae import ProtSAEConfig

Numbers = dict[str, int | float | str]


def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> Numbers:
    """Train what is not trained yet, in so many processes as the settings say."""
    if config.train_processes == 1:
        return train_list(config, work, ALONE, report)
    return together(config.train_processes, config.device, partial(train_list, config, work), report)[0]


def train_list(config: RunConfig, work: Path, ranks: Ranks, report: Callable[[str], None]) -> Numbers:
    """Train what is not trained yet, as one of several processes; the first writes what is left.

    Args:
        config: of the run.
        work: its folder; the stages proteins and embed are done.
        ranks: processes that train together, all with the same arguments.
        report: takes one line at a time.

    Raises:
        InputError: train or valid has no protein, or no SAE of the list can be trained.
        ConfigError: an SAE would have no free feature, or fewer features than are to be active.
    """
    sources = Sources(config, work)
    check_splits(sources.corpus.split)
    guided = [spec for spec in config.sae_list if spec.namespace is not None]
    n_concepts = {spec.name: len(sources.concepts(spec.namespace).go_id) for spec in guided if spec.namespace}
    left_out = [spec for spec in guided if not n_concepts[spec.name]]
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
    d_model = sources.reader.d_model
    width = config.width_of(d_model, max(n_concepts.values(), default=0))
    trainer = Trainer(config, work, work / "train", report, ranks)
    results: dict[str, dict[str, Any]] = {}
    for spec in specs:
        concepts = None if spec.namespace is None else sources.concepts(spec.namespace)
        data = sources.data(spec.namespace)
        l0 = [results[name]["l0"] for name in spec.match_l0 if name in results]
        cfg = sae_config(config, spec, concepts, d_model=d_model, d_sae=width, l0=l0)
        if isinstance(cfg, ProtSAEConfig):
            cfg = with_what_there_is(cfg, data)
        seed = config.seed if spec.seed is None else spec.seed
        results[spec.name] = trainer.train(Recipe(spec, cfg, data, seed))
    if ranks.is_first:
        _complete(config, work, sources, results, report)
    return _numbers(list(results.values()), [spec.name for spec in left_out])


def _complete(
    config: RunConfig,
    work: Path,
    sources: Sources,
    results: dict[str, dict[str, Any]],
    report: Callable[[str], None],
) -> None:
    """Take in the SAEs of other programs, remove those that are no more in the list, and write what there is."""
    valid = np.flatnonzero(sources.corpus.split == "valid")
    for imported in config.sae:
        report(f"reading {imported.name}")
        folder = work / "train" / imported.name
        results[imported.name] = bring_in(imported, folder, sources.reader, valid, seed=config.seed)
    for path in (work / "train").iterdir():
        if path.is_dir() and path.name not in results:
            shutil.rmtree(path)
    names = ("name", "display_name", "role", "architecture", "namespace", "concepts", "d_sae", "k")
    saes = [{name: result[name] for name in names} for result in results.values()]
    write_json(work / "train" / "result.json", {"saes": saes, "trainings": list(results.values())})


def _numbers(results: list[dict[str, Any]], left_out: list[str]) -> Numbers:
    numbers: Numbers = {}
    for result in results:
        name = result["name"]
        numbers[f"d_sae {name}"], numbers[f"k {name}"] = result["d_sae"], result["k"]
        numbers[f"terms {name}"] = len(result["concepts"])
        if result["role"] != "imported":
            numbers[f"steps/s {name}"] = result["steps"] / max(1e-3, result["seconds"])
        numbers[f"EV {name}"] = result["validation"]["explained_variance"]
    return numbers | ({"left out": " ".join(left_out)} if left_out else {})
