"""The runs that one command asks for: one bundle, or a suite of one for each layer and site, from one embedding pass.

    proteins once -> the states of all places in one forward pass -> each bundle -> suite.json

Read `run_suite`. What the registry says is in `protsae/bundle/suite.py`.
"""

import gzip
import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import torch

from precompute.config import RunConfig
from precompute.pipeline.places import share_stages, without_place
from precompute.pipeline.progress import Console, Report
from precompute.pipeline.runner import Runner
from precompute.stages import embed
from precompute.stages.order import STAGES
from protsae.alphabet import AMINO_ACIDS
from protsae.bundle.layout import sae_folder
from protsae.bundle.opening import Bundle, open_bundle
from protsae.bundle.suite import Metric, name_of, registry_of, write_registry
from protsae.files import locked
from protsae.measures.fidelity import FidelityBench
from protsae.plm.fetching import fetch_shown
from protsae.plm.registry import open_plm
from protsae.plm.sites import Place
from protsae.sae import load_sae

N_PROTEINS = 40
"""Test proteins, one a family, on which the loss that an SAE adds is measured; as many training ones give the mean."""

LONGEST = 400
"""Residues of the longest of them."""

_RELEASE = re.compile(rb"^data-version: (?:releases/)?(\S+)", re.MULTILINE)
_HEAD = 4096


def run_one(config: RunConfig, console: Console) -> None:
    """Make one bundle."""
    runner = Runner(config, console, STAGES)
    if not runner.is_done("embed"):
        fetch_shown(config.plm, quiet=console.quiet)
    runner.run()
    console.say(f"bundle: {config.out}")


def run_suite(out: Path, configs: Sequence[RunConfig], console: Console) -> None:
    """Make a bundle for each place in the folder `out`, and the registry above them.

    Args:
        out: of the suite.
        configs: one a place, see `one_a_place`.
        console: where progress goes.
    """
    out.mkdir(parents=True, exist_ok=True)
    first = configs[0]
    runners = [Runner(config, console, STAGES) for config in configs]
    if not all(runner.is_done("embed") for runner in runners):
        fetch_shown(first.plm, quiet=console.quiet)
        with locked(first.work):
            runners[0].run_stage(runners[0].stage("proteins"))
        _embed(configs, console)
    for config in configs:
        if config is not first:
            share_stages(first.work, config.work, without_place(STAGES))
        run_one(config, console)
    with console.stage("suite") as report:
        write_suite(out, configs, report)
    console.say(f"suite: {out}")


def _embed(configs: Sequence[RunConfig], console: Console) -> None:
    """All places' shards from one pass of the PLM; each run's own stage then finds them whole."""
    works = [config.work for config in configs]
    with ExitStack() as stack:
        for work in works:
            stack.enter_context(locked(work))
            (work / "embed").mkdir(exist_ok=True)
            (work / "embed" / "done.json").unlink(missing_ok=True)
        report = stack.enter_context(console.stage(f"embed at {', '.join(config.out.name for config in configs)}"))
        embed.run_together(configs, works, report)


def write_suite(out: Path, configs: Sequence[RunConfig], report: Report) -> None:
    """Measure what each SAE costs the PLM, and write the registry."""
    losses: dict[str, Metric] = {}
    with ExitStack() as stack:
        bundles = {config.out.name: stack.enter_context(open_bundle(config.out)) for config in configs}
        for at, bundle in bundles.items():
            report(f"loss that the SAEs of {at} add")
            losses |= added_losses(bundle, configs[0].device)
        registry = registry_of(bundles, go_release=go_release(configs[0].ontology), losses=losses)
    write_registry(out, registry)


def added_losses(bundle: Bundle, device: str) -> dict[str, Metric]:
    """Nats that each SAE's reconstruction adds at masked residues of test proteins, beside the mean residue's.

    Empty where the PLM predicts no letters, or the bundle ships no protein of the two splits that fits.
    """
    plm, spec = open_plm(bundle.folder, device=device)
    train, test = (_short(bundle.reader.sequences_of(split, 4 * N_PROTEINS)) for split in ("train", "test"))
    if not (plm.predicts and train and test):
        return {}
    states = torch.cat([x for _, x in plm.harvest(train, layer=spec.layer, site=spec.site)])
    bench = FidelityBench(plm, test, layer=spec.layer, site=spec.site, mean_state=states.mean(dim=0))
    found = {}
    for row in bundle.reader.saes():
        sae = load_sae(sae_folder(bundle.folder, row.name)).eval().to(plm.device)
        with torch.no_grad():
            masked = bench.measure(lambda x, sae=sae: sae(x).x_hat).masked
        name = name_of(row.name, Place(spec.layer, spec.site), row.d_sae)
        added = masked.ce_sae - masked.ce_clean, masked.ce_mean - masked.ce_clean
        found[name] = Metric(*added, "the mean residue in its place", "test")
    return found


def go_release(ontology: Path) -> str:
    """The release that an OBO file states in its head, '' where it states none."""
    opener = gzip.open if ontology.suffix == ".gz" else open
    with opener(ontology, "rb") as handle:
        found = _RELEASE.search(handle.read(_HEAD))
    return found[1].decode("utf-8", "replace") if found else ""


def _short(sequences: Sequence[str]) -> list[str]:
    return [s for s in sequences if len(s) <= LONGEST and set(s) & set(AMINO_ACIDS)][:N_PROTEINS]
