"""Train a small protein language model of ESM-2's architecture, the one an embedded bundle carries.

Masked language modelling (15 % by ESM-2's recipe; the share is a setting), Muon on the blocks' matrices and AdamW on
the rest, a constant learning rate with a linear decay at the end. A killed run goes on from its last checkpoint, where
that belongs to the same settings and sequences.

Read `train`, then `Corpus` in `corpus.py`; checkpoints and log are those of every training, in `protsae/training`.

Source: Lin et al. 2023 (doi:10.1126/science.ade2574) for the task; Jordan et al. 2024 and Liu et al. 2025
(arXiv:2502.16982) for Muon and the scale of its update.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from esm.model.esm2 import ESM2
from safetensors.torch import load_file, save_file
from torch import Tensor

from precompute.plm.corpus import Batch, Corpus
from protsae.errors import ArtifactError, ConfigError, InputError
from protsae.files import sha256, whole, write_json, write_text
from protsae.plm import esm2
from protsae.plm.about import NOTICE, WORDS
from protsae.training import checkpoints
from protsae.training import log as training_log


@dataclass(frozen=True, kw_only=True)
class PLMTrainConfig:
    """Shape and training of an embedded PLM. Saved as `config.json` beside the weights."""

    sequences: Path
    """FASTA, optionally gzipped."""

    clusters: tuple[Path, ...]
    """Homology clusters, accession and representative; the first decides what is held out."""

    out: Path
    """Folder for the weights, checkpoints and log."""

    init: Path | None = None
    """Safetensors to start from; None starts from random weights."""

    init_share: float = 0.0
    """Share of `init` in the average of weights that is written, 0 to 1: it keeps what the start knew of families that
    the training does not show (Wortsman et al. 2022, arXiv:2109.01903)."""

    num_layers: int = 6
    """Blocks."""

    embed_dim: int = 320
    """Width of the residual stream."""

    attention_heads: int = 5
    """Heads per block; heads of 64 are fastest on a CPU."""

    steps: int = 4000
    """Optimizer steps in all."""

    decay_steps: int = 1200
    """Last steps, over which the learning rate falls linearly to zero."""

    warmup_steps: int = 100
    """First steps, over which it rises."""

    tokens_per_step: int = 8192
    """Tokens in a batch, special tokens included."""

    mask_fraction: float = 0.15
    """Share of residues to predict; 80 % of them masked, 10 % replaced, 10 % kept."""

    muon_lr: float = 2e-3
    """Learning rate of the blocks' matrices, at AdamW's scale (update RMS .2)."""

    adam_lr: float = 2e-3
    """Learning rate of embeddings, norms, biases and head."""

    weight_decay: float = 0.05
    """Decoupled, on the matrices only."""

    compile: bool = True
    """Compile the blocks (25 s once, a tenth faster)."""

    checkpoint_every: int = 250
    """Steps between checkpoints."""

    seed: int = 0

    title: str = ""
    """What pages call the model."""

    provenance: str = ""
    """Where its weights come from, in a sentence or two."""

    licence: str = ""
    """Of the weights."""

    notice: Path | None = None
    """Text file with licences and provenance in full; a copy stands beside the weights and goes where they go."""

    def __post_init__(self) -> None:
        if not 0 < self.decay_steps <= self.steps:
            raise ConfigError(f"decay_steps must be in 1..steps={self.steps}, got {self.decay_steps}")
        if not 0 <= self.init_share <= 1 or (self.init_share and self.init is None):
            start = "there is no init" if self.init is None else "it must lie between 0 and 1"
            raise ConfigError(f"init_share={self.init_share} cannot be: {start}")
        if not 0 < self.mask_fraction < 1:
            raise ConfigError(f"mask_fraction must lie between 0 and 1, got {self.mask_fraction}")


NO_PART_OF_THE_RESULT = (
    *("sequences", "clusters", "out", "compile", "checkpoint_every", "steps", "decay_steps"),
    *("init_share", "notice", *WORDS),
)
"""Settings that a training may go on with changed. The sequences count by what was read of them, and the length only
from the first step at which the learning rate falls: until then a longer or a shorter training is the same training."""


class _State(NamedTuple):
    """What a checkpoint holds."""

    model: dict[str, Any]
    optimizers: list[dict[str, Any]]
    step: int
    """Steps that are done."""
    schedule: list[int]
    """Steps in all, and of the decay."""
    log_bytes: int


class MaskedPerplexity(NamedTuple):
    """exp of the mean cross-entropy over 15 % masked residues; 20 is a uniform guess, 1 is certainty."""

    random: float
    """On held-out sequences drawn at random: relatives may have been trained on."""

    homology: float
    """On held-out homology clusters."""

    unigram_random: float
    """Always guessing by the training set's amino-acid frequency."""

    unigram_homology: float


def train(config: PLMTrainConfig, report: Callable[[str], None]) -> MaskedPerplexity:
    """Train from the newest checkpoint in `config.out`, or from the start; write weights, config and log there.

    Args:
        config: what to train, on what, for how long.
        report: takes one line of progress at a time.

    Raises:
        InputError: the FASTA or a cluster file cannot be read, or leaves nothing to train on or to hold out, or there
            is no such notice.
        ArtifactError: `config.out` holds the checkpoint of a training with other settings or sequences.
    """
    if config.notice is not None and not config.notice.is_file():
        raise InputError(f"--notice {config.notice} does not exist")
    torch.manual_seed(config.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    config.out.mkdir(parents=True, exist_ok=True)
    corpus = Corpus(
        config.sequences,
        config.clusters,
        tokens_per_step=config.tokens_per_step,
        mask_fraction=config.mask_fraction,
        seed=config.seed,
    )
    model = ESM2(config.num_layers, config.embed_dim, config.attention_heads, corpus.alphabet)
    if config.init:
        model.load_state_dict({name: value.float() for name, value in load_file(config.init).items()}, strict=False)
    model.to(device)
    optimizers = _optimizers(model, config)
    identity = _identity(config, corpus)
    start = _resume(model, optimizers, config, identity)
    progress = _Progress(config, report)
    trunk = torch.compile(_trunk, dynamic=True) if config.compile else _trunk
    for step, batch in zip(range(start, config.steps), corpus.batches(start), strict=False):
        scale = _lr_scale(step, config)
        loss = _loss(model, trunk, Batch(*(tensor.to(device) for tensor in batch)))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, lr in zip(optimizers, (config.muon_lr, config.adam_lr), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = lr * scale
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        progress.step(step + 1, loss, batch.tokens.numel())
        if (step + 1) % config.checkpoint_every == 0 or step + 1 == config.steps:
            _checkpoint(model, optimizers, step + 1, config, identity)
    if config.init:
        _average(model, config.init, config.init_share)
    result = perplexity(model, corpus)
    report(f"masked perplexity: {result}")
    write_weights(model, config, result)
    return result


@torch.no_grad()
def _average(model: ESM2, init: Path, share: float) -> None:
    """Move the weights that share of the way back to where they started; those that the start lacked stay."""
    own = model.state_dict()
    for name, value in load_file(init).items():
        if name in own:
            own[name].lerp_(value.to(own[name]), share)


def _loss(model: ESM2, trunk: Callable[[ESM2, Tensor], Tensor], batch: Batch) -> Tensor:
    with torch.autocast(batch.tokens.device.type, torch.bfloat16):
        hidden = trunk(model, batch.tokens).flatten(0, 1)
        logits = esm2.lm_logits(model, hidden[batch.positions])
    return F.cross_entropy(logits.float(), batch.targets)


class _Progress:
    """Every 25 steps a line for the user and a row in the log."""

    def __init__(self, config: PLMTrainConfig, report: Callable[[str], None]) -> None:
        self.out, self.steps, self.report = config.out, config.steps, report
        self.window = training_log.LogWindow()

    def step(self, done: int, loss: Tensor, tokens: int) -> None:
        self.window.add({"loss": loss}, tokens)
        if done % 25 != 0 and done != self.steps:
            return
        line = self.window.close()
        loss_text, rate = f"loss {line.losses['loss']:.4f}", line.per_second
        training_log.append(self.out, {"step": done, **line.losses, "tokens_per_s": rate})
        minutes = line.seconds_left(self.steps - done) / 60
        self.report(f"step {done}/{self.steps}  {loss_text}  {rate:,.0f} tokens/s  {minutes:.1f} min left")


@torch.no_grad()
def perplexity(model: ESM2, corpus: Corpus) -> MaskedPerplexity:
    """Masked perplexity on the two held-out sets, beside the unigram baseline."""
    model.eval()
    device = next(model.parameters()).device

    def score(sequences: Sequence[np.ndarray]) -> tuple[float, float]:
        total, baseline, count = 0.0, 0.0, 0
        for batch in corpus.evaluation_batches(sequences):
            tokens = batch.tokens.to(device)
            hidden = _trunk(model, tokens, is_pad=tokens == model.padding_idx).flatten(0, 1)
            logits = esm2.lm_logits(model, hidden[batch.positions.to(device)]).float()
            total += F.cross_entropy(logits.cpu(), batch.targets, reduction="sum").item()
            baseline -= float(np.log(np.maximum(corpus.unigram[batch.targets.numpy()], 1e-9)).sum())
            count += len(batch.targets)
        return math.exp(total / count), math.exp(baseline / count)

    random, unigram_random = score(corpus.random)
    homology, unigram_homology = score(corpus.homology)
    model.train()
    return MaskedPerplexity(random, homology, unigram_random, unigram_homology)


def write_weights(model: ESM2, config: PLMTrainConfig, result: MaskedPerplexity) -> None:
    """Write `weights.safetensors` (fp16, fair-esm's names), `config.json` and the notice; each whole or not at all."""
    state = {
        name: value.to(torch.float16).contiguous().cpu()
        for name, value in model.state_dict().items()
        if name != "lm_head.weight" and "contact_head" not in name and "inv_freq" not in name
    }
    settings = {key: _plain(value) for key, value in asdict(config).items()}
    settings["masked_perplexity"] = result._asdict()
    with whole(config.out / "weights.safetensors") as partial:
        save_file(state, partial)
    write_json(config.out / "config.json", settings)
    if config.notice is not None:
        write_text(config.out / NOTICE, config.notice.read_text(encoding="utf-8"))


def _trunk(model: ESM2, tokens: Tensor, is_pad: Tensor | None = None) -> Tensor:
    """Residual stream after the last block; without `is_pad` nothing is padded."""
    x = esm2.embed_tokens(model, tokens)
    bias = None if is_pad is None else esm2.padding_bias(is_pad, x.dtype)
    attention = esm2.sdpa if tokens.is_cuda else esm2.explicit_attention
    return esm2.run_blocks(model, x, bias, attention=attention)


def _optimizers(model: ESM2, config: PLMTrainConfig) -> list[torch.optim.Optimizer]:
    matrices = [p for name, p in model.named_parameters() if name.startswith("layers.") and p.ndim == 2]
    chosen = {id(p) for p in matrices}
    rest = [p for name, p in model.named_parameters() if id(p) not in chosen and "contact_head" not in name]
    muon = torch.optim.Muon(
        matrices, lr=config.muon_lr, weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw"
    )
    adam = torch.optim.AdamW(rest, lr=config.adam_lr, betas=(0.9, 0.98), weight_decay=0.0)
    return [muon, adam]


def _lr_scale(step: int, config: PLMTrainConfig) -> float:
    warm = min(1.0, (step + 1) / config.warmup_steps)
    return warm * min(1.0, max(0.0, (config.steps - step) / config.decay_steps))


def _checkpoint(
    model: ESM2,
    optimizers: Sequence[torch.optim.Optimizer],
    step: int,
    config: PLMTrainConfig,
    identity: checkpoints.Identity,
) -> None:
    content = {
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "step": step,
        "schedule": [config.steps, config.decay_steps],
        "log_bytes": training_log.length(config.out),
    }
    checkpoints.write(config.out, content, identity)


def _resume(
    model: ESM2, optimizers: Sequence[torch.optim.Optimizer], config: PLMTrainConfig, identity: checkpoints.Identity
) -> int:
    """Take up the checkpoint; the step that it stands at, 0 where there is none and a new log begins.

    Raises:
        ArtifactError: the length was changed after the learning rate had begun to fall.
    """
    state = checkpoints.read(config.out, identity, lambda content: _State(**content))
    if state is None:
        training_log.begin(config.out)
        return 0
    steps, decay_steps = state.schedule
    falls_from = min(steps - decay_steps, config.steps - config.decay_steps)
    if (steps, decay_steps) != (config.steps, config.decay_steps) and state.step > falls_from:
        raise ArtifactError(
            f"{config.out} stands at step {state.step}, and the learning rate of a training of {config.steps} steps "
            f"with {config.decay_steps} of decay falls from step {config.steps - config.decay_steps} (it was to be "
            f"{steps} and {decay_steps}); give a later end, or another --out to start anew"
        )
    model.load_state_dict(state.model)
    for optimizer, saved in zip(optimizers, state.optimizers, strict=True):
        optimizer.load_state_dict(saved)
    training_log.cut(config.out, state.log_bytes)
    return state.step


def _identity(config: PLMTrainConfig, corpus: Corpus) -> checkpoints.Identity:
    """All that the weights depend on; compiling changes no more than their rounding."""
    settings = {name: value for name, value in asdict(config).items() if name not in NO_PART_OF_THE_RESULT}
    settings["init"] = None if config.init is None else sha256(config.init)
    return checkpoints.Identity(settings, checkpoints.data_hash(corpus.arrays()))


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return value.name
    return [_plain(v) for v in value] if isinstance(value, tuple) else value
