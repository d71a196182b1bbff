"""The one training loop for every SAE architecture.

    L = L_rec + lambda_annot * L_annot + lambda_axiom * L_axiom (+ weight * L_aux) (+ the architecture's penalty)

Adam, the learning rate as `TrainConfig.learning_rate` says, rows of W_dec kept at unit length (their gradients have no
part along them, and they are brought back after every step), a validation after every epoch. Checkpoints are atomic,
and everything random follows from (seed, epoch, step): a training that was killed and started again gives the same
weights to the last bit as one that was not (on the same machine and number of threads and processes).

Several processes may train one SAE (`protsae/parallel/ranks.py`): each has its share of every batch, gradients and
counts are summed before a step, so all hold the same weights, those of one process but for the order of sums. The first
writes the files; a training goes on with any number of processes.

Files in the folder of a training: log.jsonl (every loss term), checkpoint.pt, and at the end cfg.json and
sae.safetensors of the best epoch.

Read `TrainConfig`, then `train`, then `_Trainer.step_losses`. Checkpoints are in `checkpoints.py`, the validation in
`validation.py`.

Source: Liu et al. 2025 (arXiv:2509.05309): Adam 5e-4, a tenth of it after epoch 5, 100 residues per protein, the
checkpoint with the lowest validation loss of the last 40 % of epochs. Larger batches than the paper's 128 are ours.
"""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from protsae.errors import ConfigError
from protsae.parallel.ranks import ALONE, Ranks, Share
from protsae.sae.base import SAE
from protsae.sae.losses import reconstruction_loss
from protsae.sae.passes import TrainingPass
from protsae.sae.protsae import ProtSAE
from protsae.training import checkpoints
from protsae.training import log as training_log
from protsae.training.batches import Batch, BatchStream, fit_input
from protsae.training.config import TrainConfig, TrainingData, check_fit
from protsae.training.firing_rates import bound_rates
from protsae.training.guidance import Guidance
from protsae.training.state import Best, State
from protsae.training.validation import Validation, validate
from protsae.training.whole_batch import auxk_loss, of_all


class Progress(NamedTuple):
    """Where a training stands."""

    epoch: int
    """From 1."""
    step: int
    steps: int
    rows_per_s: float
    """Residues trained on per second, recently."""
    eta_s: float
    """Seconds that are left at this rate, validations not counted."""
    losses: dict[str, float]
    """Every loss term, mean over the last steps."""


class Watch(NamedTuple):
    """Someone who looks at an SAE while it is trained, and changes nothing."""

    steps: Callable[[int], frozenset[int]]
    """The steps after which to look, of a training of so many; 0 is before the first."""
    look: Callable[[int, SAE], None]
    """Is called with the step; again with the same weights where a training goes on from an earlier checkpoint."""


class TrainResult(NamedTuple):
    """What a training has left."""

    folder: Path
    """Holds cfg.json and sae.safetensors."""
    best_epoch: int
    """From 1."""
    best: Validation
    history: tuple[Validation, ...]
    """One per epoch."""
    steps: int
    seconds: float
    """Wall time, summed over interruptions."""


def train(
    sae: SAE,
    data: TrainingData,
    config: TrainConfig,
    out: Path,
    progress: Callable[[Progress], None] | None = None,
    *,
    watch: Watch | None = None,
    ranks: Ranks = ALONE,
) -> TrainResult:
    """Train `sae` in place, or go on from the checkpoint in `out`; at the end it holds the best epoch's weights.

    Args:
        sae: fresh, on the device to train on.
        data: activations, split, labels, axioms.
        config: how to train.
        out: folder for log, checkpoint and result; made if it does not exist.
        progress: called after every `log_every` steps.
        watch: looks at the SAE at some of the steps, in the first process.
        ranks: processes that train it together, all with the same arguments; files are the first's.

    Raises:
        ConfigError: data and SAE do not fit, a batch has fewer residues than there are processes, they read different
            data, or the training diverges.
        ArtifactError: the checkpoint in `out` is damaged or belongs to another training.
    """
    check_fit(sae, data)
    out.mkdir(parents=True, exist_ok=True)
    trainer = _Trainer(sae, data, config, out, progress, watch=watch, ranks=ranks)
    trainer.start()
    while trainer.epoch < config.epochs:
        trainer.train_epoch()
    return trainer.finish()


class _Trainer:
    """State of one training between two steps."""

    def __init__(
        self,
        sae: SAE,
        data: TrainingData,
        config: TrainConfig,
        out: Path,
        progress: Callable[[Progress], None] | None,
        *,
        watch: Watch | None,
        ranks: Ranks,
    ) -> None:
        self.ranks = ranks
        self.sae, self.data, self.config, self.out, self.progress = sae, data, config, out, progress
        self.device = sae.W_dec.device
        self.guidance: Guidance | None = None
        if isinstance(sae, ProtSAE) and data.labels is not None:
            self.guidance = Guidance(sae, data, data.labels, config, ranks)
        self.geometry = self.guidance.geometry if self.guidance else None
        self.stream = BatchStream(
            data.reader,
            data.train,
            batch_size=config.batch_size,
            residues_per_protein=config.residues_per_protein,
            seed=config.seed,
            ranks=ranks,
        )
        rows = min(config.batch_size, self.stream.n_rows)
        if rows < ranks.size:
            raise ConfigError(f"a batch of {rows} residues cannot be shared by {ranks.size} processes; start fewer")
        guided = self.guidance.parameters() if self.guidance else []
        own = {id(parameter) for parameter in guided}
        groups = [{"params": [p for p in sae.parameters() if id(p) not in own], "pace": 1.0}]
        groups += [{"params": guided, "pace": config.guided_pace}] if guided else []
        self.optimizer = torch.optim.Adam(groups, lr=config.lr, fused=True)
        self._trained = [p for group in groups for p in group["params"]]
        self.epoch = self.batch = self.step = 0
        self.watch = watch
        self.watched = watch.steps(config.epochs * self.stream.n_batches) if watch else frozenset[int]()
        self.last_fired = torch.zeros(sae.d_sae, dtype=torch.int64)
        self.history: list[Validation] = []
        self.best: Best | None = None
        self.seconds = 0.0
        self.started = self.checkpointed = time.monotonic()
        self.window = training_log.LogWindow()

    def start(self) -> None:
        """Take up the checkpoint, or fit the scale to the data and begin the log."""
        identity = self._identity()
        state = checkpoints.read(self.out, identity, State.of)
        self.ranks.check_same("the settings or data", repr(identity))
        self.ranks.check_same("the checkpoint", "none" if state is None else f"{state.step}")
        if state is None:
            if self.ranks.is_first:
                training_log.begin(self.out)
            fit_input(self.sae, self.stream, self.ranks)
            if self.guidance:
                self.guidance.start()
            self._follow_first()
            self._look()
            return
        self.sae.load_state_dict(state.model)
        if self.geometry and state.geometry:
            self.geometry.load_state_dict(state.geometry)
        self.optimizer.load_state_dict(state.optimizer)
        self.epoch, self.batch, self.step = state.epoch, state.batch, state.step
        self.last_fired, self.best = state.last_fired, state.best
        self.history = [Validation(**row) for row in state.history]
        self.seconds = state.seconds
        if self.ranks.is_first:
            training_log.cut(self.out, state.log_bytes)

    def train_epoch(self) -> None:
        """Train on what is left of the epoch, validate, keep the weights if they are the best, write a checkpoint."""
        config = self.config
        self.window.restart_clock()
        for batch in self.stream.epoch(self.epoch, start=self.batch):
            self._train_step(batch)
            self.batch += 1
            if len(self.window) >= config.log_every:
                self._log_window()
                if time.monotonic() - self.checkpointed >= config.checkpoint_seconds:
                    self._write_checkpoint()
        self._log_window()
        self.epoch, self.batch = self.epoch + 1, 0
        self._follow_first()
        found = validate(self.sae, self._validation_stream(), self.guidance, self.ranks)
        self.history.append(found)
        self._log({"kind": "validation", "epoch": self.epoch, "step": self.step, **found._asdict()})
        if self.epoch >= config.first_best_epoch and (self.best is None or found.rank < self.best.rank):
            weights = {name: value.detach().cpu().clone() for name, value in self.sae.state_dict().items()}
            self.best = Best(self.epoch, found.rank, weights)
        self._write_checkpoint()

    def finish(self) -> TrainResult:
        """Bring back the best epoch's weights and save them."""
        if self.best is None:
            raise AssertionError(f"no epoch of {self.config.epochs} was kept, though the last one always may be")
        self.sae.load_state_dict(self.best.weights)
        if self.ranks.is_first:
            self.sae.save(self.out, self.config.save_dtype)
        self.ranks.wait()
        epoch = self.best.epoch
        return TrainResult(self.out, epoch, self.history[epoch - 1], tuple(self.history), self.step, self.seconds)

    def step_losses(self, batch: Batch) -> tuple[dict[str, Tensor], TrainingPass]:
        """The part that this process has of every term of a batch's loss, weighted sum included, and its pass."""
        share = Share(self.ranks, len(batch.everyone))
        x_in = self.sae.rescaled(batch.x.to(self.device))
        passed = self.sae.training_pass(x_in, share=share)
        losses = {"rec": reconstruction_loss(x_in, passed.x_hat) * share.weight}
        total = losses["rec"]
        if self.sae.has_penalty:
            losses["penalty"] = passed.penalty * share.weight
            total = total + losses["penalty"]
        if self.guidance:
            losses |= self.guidance.losses(batch, passed, step=self.step)
            total = total + losses.pop("guidance")
        if self.config.auxk:
            silent = self.step - self.last_fired
            losses["aux"] = auxk_loss(self.sae, x_in, passed, silent=silent, config=self.config, share=share)
            total = total + self.config.auxk_weight * losses["aux"]
        return {"total": total, **losses}, passed

    def _train_step(self, batch: Batch) -> None:
        config = self.config
        lr = config.learning_rate(self.step, config.epochs * self.stream.n_batches, self.epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = group["pace"] * lr
        losses, passed = self.step_losses(batch)
        self.optimizer.zero_grad(set_to_none=True)
        losses["total"].backward()
        self.ranks.sum_gradients(self._trained)
        losses, passed = of_all(self.ranks, losses, passed)
        n = len(batch.everyone)
        self.sae.project_decoder_gradient()
        self.optimizer.step()
        self.sae.after_step(passed, n)
        if self.guidance:
            self.guidance.after_step(passed, n, step=self.step)
        self.step += 1
        n_fired = passed.n_fired.cpu()
        self.last_fired[n_fired > 0] = self.step
        if config.rate_bound:
            self._bound_rates(n_fired, n)
        self._look()
        self.window.add({**losses, "l0": passed.n_fired.sum() / n, "l0_forced": passed.n_forced / n}, n)

    def _follow_first(self) -> None:
        """Hold the first process's weights: processors of another kind round otherwise."""
        self.ranks.follow_first([parameter.detach() for parameter in self._trained])

    def _look(self) -> None:
        if self.watch and self.ranks.is_first and self.step in self.watched:
            self.watch.look(self.step, self.sae)

    def _bound_rates(self, n_fired: Tensor, n_rows: int) -> None:
        biases = self.sae.competing_biases()
        if biases is not None:
            last = slice(self.sae.d_sae - len(biases), None)
            silent = self.step - self.last_fired[last]
            bound_rates(biases, n_fired[last].to(self.device), n_rows, silent.to(self.device), self.config.rate_bound)

    def _log_window(self) -> None:
        """Write the mean of the steps since the last line, and report it."""
        if not self.window:
            return
        line = self.window.close()
        losses = line.losses
        if not np.isfinite(losses["total"]):
            raise ConfigError(
                f"the training diverged before step {self.step} (loss {losses['total']}); lower lr={self.config.lr}"
            )
        lr = self.optimizer.param_groups[0]["lr"]
        self._log({"kind": "step", "epoch": self.epoch + 1, "step": self.step, "lr": lr, **losses})
        if self.progress and self.ranks.is_first:
            steps = self.config.epochs * self.stream.n_batches
            left = line.seconds_left(steps - self.step)
            self.progress(Progress(self.epoch + 1, self.step, steps, line.per_second, left, losses))

    def _log(self, row: dict[str, Any]) -> None:
        if self.ranks.is_first:
            training_log.append(self.out, row)

    def _write_checkpoint(self) -> None:
        if not self.ranks.is_first:
            return
        now = time.monotonic()
        self.seconds, self.started, self.checkpointed = self.seconds + now - self.started, now, now
        state = State(
            model=self.sae.state_dict(),
            geometry=self.geometry.state_dict() if self.geometry else None,
            optimizer=self.optimizer.state_dict(),
            epoch=self.epoch,
            batch=self.batch,
            step=self.step,
            last_fired=self.last_fired,
            best=self.best,
            history=[row._asdict() for row in self.history],
            seconds=self.seconds,
            log_bytes=training_log.length(self.out),
        )
        checkpoints.write(self.out, state.content(), self._identity())

    def _identity(self) -> checkpoints.Identity:
        """All that the result depends on; timing and logging do not count."""
        settings = dataclasses.asdict(self.config)
        for name in ("log_every", "checkpoint_seconds", "save_dtype"):
            del settings[name]
        reader = self.data.reader
        arrays = [self.data.train, self.data.valid, reader.lengths, np.array(reader.accessions, dtype=np.str_)]
        arrays += [] if self.data.labels is None else [self.data.labels]
        arrays += [] if self.data.axioms is None else list(self.data.axioms[2:])
        arrays += [] if self.data.known is None else [self.data.known]
        arrays += [] if self.data.sites is None else list(self.data.sites)
        shape = {f"sae.{name}": value for name, value in dataclasses.asdict(self.sae.cfg).items()}
        about = {"architecture": self.sae.architecture, **shape, **settings}
        return checkpoints.Identity(about, checkpoints.data_hash(arrays))

    def _validation_stream(self) -> BatchStream:
        return BatchStream(
            self.data.reader,
            self.data.valid,
            batch_size=self.config.batch_size,
            residues_per_protein=self.config.validation_residues,
            seed=self.config.seed + 1,
            drop_last=False,
            ranks=self.ranks,
        )
