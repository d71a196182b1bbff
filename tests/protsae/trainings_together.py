"""Trainings of the made-up task that test_together.py runs in several processes, which import them by name.

Every case is one training; processes do not take over each other's weights here, so what each holds at the end is
its own.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tiny_training as tiny
import torch
from torch import Tensor

from protsae.errors import ConfigError
from protsae.parallel.ranks import ALONE, Ranks
from protsae.parallel.together import Together
from protsae.sae import (
    GBASAE,
    SAE,
    BatchTopKSAE,
    BatchTopKSAEConfig,
    GatedSAE,
    GatedSAEConfig,
    GBASAEConfig,
    JumpReLUSAE,
    JumpReLUSAEConfig,
    OrderedSAE,
    OrderedSAEConfig,
    ReLUSAE,
    ReLUSAEConfig,
)
from protsae.training.config import NamedResidues, TrainConfig, TrainingData
from protsae.training.loop import _Trainer, train

SHAPE: dict[str, Any] = {"d_model": tiny.D_MODEL, "d_sae": tiny.D_SAE, "k": tiny.K}
APART: dict[str, Any] = {
    "selection": "apart",
    "detector": True,
    "annotation": "protein",
    "rate_min": 0.02,
    "rate_max": 0.2,
}
RIDGE: dict[str, Any] = {"predictor_l2": 0.001, "detector_l2": 0.01, "positive_weight": 0.75}

CASES: dict[str, tuple[Callable[[], SAE], dict[str, Any]]] = {
    "topk": (lambda: tiny.make("topk"), {}),
    "uneven": (lambda: tiny.make("topk"), {"batch_size": 63}),
    "auxk": (lambda: tiny.make("topk"), {"auxk": 4, "auxk_dead_steps": 3, "rate_bound": 0.095}),
    "batchtopk": (lambda: BatchTopKSAE(BatchTopKSAEConfig(**SHAPE)), {}),
    "jumprelu": (lambda: JumpReLUSAE(JumpReLUSAEConfig(**SHAPE)), {}),
    "relu": (lambda: ReLUSAE(ReLUSAEConfig(**SHAPE)), {}),
    "gated": (lambda: GatedSAE(GatedSAEConfig(**SHAPE)), {}),
    "gba": (lambda: GBASAE(GBASAEConfig(**SHAPE)), {}),
    "ordered": (lambda: OrderedSAE(OrderedSAEConfig(**SHAPE)), {}),
    "residue": (lambda: tiny.make("protsae"), {}),
    "bag": (lambda: tiny.make("protsae", annotation="bag", forcing="before"), {}),
    "guided": (lambda: tiny.make("protsae", **APART, **RIDGE, site_weight=3.0, spread=0.5), {"rate_bound": 0.095}),
}
"""Name -> a fresh SAE, and changes of `tiny_training.config`."""


WITHOUT = (
    ("sum_gradients", "topk"),
    ("total_with_gradient", "guided"),
    ("total_with_gradient", "jumprelu"),
    ("largest", "gba"),
)
"""Exchanges, and a case in which each is left out: every process goes by its own rows."""


def data_of(folder: Path, case: str) -> TrainingData:
    """The task; with the guided case come unknown labels and named residues."""
    data = tiny.planted(folder / "embed")
    if case != "guided" or data.labels is None:
        return data
    rng = np.random.default_rng(3)
    pairs = [(protein, concept) for protein in data.train for concept in np.flatnonzero(data.labels[protein])]
    proteins, concepts = np.array(pairs).T
    named = [rng.choice(data.reader.lengths[p], 4, replace=False) for p in proteins]
    sites = NamedResidues(proteins, concepts, np.arange(len(pairs) + 1) * 4, np.concatenate(named))
    return data._replace(known=data.labels | (rng.random(data.labels.shape) < 0.7), sites=sites)


def settings(case: str, **changes: Any) -> TrainConfig:
    """Two epochs, some twenty steps each."""
    return tiny.config(**{"epochs": 2, "lr_drop_epoch": 1, "best_from_epoch": 2, **CASES[case][1], **changes})


def trained(folder: Path, case: str, ranks: Ranks = ALONE, **changes: Any) -> dict[str, Tensor]:
    """Weights and buffers after the last step of one case, in this process."""
    sae = CASES[case][0]()
    train(sae, data_of(folder, case), settings(case, **changes), folder / f"{case}-{ranks.size}", ranks=ranks)
    return {name: value.clone() for name, value in sae.state_dict().items()}


def all_cases(folder: Path, ranks: Ranks, emit: Callable[[Any], None]) -> dict[str, dict[str, np.ndarray]]:
    """Every case, one after the other, then those of `WITHOUT`; each process gives what itself holds."""
    Together.follow_first = Ranks.follow_first
    found = {}
    for case in CASES:
        emit(case)
        found[case] = held(trained(folder, case, ranks))
    for exchange, case in WITHOUT:
        emit(f"{case} without {exchange}")
        with _left_out(exchange):
            found[f"{case} without {exchange}"] = held(trained(folder / exchange, case, ranks))
    return found


def held(state: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """As arrays, which travel between processes."""
    return {name: value.numpy() for name, value in state.items()}


def goes_on(folder: Path, ranks: Ranks, _emit: Callable[[Any], None]) -> dict[str, np.ndarray]:
    """The guided case, taken up where it stands."""
    return held(trained(folder, "guided", ranks))


def stopped_at(step: int, folder: Path, case: str) -> None:
    """One process, interrupted after a step."""

    def look(done: int) -> None:
        if done == step:
            raise KeyboardInterrupt

    with _after_steps(look):
        trained(folder, case)


def second_is_killed(folder: Path, ranks: Ranks, _emit: Callable[[Any], None]) -> None:
    """The guided case, whose second process is killed in the second epoch."""

    def look(step: int) -> None:
        if step == 30 and not ranks.is_first:
            os.kill(os.getpid(), signal.SIGKILL)

    with _after_steps(look):
        trained(folder, "guided", ranks)


def second_hangs(_folder: Path, ranks: Ranks, _emit: Callable[[Any], None]) -> None:
    """The second process does not come."""
    if not ranks.is_first:
        time.sleep(60)
    ranks.wait()


def refusals(folder: Path, ranks: Ranks) -> list[str]:
    """What is said where the second process has one protein less, and where a batch has less than a residue each."""
    data, said = data_of(folder, "topk"), []
    other = data if ranks.is_first else data._replace(train=data.train[1:])
    for given, changes in ((other, {}), (data, {"batch_size": 1})):
        try:
            train(CASES["topk"][0](), given, settings("topk", **changes), folder / "refused", ranks=ranks)
        except ConfigError as error:
            said.append(str(error))
    return said


def exchanges(folder: Path, ranks: Ranks, _emit: Callable[[Any], None]) -> dict[str, Any]:
    """What the exchanges give on small numbers."""
    own = torch.tensor([1.0 + ranks.rank, 3.0 - ranks.rank], requires_grad=True)
    ranks.total_with_gradient(own).pow(2).sum().div(ranks.size).backward()
    weight = torch.zeros(2) + 5 * ranks.rank
    ranks.follow_first([weight])
    with_grad, without = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
    with_grad.grad = torch.ones(2) if ranks.is_first else None
    ranks.sum_gradients([with_grad, without])
    return {
        "part": ranks.part(5),
        "total": ranks.total(own).tolist(),
        "gradient": own.grad.tolist() if own.grad is not None else None,
        "largest": ranks.largest(own).tolist(),
        "gathered": ranks.gathered(torch.arange(3.0 - 2 * ranks.rank)).tolist(),
        "refusals": refusals(folder, ranks),
        "told": ranks.told({"text": "über", "of": ranks.rank}),
        "followed": weight.tolist(),
        "gradients": [None if p.grad is None else p.grad.tolist() for p in (with_grad, without)],
    }


@contextmanager
def _left_out(exchange: str) -> Iterator[None]:
    real = getattr(Together, exchange)
    setattr(Together, exchange, getattr(Ranks, exchange))
    try:
        yield
    finally:
        setattr(Together, exchange, real)


@contextmanager
def _after_steps(look: Callable[[int], None]) -> Iterator[None]:
    step = _Trainer._train_step

    def watched(self: _Trainer, batch: Any) -> None:
        step(self, batch)
        look(self.step)

    _Trainer._train_step = watched
    try:
        yield
    finally:
        _Trainer._train_step = step
