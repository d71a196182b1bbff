"""What a training is given: how to train, and on what. Read `TrainConfig`; the loop is in `loop.py`."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Bool, Float, Int

from protsae.errors import ConfigError
from protsae.ontology.axioms import Axioms
from protsae.sae.artifact import Dtype
from protsae.sae.base import SAE
from protsae.sae.geometry import Scope
from protsae.sae.protsae import ProtSAE
from protsae.shards import ShardReader

Schedule = Literal["drop", "linear"]

WARM_UP, DECAY = 0.02, 0.2
"""Shares of all steps over which the schedule `linear` rises to the learning rate, and falls from it to 0."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How an SAE is trained; what it is stands in its own config."""

    epochs: int = 50
    """Passes over the training proteins."""

    batch_size: int = 2048
    """Residues per step (the paper: 128)."""

    residues_per_protein: int = 100
    """Residues drawn from each protein per epoch."""

    lr: float = 5e-4
    """Adam's learning rate."""

    guided_pace: float = 1.0
    """Factor of the learning rate for what labels and axioms move: concept predictor, detector, n-balls. Their
    directions must grow to the length of a logistic regression's, the others keep about theirs."""

    schedule: Schedule = "drop"
    """Learning rate over the steps: cut once as in the paper, or warmed up and brought to 0 over the last fifth."""

    lr_drop_epoch: int = 5
    """Epochs after which the learning rate is multiplied by `lr_drop`, with the schedule `drop`."""

    lr_drop: float = 0.1
    """Factor of the learning rate after `lr_drop_epoch`."""

    best_from_epoch: int | None = None
    """First epoch (from 1) whose weights may be kept; None for the last 40 %, as in the paper (30 of 50)."""

    validation_residues: int = 32
    """Residues per validation protein, the same in every epoch."""

    axioms_per_step: int = 512
    """Axioms of each normal form that a step samples."""

    axiom_scope: Scope = "concepts"
    """Axioms that name a guiding concept, or all of the guiding sub-ontologies."""

    auxk: int = 0
    """Dead features that may explain the residual (AuxK); 0 for off, as in the paper."""

    auxk_weight: float = 1 / 32
    """Weight of the AuxK loss against the reconstruction loss, both as shares of the variance."""

    auxk_dead_steps: int = 500
    """Steps without firing after which a feature counts as dead."""

    rate_bound: float = 0.0
    """Share of residues above which the biases of features that compete for k places sink, while those of silent ones
    rise (`firing_rates.py`); 0 for no bounds."""

    seed: int = 0
    """Of data order, axiom samples and geometry; the SAE's start has its own."""

    log_every: int = 25
    """Steps that one line of the log averages."""

    checkpoint_seconds: float = 60.0
    """Least time between checkpoints within an epoch."""

    save_dtype: Dtype = "float32"
    """Precision of the saved matrices."""

    def __post_init__(self) -> None:
        least = {
            "epochs": 1,
            "batch_size": 1,
            "residues_per_protein": 1,
            "validation_residues": 1,
            "axioms_per_step": 1,
            "log_every": 1,
            "auxk_dead_steps": 1,
            "lr_drop_epoch": 0,
            "auxk": 0,
            "auxk_weight": 0,
            "seed": 0,
            "checkpoint_seconds": 0,
        }
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise ConfigError(f"{name} must be at least {smallest}, got {getattr(self, name)}")
        if self.schedule not in get_args(Schedule):
            raise ConfigError(f"schedule must be one of {', '.join(get_args(Schedule))}, got {self.schedule!r}")
        for name in ("lr", "lr_drop"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(f"{name} must be above 0 and at most 1, got {getattr(self, name)}")
        if not 0 <= self.rate_bound < 1:
            raise ConfigError(f"rate_bound must be at least 0 and below 1, got {self.rate_bound}")
        if not 0 < self.guided_pace <= 1000:
            raise ConfigError(f"guided_pace must be above 0 and at most 1000, got {self.guided_pace}")
        if self.best_from_epoch is not None and not 1 <= self.best_from_epoch <= self.epochs:
            raise ConfigError(f"best_from_epoch must be in 1..epochs={self.epochs}, got {self.best_from_epoch}")

    def learning_rate(self, step: int, steps: int, epoch: int) -> float:
        """Adam's learning rate at one step.

        Args:
            step: from 0.
            steps: of the whole training.
            epoch: of the step, from 0.
        """
        if self.schedule == "drop":
            return self.lr * (self.lr_drop if epoch >= self.lr_drop_epoch else 1)
        risen, left = (step + 1) / (WARM_UP * steps), (steps - step) / (DECAY * steps)
        return self.lr * min(1.0, risen, left)

    @property
    def first_best_epoch(self) -> int:
        """First epoch (from 1) whose weights may be kept."""
        return max(1, round(0.6 * self.epochs)) if self.best_from_epoch is None else self.best_from_epoch


class NamedResidues(NamedTuple):
    """Residues that annotations name for a concept, in proteins that carry it. One pair is one protein and concept."""

    proteins: Int[np.ndarray, " n_pairs"]
    """Numbers of the proteins in the reader."""
    concepts: Int[np.ndarray, " n_pairs"]
    """Columns of the labels."""
    starts: Int[np.ndarray, " n_pairs_and_one"]
    """The residues of pair i are residues[starts[i]:starts[i + 1]]."""
    residues: Int[np.ndarray, " n_named"]
    """Counted from 0 in their protein; all others of the protein are taken not to carry the concept."""


class TrainingData(NamedTuple):
    """What an SAE learns from."""

    reader: ShardReader
    train: Int[np.ndarray, " n_train"]
    """Numbers of the training proteins in `reader`."""
    valid: Int[np.ndarray, " n_valid"]
    """Numbers of the validation proteins."""
    labels: Bool[np.ndarray, "n_proteins m"] | Float[np.ndarray, "n_proteins m"] | None = None
    """GO labels closed under ancestors, a row per protein of `reader`, a column per concept; for a ProtSAE."""
    axioms: Axioms | None = None
    """Of the concepts' sub-ontologies; for a ProtSAE with `axioms`."""
    known: Bool[np.ndarray, "n_proteins m"] | None = None
    """Where a label says anything: a protein without any annotation in a term's sub-ontology says nothing about the
    term. None where every label does."""
    sites: NamedResidues | None = None
    """Of training proteins; for a ProtSAE with a `site_weight`."""


def check_fit(sae: SAE, data: TrainingData) -> None:
    """Check that data and SAE belong together.

    Raises:
        ConfigError: the widths differ, a split is empty, or labels or axioms are missing.
    """
    if data.reader.d_model != sae.d_model:
        raise ConfigError(
            f"the SAE reads d_model={sae.d_model} but the activations have {data.reader.d_model}; set d_model to that"
        )
    for name, proteins in (("training", data.train), ("validation", data.valid)):
        if len(proteins) == 0:
            raise ConfigError(f"there is no {name} protein; give more proteins or another split")
    if not isinstance(sae, ProtSAE):
        return
    expected = (len(data.reader), sae.cfg.n_defined)
    found = None if data.labels is None else data.labels.shape
    if found != expected:
        raise ConfigError(f"a ProtSAE needs labels of shape {expected} (proteins, concepts), got {found}")
    if data.known is not None and data.known.shape != expected:
        raise ConfigError(f"known labels must be of the labels' shape {expected}, got {data.known.shape}")
    if sae.cfg.site_weight and data.sites is None:
        raise ConfigError(f"site_weight={sae.cfg.site_weight} needs residue labels; give them or set it to 0")
    if sae.cfg.axioms and data.axioms is None:
        raise ConfigError("a ProtSAE with axioms=True needs the ontology's axioms; give them or set axioms=False")
