"""One training step of an SAE, ours against the plain dense formula, on the same batches in one run; prints JSON.

    python benchmarks/sae_step.py --d-model 320 --d-sae 2560 --k 32 --concepts 400

Both do forward, backward, Adam and the unit-norm step; the dense one uses torch.topk, dense products and unfused Adam,
as most SAE code does. The SAEs with thresholds run the same step through all features; the L0 reported is that of the
last step. Times are the median and the best of interleaved repeats, in milliseconds.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping

import torch

from protsae.sae import (
    SAE,
    BatchTopKSAE,
    BatchTopKSAEConfig,
    GatedSAE,
    GatedSAEConfig,
    JumpReLUSAE,
    JumpReLUSAEConfig,
    ProtSAE,
    ProtSAEConfig,
    ReLUSAE,
    ReLUSAEConfig,
    TopKSAE,
    TopKSAEConfig,
)
from protsae.sae.losses import annotation_loss, reconstruction_loss

THRESHOLDS = {
    "relu": (ReLUSAE, ReLUSAEConfig),
    "gated": (GatedSAE, GatedSAEConfig),
    "jumprelu": (JumpReLUSAE, JumpReLUSAEConfig),
    "batchtopk": (BatchTopKSAE, BatchTopKSAEConfig),
}
SETTLE = 40
"""Steps in which a controller brings the L0 near k, before anything is timed."""


def our_step(sae: SAE, x: torch.Tensor, labels: torch.Tensor | None) -> Callable[[], None]:
    """The step of `protsae/training/loop.py`, axioms left out."""
    optimizer = torch.optim.Adam(sae.parameters(), lr=5e-4, fused=True)

    def step() -> None:
        passed = sae.training_pass(x)
        loss = reconstruction_loss(x, passed.x_hat)
        if labels is not None:
            loss = loss + 10 * annotation_loss(passed.logits, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        sae.normalize_decoder()

    return step


def dense_step(sae: SAE, x: torch.Tensor, labels: torch.Tensor | None) -> Callable[[], None]:
    """The same through dense activations."""
    optimizer = torch.optim.Adam(sae.parameters(), lr=5e-4, foreach=False)

    def step() -> None:
        found = sae(x)
        loss = reconstruction_loss(x, found.x_hat)
        if labels is not None and found.extra is not None:
            loss = loss + 10 * annotation_loss(found.extra.logits, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        sae.normalize_decoder()

    return step


def threshold_step(sae: SAE, x: torch.Tensor, *, fused: bool) -> Callable[[], float]:
    """The step of `protsae/training/loop.py` for an SAE with thresholds; gives the L0."""
    optimizer = torch.optim.Adam(sae.parameters(), lr=5e-4, fused=fused, foreach=False)

    def step() -> float:
        passed = sae.training_pass(x)
        loss = reconstruction_loss(x, passed.x_hat) + passed.penalty
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        sae.after_step(passed, len(x))
        return float(passed.n_fired.sum() / len(x))

    return step


def measure(steps: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, object]:
    """Median and best time of the steps "ours" and "dense", in ms, and the ratio of the medians."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(repeats + 2):
        for name, step in steps.items():
            begun = time.perf_counter()
            step()
            if turn >= 2:
                times[name].append((time.perf_counter() - begun) * 1e3)
    timings = {
        name: {"median_ms": round(statistics.median(t), 2), "best_ms": round(min(t), 2)} for name, t in times.items()
    }
    return {**timings, "dense_over_ours": round(timings["dense"]["median_ms"] / timings["ours"]["median_ms"], 2)}


def main() -> None:
    """Measure all architectures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    for name, value in {"d-model": 320, "d-sae": 2560, "k": 32, "batch": 2048, "concepts": 400, "repeats": 15}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()
    torch.manual_seed(0)
    x = torch.randn(args.batch, args.d_model)
    labels = torch.rand(args.batch, args.concepts) < 0.05
    topk = TopKSAEConfig(d_model=args.d_model, d_sae=args.d_sae, k=args.k)
    guided = ProtSAEConfig(
        d_model=args.d_model,
        d_sae=args.d_sae,
        k=args.k,
        concepts=tuple(f"GO:{i:07d}" for i in range(args.concepts)),
        namespace="MFO",
    )
    result: dict[str, object] = {**vars(args), "threads": torch.get_num_threads(), "torch": torch.__version__}
    for name, make, targets in (("topk", lambda: TopKSAE(topk), None), ("protsae", lambda: _guided(guided), labels)):
        steps = {"ours": our_step(make(), x, targets), "dense": dense_step(make(), x, targets)}
        result[name] = measure(steps, args.repeats)
    for name, (sae_class, config_class) in THRESHOLDS.items():
        cfg = config_class(d_model=args.d_model, d_sae=args.d_sae, k=args.k)
        dense_class = type(f"Dense{sae_class.__name__}", (sae_class,), {"runs_sparse": False})
        ways = {"ours": _settled(sae_class(cfg), x, fused=True), "dense": _settled(dense_class(cfg), x, fused=False)}
        found = measure(ways, args.repeats)
        result[name] = {**found, "l0": {way: round(step(), 1) for way, step in ways.items()}}
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


def _settled(sae: SAE, x: torch.Tensor, *, fused: bool) -> Callable[[], float]:
    """`threshold_step` of a fresh SAE, after the steps that its controller needs."""
    sae.fit_input(x.mean(0), float((x**2).sum(1).mean()))
    step = threshold_step(sae, x * sae.scale, fused=fused)
    for _ in range(SETTLE):
        step()
    return step


def _guided(cfg: ProtSAEConfig) -> ProtSAE:
    sae = ProtSAE(cfg)
    sae.fit_prevalence(torch.full((cfg.n_defined,), 0.05))
    return sae


if __name__ == "__main__":
    main()
