"""`python -m precompute import-sae PATH`: what an SAE of another program is, before a run takes it in.

It says what its files state, which facts a run would still ask for, and with `--bundle` how well it does on the states
of that bundle's language model: an SAE on states of another layer or model explains next to nothing of them.

Read `describe`.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from precompute.config import RunConfig
from precompute.corpus.imported import measured
from precompute.imported import check_place
from protsae.bundle.opening import open_bundle
from protsae.errors import ConfigError
from protsae.plm.registry import open_plm, outline_of
from protsae.sae.loaders import FOREIGN, Told, load_foreign

PROTEINS = 30
"""Of the bundle's test split, on which `--bundle` measures."""


def describe(
    path: Path, format_name: str | None, told: Told, *, bundle: Path | None = None, out: Path | None = None
) -> Iterator[str]:
    """Lines that say what the SAE is.

    Args:
        path: its folder or file.
        format_name: one of `FOREIGN`; None to find out.
        told: what its files may not say.
        bundle: on whose states it is measured.
        out: folder to write it to in our own form.

    Raises:
        ArtifactError: a file is missing, damaged, or of a format that is not read.
        ConfigError: a fact is missing that decides the result, or it reads states of another width.
        BundleError: there is no such bundle.
    """
    sae, stated = load_foreign(path, format_name, told)
    cfg = sae.cfg
    k = f", k {cfg.k}" if cfg.activation == "topk" else ""
    yield f"{path}: {cfg.source}"
    yield f"  {cfg.d_sae:,} features over {cfg.d_model} dimensions; {cfg.activation}{k}; input norm {cfg.input_norm}"
    known = {"language model": stated.plm, "layer": stated.layer, "site": stated.site}
    yield "  " + "; ".join(f"{what} {value or 'not stated'}" for what, value in known.items())
    missing = [key for key, value in zip(("plm", "layer", "site"), known.values(), strict=True) if not value]
    if missing:
        yield f"  a run asks for {', '.join(missing)}, as in --sae NAME={path}:FORMAT:{missing[0]}=..."
    if bundle is not None:
        sae, numbers = measured(sae, _states(bundle, sae.d_model))
        place = "its language model's states"
        yield f"  on {bundle}, {place}: explained variance {numbers['explained_variance']:.3f}, L0 {numbers['l0']:.1f}"
    if out is not None:
        sae.save(out)
        yield f"  written to {out}"


def check_imported(config: RunConfig) -> None:
    """Read every SAE of another program, and refuse those that do not read what the run embeds.

    Raises:
        ArtifactError: a file is damaged or of another format.
        ConfigError: a fact is unknown, or another one than the run's.
    """
    if not config.sae:
        return
    outline = outline_of(config.plm)
    layer = config.layer_of(outline.num_layers)
    for spec in config.sae:
        check_place(spec, spec.read(), plm=config.plm, layer=layer, site=config.site, outline=outline)


def formats() -> tuple[str, ...]:
    """Names of all formats."""
    return tuple(FOREIGN)


def _states(folder: Path, d_model: int) -> np.ndarray:
    """[n_residues, d_model] of some test proteins at the bundle's layer and site."""
    with open_bundle(folder) as bundle:
        if bundle.plm.embed_dim != d_model:
            raise ConfigError(
                f"the SAE reads states of width {d_model}, but {bundle.plm.name} of {folder} writes "
                f"{bundle.plm.embed_dim}; give a bundle of the language model that it was trained on"
            )
        proteins = bundle.reader.sequences_of("test", PROTEINS)
        plm, spec = open_plm(folder)
        found = dict(plm.harvest(proteins, layer=spec.layer, site=spec.site))
    return np.concatenate([found[i].numpy() for i in range(len(proteins))])
